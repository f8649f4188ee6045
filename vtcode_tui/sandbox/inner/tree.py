"""The processes of a run: find them all, measure them, end them all."""

from __future__ import annotations

import os
import signal
import time

_PAGE = os.sysconf("SC_PAGE_SIZE")


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
    below: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        below.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        for child in below.get(queue.pop(), ()):
            found.append(child)
            queue.append(child)
    return found


def memory_of(pid: int) -> int:
    """Bytes of memory that a process holds for itself: resident, without the files it shares."""
    fields = _read(f"/proc/{pid}/statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if len(fields) > 2 else 0


def end_all(deadline_seconds: float = 5.0) -> int:
    """Kill and reap every descendant of this process, which must be a subreaper; the number of those found alive.

    Stops them first, so that none can fork while the list is being read; repeated until none is left.
    """
    me = os.getpid()
    killed: set[int] = set()
    give_up = time.monotonic() + deadline_seconds
    while True:
        alive = [p for p in descendants(me) if _state(p) not in {b"Z", b"X", b""}]
        for how in (signal.SIGSTOP, signal.SIGKILL):
            for pid in alive:
                send(pid, how)
        killed.update(alive)
        if not _reap() or time.monotonic() > give_up:
            return len(killed)
        if not alive:
            time.sleep(0.001)


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
