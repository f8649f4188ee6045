"""Makes what was written durable: many waiters share one flush, which never runs in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from vtcode_tui.common.errors import JournalError

fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""Flush a file's content and its size; macOS has no fdatasync of its own."""


_SWIFT_NS = 1_000_000
"""A disk that typically answers within this is not worth another thread: handing over costs as much again."""
_LATER = 1.0
"""Seconds after which what nobody waits for is flushed too."""
_MEMORY = 8
"""About so many flushes say what is typical: one that is slow is no slow disk."""


class Flusher:
    """Flushes one descriptor; a flush covers everything that was written before it began.

    It runs in a thread of its own, or, while the disk typically answers within a millisecond, in the event loop
    itself: whoever waits lets the round of the loop end first, so that everybody who wrote something in it shares
    the flush, and then makes it.
    """

    def __init__(
        self,
        descriptor: int,
        written: Callable[[], int],
        landed: Callable[[int], None],
        failed: Callable[[OSError], None],
    ) -> None:
        self._descriptor = descriptor
        self._failed = failed
        self._written = written
        self._landed = landed
        self._durable = 0
        self._flight: asyncio.Future[None] | None = None
        self._again = False
        self._due = self._quiet = False
        self._timer: asyncio.TimerHandle | None = None
        self._typical_ns = 4 * _SWIFT_NS
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.failure: OSError | None = None

    async def upto(self, position: int) -> None:
        """Return when everything before `position` is on disk. Raises JournalError when that failed, forever after.

        A kernel that reports a failed flush once may report success the next time although the data is gone, so a
        descriptor is never flushed again after a failure.
        """
        while self._durable < position:
            if self.failure is not None:
                raise self._refusal()
            if self._flight is None and self._typical_ns < _SWIFT_NS:
                await self._round_over()
                if self._durable < position:
                    self._flush_here()
                continue
            if self._flight is None:
                self._take_off()
            assert self._flight is not None
            # Shielded: a waiter that is cancelled must not cancel the flush that others wait for.
            await asyncio.shield(self._flight)
        if self.failure is not None:
            raise self._refusal()

    async def _round_over(self) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            # What was written is flushed all the same.
            self.soon()
            raise

    def soon(self) -> None:
        """Begin to flush what was written, after the flush in flight if there is one."""
        if self._flight is not None:
            self._again = True
        elif self.failure is None and not self._due:
            # At the end of this round of the loop: what follows at once shares the flush.
            self._due = True
            asyncio.get_running_loop().call_soon(self._flush_due)

    def later(self) -> None:
        """Begin to flush within a second, unless something else does before."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LATER, self._late)

    def _late(self) -> None:
        self._timer = None
        if self._durable < self._written():
            self.soon()

    def quiet(self) -> None:
        """Begin nothing by itself any more: the file is about to be closed."""
        self._quiet = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refusal(self) -> JournalError:
        return JournalError(f"the journal could not be flushed to disk, so nothing more runs: {self.failure}")

    def _take_off(self) -> None:
        loop = asyncio.get_running_loop()
        self._flight = flight = loop.create_future()
        if self._thread is None:
            # A bare queue: an executor's bookkeeping costs more than everything else about an event.
            self._thread = threading.Thread(target=_work, args=(self._jobs,), name="journal-flush", daemon=True)
            self._thread.start()
        position, self._due = self._written(), False

        def flush() -> None:
            error, took = self._flushed()
            # The loop may be gone when a program ends in the middle of a flush; then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._arrive, flight, position, error, took)

        self._jobs.put(flush)

    def _flush_due(self) -> None:
        if not self._due:
            return  # one that began since covers it
        self._due = False
        if self._quiet or self.failure is not None or self._durable >= self._written():
            return
        if self._typical_ns < _SWIFT_NS:
            self._flush_here()
        else:
            self._take_off()

    def _flush_here(self) -> None:
        if self._flight is not None:
            self._again = True
        elif self.failure is None:
            position, self._due = self._written(), False
            self._over(position, *self._flushed())

    def _flushed(self) -> tuple[OSError | None, int]:
        began = time.monotonic_ns()
        try:
            fdatasync(self._descriptor)
        except OSError as error:
            return error, 0
        return None, time.monotonic_ns() - began

    def _arrive(self, flight: asyncio.Future[None], position: int, error: OSError | None, took: int) -> None:
        self._flight = None
        try:
            self._over(position, error, took)
        finally:
            # Whatever its owner makes of it: those that wait would wait for ever.
            if not flight.done():
                flight.set_result(None)
        if self._again and self.failure is None:
            self._again = False
            self._take_off()

    def _over(self, position: int, error: OSError | None, took: int) -> None:
        self._typical_ns += (min(took, 8 * _SWIFT_NS) - self._typical_ns) // _MEMORY
        if error is not None:
            self.failure = error
            self._failed(error)
        else:
            self.now_durable(position)

    def now_durable(self, position: int) -> None:
        """Note that everything before `position` is on disk, and tell the owner."""
        if position > self._durable:
            self._durable = position
            self._landed(position)

    def close(self) -> None:
        """Wait for a flush in flight and end the thread."""
        self.quiet()
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None


def _work(jobs: SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
