"""Lets what a real fork server forks stand still right after the fork, as under a load that gives it no turn.

It holds then all that the fork server held. Put into one by `preload`; where no test listens, nobody waits.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path


def gate(test: int) -> str:
    """Where a process of tests listens to those that were forked; each goes on when its connection ends."""
    return f"\0vtcode-test-forked-{test}"


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


_SERVER, _TEST = os.getpid(), _parent(os.getppid())


def _wait() -> None:
    if os.getppid() == _SERVER:
        with socket.socket(socket.AF_UNIX) as asked, suppress(OSError):
            asked.connect(gate(_TEST))
            asked.recv(1)


os.register_at_fork(after_in_child=_wait)
