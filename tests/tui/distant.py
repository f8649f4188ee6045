"""A slow line between the person's terminal and the program, which cuts what is sent into pieces."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from tests.tui.device import Terminal

APART = 0.004
"""Seconds between two pieces of what was sent as one."""
PIECES = (1, 1, 2, 3, 7)
"""How many bytes of what is typed arrive together."""


class Distant(Terminal):
    """A pseudo-terminal as it is over SSH: the test sits at the near end, the program at the far one."""

    def __init__(self, play: str, folder: Path, delay: float, *, columns: int, rows: int) -> None:
        super().__init__(play, folder, columns=columns, rows=rows)
        self.delay = delay
        """Seconds that each byte takes in each direction."""
        self.far = self.master
        near, line = socket.socketpair()
        self.master, self._line = near.detach(), line
        self._over = threading.Event()
        self._sizes: deque[tuple[float, int, int]] = deque()
        self._relay = threading.Thread(target=self._carry, daemon=True)
        self._relay.start()

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(columns, rows)
        self._sizes.append((time.monotonic() + self.delay, columns, rows))

    def close(self) -> None:
        self._over.set()
        self._relay.join(5)  # what it writes to may be full
        self._line.close()
        super().close()
        with contextlib.suppress(OSError):
            os.close(self.far)

    def _carry(self) -> None:
        out: deque[tuple[float, bytes]] = deque()
        back: deque[tuple[float, bytes]] = deque()
        sizes = itertools.cycle(PIECES)
        last = 0.0
        while not self._over.is_set():
            due = min((queue[0][0] for queue in (out, back, self._sizes) if queue), default=time.monotonic() + 0.02)
            ends: list[Any] = [self._line, self.far]
            ready, _, _ = select.select(ends, [], [], max(0.0, min(0.02, due - time.monotonic())))
            now = time.monotonic()
            with contextlib.suppress(OSError):
                if self._line in ready:
                    typed = self._line.recv(65536)
                    while typed:
                        size = next(sizes)
                        last = max(now + self.delay, last + APART)
                        out.append((last, typed[:size]))
                        typed = typed[size:]
                if self.far in ready:
                    back.append((now + self.delay, os.read(self.far, 4096)))
            while out and out[0][0] <= now:
                os.write(self.far, out.popleft()[1])
            while back and back[0][0] <= now:
                self._line.sendall(back.popleft()[1])
            while self._sizes and self._sizes[0][0] <= now:
                _, columns, rows = self._sizes.popleft()
                self.size(columns, rows, self.far)
