"""What the processes of a run do once while they wait for it, on nobody's files.

A forked process shares its memory with the fork server until it writes there, and each page that it writes for the
first time costs 3 us and more: a run would pay for hundreds. Whoever did a thing before has its own pages for it.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner import guard, repositories, watch
from vtcode_tui.sandbox.inner.job import Job, fitted
from vtcode_tui.sandbox.inner.notify import Notifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vtcode_tui.sandbox.inner.outline import Outline

_NAMES = (".git/hooks", ".git/config", ".envrc", ".vscode", ".github/workflows", "vtcode.toml", "a", "b", "c", "d")
_MANY_FOLDERS = "/usr/share"


def is_over(orders: socket.socket) -> bool:
    """Whether the run is there: it waits for nothing that it does not need."""
    return bool(select.select([orders], [], [], 0)[0])


def of_giving(some: int) -> None:
    """Take a message of the usual size with descriptors and pass them on: the fork server, when it has forked."""
    said = {"staging": None, "alone": False, "guarded": "/" * 60}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        socket.send_fds(ours, [json.dumps(said).encode()], [some] * 8)
        text, descriptors, _flags, _address = socket.recv_fds(theirs, 65536, 16)
        json.loads(text)
        for descriptor in descriptors:
            os.close(descriptor)


def of_job(outline: Outline, folder: str) -> Job:
    """Read a job of the usual size; it is nobody's."""
    paths = [f"{folder}/{number}" for number in range(16)]
    said: dict[str, object] = dict.fromkeys(Job.__slots__, "")
    said |= {"argv": ["bash", "-c", "true"], "environment": {f"NAME_{path}": path for path in paths}, "pins": []}
    said |= {"readable": paths, "writable": [folder], "protected": paths, "guarded": paths, "hidden": []}
    said |= {"rules": [(path, 1, 1) for path in paths], "rlimits": {}, "full": outline.full, "connect": []}
    said |= {
        "limits": dict.fromkeys(("processes", "memory", "disk", "inodes", "wall"), 1 << 20),
        "staging": None,
        "recorded": False,
    }
    job = Job(json.dumps(said).encode())
    job.settle(folder)
    return job


def of_supervision(outline: Outline, folder: str) -> None:
    """Guard, watch and report, in the run's own folder, where there is nothing yet."""
    job = of_job(outline, folder)
    job.caches = folder
    guarded = guard.Guard(folder, [f"{folder}/{name}" for name in _NAMES], folder)
    guarded.remember_early()
    guarded.remember()
    watch.Watch(job, time.monotonic(), enclosed=False).next_ms()
    summary = Notifier(job, -1, lambda _message: None).summary()
    fitted({"survivors": 0, "protected": guarded.verify(), "denials": summary})
    with suppress(OSError):
        many = os.open(_MANY_FOLDERS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            repositories.find(many)
        finally:
            os.close(many)
