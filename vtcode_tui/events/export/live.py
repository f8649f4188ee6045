"""Live export: readers behind the journal. The journal is the queue, so that nothing here can hold up an event.

Every receiver has a task that reads whole lines from the file beyond its offset, sends them in batches, and moves
the offset when they were taken: at least once, in order. A receiver that is down is tried again with growing
pauses, for as long as the program runs and again at its next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Exporter
from vtcode_tui.events.export import converter
from vtcode_tui.events.export.form import Converter
from vtcode_tui.events.export.offsets import Offset, folder_of, unfinished
from vtcode_tui.events.export.receivers import Batch, Receiver, ReceiverError, receiver
from vtcode_tui.events.lines import NAME, bounded_lines, event_of, opened
from vtcode_tui.events.live import Live, Notice
from vtcode_tui.events.places import session_folders
from vtcode_tui.events.types import Event

Pause: TypeAlias = Callable[[float], Awaitable[object]]
"""Waits so many seconds before a receiver that was away is tried again."""

Tell: TypeAlias = Callable[[Notice], object]
"""Says to the person that a receiver is away, or there again."""

_BATCH = 256
_CLOSING = 0.5
"""Seconds that connections have to be closed in, when the program ends."""
_DOUBTFUL = 5.0
"""What was written to a connection so many seconds before it broke is sent again."""
_PAUSES = (0.5, 1, 2, 5, 10, 30, 60)
_FORMATS = {"syslog": "rfc5424", "otlp": "otlp", "hec": "hec", "elastic": "ecs"}
"""What a receiver understands, unless the settings name a format for it."""


def format_of(exporter: Exporter) -> str:
    """The format that is sent; `jsonl`, the default of the settings, means the receiver's own."""
    return _FORMATS.get(exporter.kind, exporter.format) if exporter.format == "jsonl" else exporter.format


class Shipping:
    """Ships a session's journal, and what earlier sessions left unsent, to every receiver of the settings."""

    def __init__(
        self,
        exporters: Sequence[Exporter],
        home: Home,
        *,
        environ: Mapping[str, str] | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        # Made here, so that a wrong setting is an error at the start and not a silence later.
        self._receivers = [(one, receiver(one, environ)) for one in exporters]
        self._home, self._pause = home, pause
        self._tell: Tell = _to_nobody
        self._lanes: list[Lane] = []
        self._task: asyncio.Future[None] | None = None
        self._begun, self._leaving = asyncio.Event(), asyncio.Event()

    def hear(self, what: Event | Live) -> None:
        """A reader for the bus: wakes the tasks."""
        if isinstance(what, Event):
            for lane in self._lanes:
                lane.news.set()

    async def run(self, folder: Path) -> None:
        """Ship until cancelled."""
        journals = {one.name: one / NAME for one in session_folders(self._home)}
        async with asyncio.TaskGroup() as group:
            for exporter, to in self._receivers:
                place = folder_of(self._home.audit, exporter)
                lane = Lane(exporter, to, place, self._pause, self._tell, self._leaving)
                self._lanes.append(lane)
                old = [journals[name] for name in unfinished(place, journals) if name != folder.name]
                group.create_task(lane.run([*old, folder / NAME]))
            self._begun.set()

    def start(self, folder: Path, tell: Tell) -> None:
        """Begin to ship in a task of its own, which outlives the session's until `finish`."""
        self._tell = tell
        self._task = asyncio.ensure_future(self.run(folder))

    async def finish(self, seconds: float = 3.0) -> None:
        """Give the receivers a moment for the rest, then stop; what is left goes out at the next start.

        All of it takes at most `seconds`: one that is away is asked once more, and not waited for when it says no.
        """
        if self._task is None:
            return
        self._leaving.set()
        if not await self.drain(seconds - _CLOSING):
            of = len(self._receivers)
            left = of - sum(lane.done() for lane in self._lanes)
            many = f"{left} of {of} receivers have" if of > 1 else "The receiver has"
            rest = "the rest waits in the journal and goes out at the next start"
            self._tell(Notice(f"{many} not taken all events: {rest}", "warning"))
        self._task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await asyncio.gather(self._task, return_exceptions=True)
                await self.close()

    async def drain(self, seconds: float) -> bool:
        """Wait at most so long until every receiver has everything; False when one has not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._begun.wait()
                for lane in self._lanes:
                    await lane.catch_up()
        return self._begun.is_set() and all(lane.done() for lane in self._lanes)

    async def close(self) -> None:
        """Let go of connections."""
        await asyncio.gather(*(to.close() for _, to in self._receivers))


class _Away(Exception):
    """A receiver did not take a batch while the program ends."""


class Lane:
    """One receiver's way through the journals: the older ones to their ends, then the running one."""

    def __init__(
        self, exporter: Exporter, to: Receiver, place: Path, pause: Pause, tell: Tell, leaving: asyncio.Event
    ) -> None:
        """With `leaving` set the program ends, and nothing is tried again later."""
        self._leaving = leaving
        self._form, self._to, self._place, self._pause = format_of(exporter), to, place, pause
        self._name, self._tell = f"{exporter.kind} {exporter.target}", tell
        self.news = asyncio.Event()
        self.idle = asyncio.Event()
        self._away = False
        self._journal: Path | None = None
        self._read = 0
        self._recent: deque[tuple[float, Batch, int]] = deque()

    def done(self) -> bool:
        """True when the receiver has everything that is in the running journal."""
        return self._journal is not None and self._read >= self._journal.stat().st_size

    async def catch_up(self) -> None:
        """Return when the receiver has everything, or will not have it before the program ends."""
        while not self.done() and not self._away:
            self.idle.clear()
            self.news.set()
            await self.idle.wait()

    async def run(self, journals: Sequence[Path]) -> None:
        """Ship one journal after the other; the last is followed until this task is cancelled."""
        for journal in journals:
            offset = Offset.take(self._place, journal.parent.name)
            if offset is None:
                continue
            try:
                await self._ship(journal, offset, follow=journal is journals[-1])
            except _Away:
                self._away = True
                self.idle.set()
                return
            except (JournalError, OSError) as error:
                # What cannot be read of one session must not keep the others' events from the receiver.
                self._say(f"does not get the rest of {journal}: {error}", "warning")
            finally:
                offset.close()

    async def _ship(self, journal: Path, offset: Offset, *, follow: bool) -> None:
        form = converter(self._form)
        if not _at_a_line(journal, offset.position):
            # A position that is no line's end was not written by us: rather twice than never.
            offset.advance(0)
        for _ in _batches(journal, form, 0, offset.position):
            """What was sent before only brings the converter up to date."""
        self._read = offset.position
        if follow:
            self._journal = journal
        while True:
            self.news.clear()
            for batch, end in _batches(journal, form, self._read, None):
                self.idle.clear()
                await self._deliver(batch)
                self._read = end
                offset.advance(self._had(batch, end, offset.position))
            if not follow:
                return
            self.idle.set()
            await self.news.wait()

    def _had(self, batch: Batch, end: int, before: int) -> int:
        """How far the receiver is known to be. What only the kernel took may be lost with the connection."""
        if self._to.confirms:
            return end
        now = time.monotonic()
        self._recent.append((now, batch, end))
        while now - self._recent[0][0] > _DOUBTFUL:
            before = self._recent.popleft()[2]
        return before

    async def _deliver(self, batch: Batch) -> None:
        """Send a batch until it is taken; after a broken connection, together with those just before it."""
        attempt = 0
        while batch:
            try:
                before = [row for _, rows, _ in self._recent for row in rows] if attempt else []
                await self._to.send([*before, *batch])
                if attempt:
                    self._say("takes events again", "info")
                return
            except (ReceiverError, OSError, TimeoutError) as error:
                if self._leaving.is_set():
                    raise _Away from error
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                if not attempt:
                    waits = "its events wait in the journal until it is back"
                    self._say(f"takes no events, {waits}: {error}", "warning")
                attempt += 1
                await self._until_leaving(pause)

    async def _until_leaving(self, seconds: float) -> None:
        waits = {asyncio.ensure_future(self._pause(seconds)), asyncio.ensure_future(self._leaving.wait())}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in waits:
                one.cancel()

    def _say(self, what: str, severity: Literal["info", "warning"]) -> None:
        # A name and password in an address are nobody's to read on a screen.
        self._tell(Notice(re.sub("//[^/@ ]*@", "//", f"{self._name} {what}"), severity))


def _to_nobody(notice: Notice) -> None:
    pass


def _at_a_line(journal: Path, position: int) -> bool:
    with opened(journal) as stream:
        stream.seek(max(0, position - 1))
        return position == 0 or stream.read(1) == b"\n"


def _batches(journal: Path, form: Converter, start: int, end: int | None) -> Iterator[tuple[Batch, int]]:
    """Batches of whole lines from `start` on, each with the position behind it."""
    rows: list[tuple[str, str]] = []
    position = start
    with opened(journal) as stream:
        stream.seek(start)
        for raw in bounded_lines(stream):
            if not raw.endswith(b"\n") or (end is not None and position >= end):
                break
            event = event_of(raw[:-1])
            rows += [(event.id, line) for line in form.feed(event, raw[:-1])]
            position += len(raw)
            if len(rows) >= _BATCH:
                yield rows, position
                rows = []
    if position > start:
        yield rows, position
