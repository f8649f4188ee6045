"""The processes of a run: find them all, measure them, end them all."""

from __future__ import annotations

import os
import signal
import time


def parents() -> dict[int, int]:
    """Every process of the machine that we can see, with its parent."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        stat = _read(f"/proc/{name}/stat")
        # The command may hold spaces and parentheses: fields are counted from the last `)`.
        fields = stat[stat.rfind(b")") + 2 :].split(b" ", 2)
        if len(fields) > 1:
            found[int(name)] = int(fields[1])
    return found


def children_of(pid: int) -> list[int]:
    """The direct children of a process with one thread."""
    return [int(p) for p in _read(f"/proc/{pid}/task/{pid}/children").split()]


def descendants(root: int) -> list[int]:
    """Everything below `root`, itself not included, zombies included."""
    return descendants_of([root])


def descendants_of(roots: list[int]) -> list[int]:
    """Everything below several processes, from one look at the machine."""
    below: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        below.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = list(roots)
    while queue:
        for child in below.get(queue.pop(), ()):
            found.append(child)
            queue.append(child)
    return found


def threads_of(pid: int) -> int:
    """How many threads a process has."""
    stat = _read(f"/proc/{pid}/stat")
    fields = stat[stat.rfind(b")") + 2 :].split()
    return int(fields[17]) if len(fields) > 17 else 0


def memory_of(pid: int) -> tuple[int, int]:
    """Bytes of memory that a process holds for itself, and of shared memory that it has in use."""
    own = shared = 0
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(b"RssAnon:"):
            own = int(line.split()[1]) << 10
        elif line.startswith(b"RssShmem:"):
            shared = int(line.split()[1]) << 10
    return own, shared


def machine_memory() -> tuple[int, int]:
    """Bytes of memory that the machine has, and of shared memory (tmpfs, memfd, System V) in use on it."""
    total = shared = 0
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith(b"MemTotal:"):
            total = int(line.split()[1]) << 10
        elif line.startswith(b"Shmem:"):
            shared = int(line.split()[1]) << 10
    return total, shared


def end_all() -> int:
    """Kill and reap every descendant of this process, which must be a subreaper; the number of those found alive.

    Does not return while one is left: whatever a run started ends with it.
    """
    me = os.getpid()
    killed: set[int] = set()
    while _reap():
        alive = [p for p in descendants(me) if _state(p) not in {b"Z", b"X", b""}]
        kill_all(alive)
        killed.update(alive)
        if not alive:
            time.sleep(0.001)
    return len(killed)


def kill_all(pids: list[int]) -> None:
    """Kill processes that may be forking at this moment.

    A whole group is killed at once, which no fork outruns: the kernel does not let a process fork that has a
    signal waiting. What is in a group of its own is stopped before it is killed.
    """
    groups = {group for group in map(_group, pids) if group in set(pids)}
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    for how in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            send(pid, how)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _reap() -> bool:
    """Reap what has ended; whether any child is left."""
    while True:
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def _state(pid: int) -> bytes:
    stat = _read(f"/proc/{pid}/stat")
    at = stat.rfind(b")")
    return stat[at + 2 : at + 3] if at >= 0 else b""


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone already needs none."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536)
    except OSError:
        return b""
