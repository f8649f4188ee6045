"""The vigil that the fork server keeps between runs: each run of its workspace gets it, and one begins the next.

The kernel takes ten milliseconds to let a vigil go, and lets whoever closes it last wait for that. So the fork
server gives an old one to a run that ends.
"""

from __future__ import annotations

import os
import select
import socket
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner.vigil import Vigil, holds_mounts

_PATIENCE_SECONDS = 2.0
"""A run that was asked to begin a new vigil at its end may last: after so long another is asked too."""


class Vigils:
    """One vigil, of the workspace in which a run was last."""

    def __init__(self, poll: select.poll) -> None:
        self._poll = poll
        self._workspace = ""
        self._kept: Vigil | None = None
        self._asked_at = float("-inf")
        self._runs: dict[int, tuple[socket.socket, str, bytes]] = {}

    def give(self, workspace: str) -> tuple[bytes, list[int]]:
        """What a run in a workspace is told, and the descriptors that it gets for it (the caller closes them).

        ` watched`: it gets the vigil; ` watches`: it hands over one that it begins at its end, if that is needed.
        """
        if workspace != self._workspace:
            self.dismiss()
            self._workspace = workspace
        words, handed = b"", list[int]()
        if self._kept is not None:
            # With notes too: what was found then makes the look shorter, until there is a new one.
            words, handed = b" watched", [os.dup(self._kept.queue), os.dup(self._kept.memory)]
        now = time.monotonic()
        if now > self._asked_at + _PATIENCE_SECONDS:
            self._asked_at = now
            words += b" watches"
        return words, handed

    def join(self, workspace: str, words: bytes, run: socket.socket) -> None:
        """A run has begun that was told `words`; it ends when `run` does."""
        self._runs[run.fileno()] = run, workspace, words
        self._poll.register(run, select.POLLIN)

    def hear(self, ready: dict[int, int]) -> None:
        """Take what runs hand over as they end."""
        for number in self._runs.keys() & ready:
            run, workspace, words = self._runs.pop(number)
            self._poll.unregister(run)
            with run, suppress(OSError):
                _message, handed, _flags, _address = socket.recv_fds(run, 64, 2, socket.MSG_CMSG_CLOEXEC)
                if handed:
                    self._replace(Vigil(*handed), workspace, run)
                    self.look_at_mounts()  # one may have come, and been told, before this was handed over
            if b"watches" in words:
                self._asked_at = float("-inf")

    def _replace(self, vigil: Vigil, workspace: str, run: socket.socket) -> None:
        old, self._kept = self._kept, vigil
        if workspace != self._workspace:
            old, self._kept = vigil, old
        if old is not None:
            with suppress(OSError):
                socket.send_fds(run, [b"old"], [old.queue])
            old.close()

    def leave(self) -> None:
        """Nobody is heard any more: a run that ends must not wait for an answer."""
        for run, _workspace, _words in self._runs.values():
            self._poll.unregister(run)
            run.close()
        self._runs.clear()
        self.dismiss()

    def look_at_mounts(self) -> None:
        """File systems came or went: let the vigil go where one lies in its workspace now."""
        if self._kept is not None and holds_mounts(self._workspace):
            self.dismiss()

    def dismiss(self) -> None:
        """Let the vigil go: the next run begins a new one at its end."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
