"""A control group for a run, where the machine lets us make one: the kernel itself bounds processes and memory.

Tried in this order: version 2 below our own group when it is delegated to us, version 1 when we are root. Where
neither can be had, `watch` looks instead.
"""

from __future__ import annotations

import os

_V2, _V1 = "/sys/fs/cgroup", "/sys/fs/cgroup/{}"
_WANTED = {"pids": ("pids.max", "pids.max"), "memory": ("memory.max", "memory.limit_in_bytes")}


class Group:
    """The folders of a run's group, empty where none could be made."""

    def __init__(self, name: str, processes: int, memory: int) -> None:
        self.folders: list[str] = []
        values = {"pids": processes, "memory": memory}
        own = _own_groups()
        if "" in own and self._make(_V2 + own[""], name, {k: _WANTED[k][0] for k in _WANTED}, values):
            return
        for controller, (_new, old) in _WANTED.items():
            if controller in own:
                self._make(_V1.format(controller) + own[controller], name, {controller: old}, values)

    def _make(self, parent: str, name: str, files: dict[str, str], values: dict[str, int]) -> bool:
        folder = f"{parent.rstrip('/')}/{name}"
        try:
            os.mkdir(folder)
        except OSError:
            return False
        done = True
        for controller, file in files.items():
            try:
                _write(f"{folder}/{file}", str(values[controller]))
            except OSError:
                done = False  # the controller is not handed down to this group
        if not done:
            os.rmdir(folder)
            return False
        self.folders.append(folder)
        return True

    def enter(self) -> None:
        """Put the calling process into the group, and so everything it will start. Raises OSError."""
        for folder in self.folders:
            _write(f"{folder}/cgroup.procs", "0")

    def out_of_memory(self) -> bool:
        """Whether the kernel had to kill a process of the run because of its memory limit."""
        return any(
            line.split()[1] != "0"
            for folder in self.folders
            for file in ("memory.events", "memory.oom_control")
            for line in _lines(f"{folder}/{file}")
            if line.startswith("oom_kill ")
        )

    def remove(self) -> None:
        """Take the group away, once its last process has ended."""
        for folder in self.folders:
            try:
                os.rmdir(folder)
            except OSError:
                continue


def _own_groups() -> dict[str, str]:
    """Our own group per controller; the key of version 2 is empty."""
    found: dict[str, str] = {}
    try:
        with open("/proc/self/cgroup") as file:
            for line in file:
                _number, controllers, path = line.rstrip("\n").split(":", 2)
                for controller in controllers.split(","):
                    found[controller] = path
    except OSError:
        return {}
    return found


def _lines(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.readlines()
    except OSError:
        return []


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
