"""The processes of a run: find them all, measure them, end them all."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import time

from vtcode_tui.sandbox.inner import kernel

_REFER, _SIGNALS = 1 << 13, 2
"""Landlock's right to move and link between folders, and its scope of signals."""


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


def threads_of_machine() -> int:
    """How many threads there are on this machine, of whomever, in one short read."""
    fields = _read("/proc/loadavg").split()
    return int(fields[3].partition(b"/")[2]) if len(fields) > 3 else 0


def threads_of_user(uid: int) -> int:
    """How many threads a user has on this machine: what the kernel compares with the limit on processes."""
    count = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                tasks = os.stat(f"{entry.path}/task")
            except OSError:
                continue
            count += tasks.st_nlink - 2 if tasks.st_uid == uid else 0
    return count


def is_filtered(pid: int) -> bool:
    """Whether a process is under a seccomp filter, which it can neither hide nor leave."""
    return b"\nSeccomp:\t2" in _read(f"/proc/{pid}/status")


def memory_of(pid: int) -> tuple[int, int]:
    """Bytes of memory that a process holds for itself (swapped out and page tables too), and of shared memory."""
    own = shared = 0
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith((b"RssAnon:", b"VmPTE:", b"VmSwap:")):
            own += int(line.split()[1]) << 10
        elif line.startswith(b"RssShmem:"):
            shared = int(line.split()[1]) << 10
    return own, shared


def descriptors_of(pid: int) -> int:
    """How many descriptors a process has open; as many as none can have where it does not let us see."""
    try:
        return os.stat(f"/proc/{pid}/fd").st_size or len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return 1 << 30
    except OSError:
        return 0


def requests_of(pid: int) -> int:
    """For how many asynchronous requests (io_setup) a process may have made room, as many as none can have where it
    does not let us see."""
    size = 0
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            for line in file:
                if b"/[aio]" in line:
                    first, last = line.split(b" ", 1)[0].split(b"-")
                    size += int(last, 16) - int(first, 16)
    except PermissionError:
        return 1 << 30
    except OSError:
        return 0
    return size // 64  # two entries of 32 bytes for each


def enclose() -> bool:
    """Let this process send signals to itself and to what it starts from now on, and to nothing else.

    What it starts may then be killed all at once, by `end_all(enclosed=True)`. False where the kernel cannot do it
    (Landlock before version 6) and where it cannot be proven that it did.
    """
    parent = os.getppid()
    try:
        # A ruleset refuses moving and linking between folders whether it handles that or not: so it is handled, and
        # allowed everywhere below the root. For a run with a root of its own that cannot be said beforehand.
        ruleset = kernel.syscall(
            "landlock_create_ruleset", kernel.SYS_LANDLOCK_CREATE, struct.pack("=QQQ", _REFER, 0, _SIGNALS), 24, 0
        )
        try:
            root = os.open("/", os.O_PATH | os.O_CLOEXEC)
            try:
                kernel.landlock_allow(ctypes.c_long(ruleset), root, _REFER)
            finally:
                os.close(root)
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            # What we try for ourselves below is nothing for the machine's audit.
            kernel.landlock_restrict(ruleset, kernel.LOG_NOT_HERE if kernel.landlock_abi() >= 7 else 0)
        finally:
            os.close(ruleset)
    except OSError:
        return False
    try:
        os.kill(parent, 0)
    except PermissionError:
        return parent == os.getppid() != 1  # the same user's, and out of reach: nothing but the enclosure says so
    except ProcessLookupError:
        return False
    return False


def end_all(*, enclosed: bool = False) -> int:
    """Kill and reap every descendant of this process, which must be a subreaper; the number of those found alive.

    Does not return while one is left: whatever a run started ends with it.
    """
    me = os.getpid()
    killed: set[int] = set()
    while reap():
        alive = [p for p in descendants(me) if _state(p) not in {b"Z", b"X", b""}]
        if enclosed and alive:
            kill_enclosed()
        else:
            kill_all(alive)
        killed.update(alive)
        if not alive:
            time.sleep(0.001)
    return len(killed)


def kill_enclosed() -> None:
    """Kill everything that an enclosed process started, in one call that no fork outruns."""
    send(-1, signal.SIGKILL)


def hold_enclosed() -> None:
    """Let everything that an enclosed process started stand still, likewise."""
    send(-1, signal.SIGSTOP)


def release_enclosed() -> None:
    """Let what was held go on."""
    send(-1, signal.SIGCONT)


def kill_all(pids: list[int]) -> None:
    """Kill processes that may be forking at this moment.

    A whole group is killed at once, which no fork outruns: the kernel does not let a process fork that has a
    signal waiting. What is in a group of its own is stopped before it is killed.
    """
    known = set(pids)
    for group in known.intersection(map(_group, pids)):
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


def reap() -> bool:
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
