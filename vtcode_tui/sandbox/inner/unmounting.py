"""A layer's mount that is going: the kernel first writes what runs left in it to the disk.

After a large build that takes seconds. So nobody waits for a fixed time, but for as long as the machine writes.
"""

from __future__ import annotations

import os
import select
import time

from vtcode_tui.sandbox.inner import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 10.0
"""How long a mount may stay while nothing is written."""
STUCK = (
    "the session's layer is still mounted from an earlier run, and nothing was written to disk for "
    f"{PATIENCE_SECONDS:.0f} seconds: end the process that still has a file of it open, or see to a disk that does "
    "not answer"
)


class Unmounting:
    """`notice` is an inotify descriptor that becomes readable when the file system is gone; `close` it then."""

    __slots__ = ("_clock", "_known", "_quiet_since", "_written", "notice")

    def __init__(
        self,
        notice: int,
        *,
        written: Callable[[], int] = machine.written,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.notice = notice
        self._written = written
        self._clock = clock
        self._known = -1
        self._quiet_since = 0.0

    def is_over(self) -> bool:
        """Whether the file system is gone."""
        return bool(select.select([self.notice], [], [], 0)[0])

    def is_stuck(self) -> bool:
        """Whether nothing was written for too long; ask often while somebody waits."""
        written, now = self._written(), self._clock()
        if written != self._known:
            self._known, self._quiet_since = written, now
        return now > self._quiet_since + PATIENCE_SECONDS

    def close(self) -> None:
        """Let the notice go: a user has few inotify descriptors."""
        os.close(self.notice)
