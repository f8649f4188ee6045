"""The bus: an event is in the journal first, and only then does anybody hear of it."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.capture import without_texts
from vtcode_tui.events.envelope import Around
from vtcode_tui.events.journal import Journal
from vtcode_tui.events.live import Live, Notice
from vtcode_tui.events.types import Event, Payload, SecretRedacted

if TYPE_CHECKING:
    from vtcode_tui.events.redaction import Redactor

Reader: TypeAlias = Callable[[Event | Live], None]
"""Called in the event loop for everything that happens, in order; must return at once."""


class Bus:
    """Records events and tells them to every reader, in the order of the journal.

    An event that must be durable is told after it is on disk; events recorded meanwhile wait behind it. With a
    `redactor`, a secret that a payload still holds is replaced before the line is hashed. `capture` is the setting
    of the same name: `digest` keeps texts out of the journal and leaves their digests; readers still get the texts.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        redactor: Redactor | None = None,
        capture: Literal["full", "redacted", "digest"] = "redacted",
    ) -> None:
        self.journal = journal
        self._redactor = None if capture == "full" else redactor
        self._digests = capture == "digest"
        self._whole: dict[int, Payload] = {}
        self._readers: list[Reader] = []
        self._defective: list[Reader] = []
        self._untold: deque[Event] = deque()
        self._durable = 0
        self._open = self._over = False
        self._opening = asyncio.Lock()
        journal.observe(written=self._untold.append, durable=self._landed)

    async def record(
        self,
        payload: Payload,
        *,
        follows: bool = False,
        **around: Unpack[Around],
    ) -> Event:
        """Append an event, make it durable if its type asks for that, and tell every reader.

        With `follows`, another durable event comes before anything is done about this one: its flush is begun and
        not waited for, because the next one's covers both. Raises JournalError when it could not be recorded: what
        it was to record must then not happen.
        """
        events = await self.record_all((payload,), follows=follows, **around)
        return events[0]

    async def record_all(
        self,
        payloads: Sequence[Payload],
        *,
        follows: bool = False,
        **around: Unpack[Around],
    ) -> list[Event]:
        """Append several events with one write and, if any must be durable, one flush; all of them or none."""
        if not self._open:
            await self._begin()
        if self._over:
            raise JournalError(f"the journal of session {self.journal.session} is closed")
        kept_out: list[tuple[int, SecretRedacted]] = []
        kept_short: list[tuple[int, Payload]] = []
        written: list[Payload] = []
        for place, payload in enumerate(payloads):
            if self._redactor is not None:
                payload, found = self._redactor.payload(payload)
                if found is not None:
                    said = SecretRedacted(where=payload.TYPE, rules=dict(found.counts), tokens=found.tokens)
                    kept_out.append((place, said))
            short = without_texts(payload) if self._digests else payload
            if short is not payload:
                kept_short.append((place, payload))
            written.append(short)
        before = self.journal.seq
        events = self.journal.extend(written, **around)
        signed = self.journal.seq > before + len(events)
        for place, whole in kept_short:
            self._whole[events[place].seq] = whole
        for place, said in kept_out:
            self.journal.append(said, turn=around.get("turn", 0), call=around.get("call"), parent=events[place].id)
        if any(payload.DURABLE for payload in payloads):
            if follows:
                self.journal.settle_soon()
            else:
                await self.journal.settle()
        elif signed:
            # A checkpoint is told when it is on disk, and what follows it is told after it.
            self.journal.settle_soon()
        else:
            self.journal.settle_later()
        self._tell()
        return events

    async def _begin(self) -> None:
        async with self._opening:
            if self._redactor is not None:
                await asyncio.to_thread(self._redactor.warm)
            await self.journal.prepare()
            self._open = True

    async def close(self) -> None:
        """Seal the journal and anchor the root log; the readers hear of the final checkpoint."""
        self.journal.observe(written=self._untold.append, durable=lambda position: None)
        self.journal.quiet()
        # It is sealed in a thread: an event that came meanwhile would get between its last lines.
        self._over = True
        await asyncio.to_thread(self.journal.close)
        self._landed(self.journal.seq)

    def publish(self, live: Live) -> None:
        """Tell every reader what no journal keeps."""
        self._hand_out(live)

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        """Let `reader` hear everything from now on; the returned function ends it."""
        self._readers.append(reader)

        def unsubscribe() -> None:
            if reader in self._readers:
                self._readers.remove(reader)

        return unsubscribe

    def _landed(self, seq: int) -> None:
        self._durable = seq
        self._tell()

    def _tell(self) -> None:
        while self._untold and (self._untold[0].seq < self._durable or not self._untold[0].data.DURABLE):
            event = self._untold.popleft()
            whole = self._whole.pop(event.seq, None)
            self._hand_out(event if whole is None else event.model_copy(update={"data": whole}))

    def _hand_out(self, what: Event | Live) -> None:
        for reader in tuple(self._readers):
            try:
                reader(what)
            except Exception as error:  # noqa: BLE001 - a reader's defect must not stop the evidence
                self._failing(reader, error)

    def _failing(self, reader: Reader, error: Exception) -> None:
        """Tell everybody, once for each reader: whatever it shows or sends is not whole."""
        if reader in self._defective:
            return
        self._defective.append(reader)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said = str(error) if self._redactor is None else self._redactor.redact(str(error)).text
        what = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {said}"
        text = f"A part of vtcode that shows events failed, and may show too little; the journal is whole. {what}"
        self._hand_out(Notice(text, "error"))
