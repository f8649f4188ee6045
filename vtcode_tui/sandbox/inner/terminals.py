"""Pseudo-terminals of a run in tier kernel: the notifier opens the other end of one that the run made itself.

Landlock gives rights to files that exist, and the other end of a new terminal does not exist before: a right to all
of /dev/pts would give the run the terminals of its user. A master that a run holds is one that it opened, since
nobody outside hands it one; the kernel names the other end of exactly that master (TIOCGPTPEER), by no path.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.memory import process_of

PEER = 0x5441
_NUMBER = 0x80045430
_ALLOWED = os.O_RDWR | os.O_NONBLOCK


def open_peer(thread: int, descriptor: int, flags: int) -> int:
    """The other end of the terminal whose master is the caller's `descriptor`. Raises OSError for anything else."""
    pidfd = os.pidfd_open(process_of(thread))
    try:
        master = kernel.pidfd_getfd(pidfd, descriptor)
    finally:
        os.close(pidfd)
    try:
        if not stat.S_ISCHR(os.fstat(master).st_mode):
            raise OSError(errno.ENOTTY, "not a terminal")
        fcntl.ioctl(master, _NUMBER, bytes(4))  # answered by a master alone
        # O_NOCTTY: never the controlling terminal of the supervisor.
        return fcntl.ioctl(master, PEER, flags & _ALLOWED | os.O_NOCTTY | os.O_CLOEXEC)
    finally:
        os.close(master)
