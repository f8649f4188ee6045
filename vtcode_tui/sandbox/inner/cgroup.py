"""A control group for all runs together, where the machine lets us make one: a floor under `watch`.

Each run's own limits are watched; a group for each would cost 30 ms (moving a process between groups waits for the
whole kernel), so the fork server enters one group when it starts and everything it forks is born there. Tried in
this order: version 2 below our own group when it is delegated to us, version 1 when we are root.
"""

from __future__ import annotations

import os
from contextlib import suppress

PREFIX = "vtcode-"
_V2, _V1 = "/sys/fs/cgroup", "/sys/fs/cgroup/{}"
_WANTED = {"pids": ("pids.max", "pids.max"), "memory": ("memory.max", "memory.limit_in_bytes")}


class Group:
    """The folders of the group, empty where none could be made."""

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
            _sweep(parent)
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
            with suppress(OSError):  # the fork server of another vtcode may have swept it away
                os.rmdir(folder)
            return False
        self.folders.append(folder)
        return True

    def enter(self) -> None:
        """Put the calling process into the group, and so everything it will start, where that is possible."""
        for folder in list(self.folders):
            try:
                _write(f"{folder}/cgroup.procs", "0")
            except OSError:
                self.folders.remove(folder)

    def counts(self) -> list[int]:
        """Open where the kernel counts the processes that it killed, for `kills`; no run keeps them."""
        found = []
        # Version 2 has the first file, version 1 the second.
        for path in (f"{f}/{name}" for f in self.folders for name in ("memory.events", "memory.oom_control")):
            with suppress(OSError):
                found.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        return found


def kills(counts: list[int]) -> int:
    """How many processes the kernel had to kill because of the memory limit, by the open `Group.counts`."""
    found = 0
    for descriptor in counts:
        with suppress(OSError):  # a group that was swept away has no numbers any more
            lines = os.pread(descriptor, 4096, 0).splitlines()
            found += sum(int(line[9:]) for line in lines if line.startswith(b"oom_kill "))
    return found


def _sweep(parent: str) -> None:
    """Remove the groups of fork servers that are gone; one in use cannot be removed.

    One that is alive may have made its group and not entered it yet: then it is not in use, and still not ours.
    """
    for name in os.listdir(parent):
        if name.startswith(PREFIX) and not os.path.exists(f"/proc/{name[len(PREFIX) :]}"):
            try:
                os.rmdir(f"{parent}/{name}")
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


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
