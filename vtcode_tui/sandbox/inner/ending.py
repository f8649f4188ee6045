"""The end of a run's processes: all of them, and nobody else's.

Numbers of processes come around again, often after 32,768 forks, which a flood of forks makes in seconds.
So no list of numbers is signalled: a process is held by a descriptor first, then found to be the one that was
listed, and signalled by that descriptor.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner import kernel, tree

_REFER, _SIGNALS = 1 << 13, 2
"""Landlock's right to move and link between folders, and its scope of signals."""
_PIDFD_SIGNAL_PROCESS_GROUP = 4
"""Since Linux 6.9."""


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
    killed: set[int] = set()
    while reap():
        found = tree.family()
        alive = [pid for pid, known in found.items() if known.alive]
        if enclosed and alive:
            kill_enclosed()
        else:
            kill_all(found)
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


def kill_all(family: dict[int, tree.Entry]) -> None:
    """Kill what `tree.family` found, which may be forking at this moment.

    A whole group is killed at once, which no fork outruns: the kernel does not let a process fork that has a
    signal waiting. What is in a group of its own is stopped before it is killed. What has another start by now, or
    is below a process that has, is another process that got the number: it is left alone.
    """
    mine = {os.getpid(): 0}
    for pid, known in family.items():
        with suppress(OSError):
            held = os.pidfd_open(pid)
            try:
                if _is_below(pid, known, mine):
                    mine[pid] = known.start
                    if known.group == pid:
                        _kill_group(pid, held)
                    else:
                        signal.pidfd_send_signal(held, signal.SIGSTOP)
            finally:
                os.close(held)
    for pid in [pid for pid, known in family.items() if pid in mine and known.alive]:
        send_to(pid, mine[pid], signal.SIGKILL)


def _is_below(pid: int, known: tree.Entry, mine: dict[int, int]) -> bool:
    """Whether a process is the one that was seen, and a child of one of `mine` (number and start).

    The parent is looked at last: where it is the same, its number meant nobody else before.
    """
    now = tree.entry(pid)
    if now is None or now.start != known.start or now.parent not in mine:
        return False
    parent = tree.entry(now.parent)
    return now.parent == os.getpid() or (parent is not None and parent.start == mine[now.parent])


def _kill_group(leader: int, held: int) -> None:
    try:
        signal.pidfd_send_signal(held, signal.SIGKILL, None, _PIDFD_SIGNAL_PROCESS_GROUP)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # A kernel that cannot do that: by the number, which the leader had until now.
        signal.pidfd_send_signal(held, 0)
        os.killpg(leader, signal.SIGKILL)


def reap() -> bool:
    """Reap what has ended; whether any child is left."""
    while True:
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def send_to(pid: int, start: int, number: int) -> None:
    """Send a signal to the process of that number and start, and to no other that has the number by now."""
    with suppress(OSError):  # it is gone
        held = os.pidfd_open(pid)
        try:
            now = tree.entry(pid)
            if now is not None and now.start == start:
                signal.pidfd_send_signal(held, number)
        finally:
            os.close(held)


def send(child: int, number: int) -> None:
    """Signal a child that we have not reaped, whose number nobody else can have; one that is gone needs none."""
    try:
        os.kill(child, number)
    except (ProcessLookupError, PermissionError):
        return
