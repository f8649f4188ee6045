"""The journal of one session: one file, appended to by one process, each line chained to the one before."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Unpack

from vtcode_tui.common.clock import Clock, Stamps, SystemClock
from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.ids import IdSource
from vtcode_tui.events.anchoring import Anchoring
from vtcode_tui.events.durable import Flusher, fdatasync
from vtcode_tui.events.envelope import SCHEMA_VERSION, Around, quick_event
from vtcode_tui.events.event_ids import ordered_ids
from vtcode_tui.events.journal_file import FULL, JournalFile
from vtcode_tui.events.lines import GENESIS, MOST_TOGETHER, NAME, Frame
from vtcode_tui.events.seal import Seal
from vtcode_tui.events.types import (
    SYSTEM,
    Actor,
    ApprovalGranted,
    ApprovalRequested,
    Checkpoint,
    Event,
    LogFailed,
    Outcome,
    Payload,
    SessionResumed,
    SessionStarted,
    Severity,
)
from vtcode_tui.events.verdict import verify

_EVERY = 64
"""So many events, and those that are written together with the last of them, between two checkpoints."""
_EVERY_NS = 5_000_000_000
"""The first event after so long is followed by a checkpoint."""
_MARK_NS = 60_000_000_000
"""So often a running session is entered in the root log, besides."""
_OPENINGS = frozenset({SessionStarted, SessionResumed})
_MARKED = frozenset({SessionStarted, SessionResumed, ApprovalGranted})
"""Events that the root log hears of at once: what it has heard of cannot be cut off a session that crashed."""
_SIGNED = frozenset({ApprovalRequested, ApprovalGranted})
"""Events that are followed by a checkpoint at once."""
_ALONE = frozenset({Checkpoint, LogFailed})
_ANCHOR_NS = 300_000_000_000
"""So often the head of the root log is left at the places that the settings name, while a session runs."""


class Journal:
    """Appends events to a session's file. After the first failed write or flush it refuses everything.

    Writing is one `write` of a whole line to a file opened for appending; no event is ever buffered in the process.
    """

    def __init__(
        self,
        folder: Path,
        session: str,
        file: JournalFile,
        *,
        clock: Clock | None,
        ids: IdSource | None,
        seq: int,
        head: str,
        anchoring: Anchoring | None,
    ) -> None:
        self.folder = folder
        self.session = session
        self.path = folder / NAME
        self.head = head
        self.seq = seq
        self._clock, self._ids = clock or SystemClock(), ids or ordered_ids()
        self._file = file
        self._stamps, self._frame = Stamps(), Frame(session, 0, None, None, SYSTEM)
        self._failure: JournalError | None = None
        self._closed = False
        self._opened = False
        self._written: Callable[[Event], None] = lambda event: None
        self._landed: Callable[[int], None] = lambda position: None
        self._flusher = Flusher(file.descriptor, self._departs, self._on_disk, self._off_disk)
        self._seal = Seal(folder, session, seq=seq, head=head, anchoring=anchoring or Anchoring())
        now = self._clock.monotonic_ns()
        self._sealed = (seq, now)
        self._marked_ns = now
        self._anchored_ns = now
        self._to_mark: tuple[int, str, bool] | None = None
        self._departed = (seq, head)

    @classmethod
    def create(
        cls,
        folder: Path,
        session: str,
        *,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        anchoring: Anchoring | None = None,
    ) -> Journal:
        """Begin the journal of a new session in `folder`, which is made (0700) if it is missing.

        Raises JournalError when there is one already, or the disk does not take it.
        """
        try:
            file = JournalFile.create(folder)
        except OSError as error:
            raise JournalError(f"{folder / NAME} cannot be created: {error.strerror}") from error
        return cls(folder, session, file, clock=clock, ids=ids, seq=0, head=GENESIS, anchoring=anchoring)

    @classmethod
    def reopen(
        cls,
        folder: Path,
        *,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        anchoring: Anchoring | None = None,
    ) -> Journal:
        """Continue a session's journal; a line that a crash tore is set aside and that is recorded.

        Raises JournalError when another process has it open or it does not verify.
        """
        path = folder / NAME
        try:
            file, tail, recovered = JournalFile.reopen(folder, _untouched)
        except OSError as error:
            raise JournalError(f"{path} cannot be opened: {error.strerror}") from error
        journal = cls(
            folder,
            tail.session or folder.name,
            file,
            clock=clock,
            ids=ids,
            seq=tail.seq,
            head=tail.head,
            anchoring=anchoring,
        )
        if recovered is not None:
            journal.append(recovered)
            journal.flush()
        return journal

    def append(self, payload: Payload, **around: Unpack[Around]) -> Event:
        """Write one event (not yet flushed) and return it. Raises JournalError when it could not be written."""
        return self.extend((payload,), **around)[0]

    def extend(self, payloads: Sequence[Payload], **around: Unpack[Around]) -> list[Event]:
        """Write several events (not yet flushed), 256 at once: all of these or, with a JournalError, none."""
        events: list[Event] = []
        for start in range(0, len(payloads), MOST_TOGETHER):
            events += self._extend(payloads[start : start + MOST_TOGETHER], **around)
        return events

    def _extend(
        self,
        payloads: Sequence[Payload],
        *,
        turn: int = 0,
        call: str | None = None,
        actor: Actor = SYSTEM,
        severity: Severity | None = None,
        outcome: Outcome = "success",
        parent: str | None = None,
    ) -> list[Event]:
        self._ready()
        seq, head, ids, events, lines = self.seq, self.head, self._ids, [], []
        time, mono_ns = self._stamps.of(self._clock.now()), self._clock.monotonic_ns()
        frame = self._frame
        if frame.around != (turn, call, parent, actor):
            frame = self._frame = Frame(self.session, turn, call, parent, actor)
        for payload in payloads:
            if type(payload) in _OPENINGS:
                payload = self._introduced(payload)
            ident, grade, kind = ids(), severity or payload.SEVERITY, payload.TYPE
            line = frame.line(seq, ident, time, mono_ns, kind, grade, outcome, payload, head)
            events.append(
                quick_event(
                    {
                        "v": SCHEMA_VERSION,
                        "seq": seq,
                        "id": ident,
                        "time": time,
                        "mono_ns": mono_ns,
                        "type": kind,
                        "severity": grade,
                        "outcome": outcome,
                        "session": self.session,
                        "turn": turn,
                        "call": call,
                        "parent": parent,
                        "actor": actor,
                        "data": payload,
                        "prev": head,
                    }
                )
            )
            head = hashlib.sha256(line).hexdigest()
            seq += 1
            lines.append(line)
        lines.append(b"")
        self._write(b"\n".join(lines), payloads[0].TYPE)
        self.seq, self.head = seq, head
        for event in events:
            self._written(event)
        kinds = set(map(type, payloads))
        if not kinds.isdisjoint(_MARKED):
            self._to_mark = (seq, head, False)
        if self._checkpoint_due(kinds, mono_ns):
            self.checkpoint()
        return events

    def _introduced(self, payload: Payload) -> Payload:
        """An opening with the session's key and the root log's line about it."""
        assert isinstance(payload, SessionStarted | SessionResumed)
        if payload.log_key:
            return payload
        known = {"log_key": self.log_key, "root_head": self.root_head, "root_anchor": self._seal.anchor()}
        return payload.model_copy(update=known)

    def _ready(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise JournalError(f"the journal of session {self.session} is closed")
        if not self._opened:
            # No event before the opening stands in the root log: it would look like one added after the end.
            self._seal.ready()
            self._opened = True

    def _checkpoint_due(self, kinds: set[type[Payload]], now: int) -> bool:
        at, since = self._sealed
        # A checkpoint, and what is said from the reserve, are written by themselves.
        if not kinds.isdisjoint(_ALONE):
            return False
        return self.seq - at >= _EVERY or now - since >= _EVERY_NS or not kinds.isdisjoint(_SIGNED)

    def checkpoint(self, kind: Literal["batch", "final"] = "batch") -> Event:
        """Sign for everything so far, as an event of its own."""
        try:
            self._file.check()
        except OSError as error:
            self._fail(Checkpoint.TYPE, error)
            raise self._failure or error from error
        note, anchor = self._seal.note(self.seq, self.head), self._seal.anchor()
        event = self.append(Checkpoint(kind=kind, size=self.seq, head=self.head, note=note, root_anchor=anchor))
        now = event.mono_ns
        self._sealed = (self.seq, now)
        if self._to_mark is not None or now - self._marked_ns >= _MARK_NS:
            self._to_mark, self._marked_ns = (self.seq, self.head, now - self._anchored_ns >= _ANCHOR_NS), now
        return event

    @property
    def log_key(self) -> str:
        """The public half of the session's key, in base64."""
        return self._seal.log_key

    @property
    def root_head(self) -> str:
        """The digest of the root log's line about this opening; empty where there is no root log."""
        return self._seal.root_head

    async def prepare(self) -> None:
        """Wait, off the event loop, until the session's key exists and its opening is in the root log."""
        if not self._seal.prepared:
            await asyncio.to_thread(self._seal.ready)
        self._seal.ready()

    async def anchor(self) -> str:
        """An anchor of the root log that covers all that is on disk now; empty where there is no root log."""
        await self.settle()
        return await asyncio.to_thread(self._seal.mark_now, self.seq, self.head)

    def anchored(self, where: str, line: str) -> None:
        """Note in the root log that an anchor has been left somewhere."""
        self._seal.left(where, line)

    def _write(self, raw: bytes, lost: str) -> None:
        try:
            self._file.write(raw)
        except OSError as error:
            self._fail(lost, error)
            assert self._failure is not None
            raise self._failure from error

    def _fail(self, lost: str, error: OSError) -> None:
        """Close the journal to further events; with the space held back, say so in it."""
        reason = f"the journal {self.path} cannot be written, so nothing more runs: {error.strerror}"
        self._failure = JournalError(reason)
        if error.errno in FULL and lost != LogFailed.TYPE:
            self._file.spend_reserve()
            self._failure = None
            with contextlib.suppress(JournalError, OSError):
                self.append(LogFailed(reason=reason, errno=error.errno or 0, lost=lost))
                fdatasync(self._file.descriptor)
            self._failure = JournalError(reason)

    def observe(self, *, written: Callable[[Event], None], durable: Callable[[int], None]) -> None:
        """Call `written` for every event appended, and `durable(seq)` when all before `seq` are on disk."""
        self._written, self._landed = written, durable

    def _departs(self) -> int:
        """How much a flush that begins now will cover."""
        self._departed = (self.seq, self.head)
        return self.seq

    def _on_disk(self, seq: int) -> None:
        if seq == self._departed[0]:
            self._seal.reached(*self._departed)
        # The root log may only speak of what a power cut can no longer take back.
        if self._to_mark is not None and seq >= self._to_mark[0]:
            size, head, anchored = self._to_mark
            if self._seal.mark(size, head, anchored=anchored):
                self._to_mark = None
                self._anchored_ns = self._clock.monotonic_ns() if anchored else self._anchored_ns
        self._landed(seq)

    def _off_disk(self, error: OSError) -> None:
        reason = f"the journal {self.path} could not be flushed to disk, so nothing more runs: {error.strerror}"
        self._failure = self._failure or JournalError(reason)

    async def settle(self) -> None:
        """Return when everything appended so far is on disk; concurrent callers share a flush."""
        if self._failure is not None:
            raise self._failure
        await self._flusher.upto(self.seq)

    def settle_soon(self) -> None:
        """Let a flush begin, for nobody who waits."""
        self._flusher.soon()

    def settle_later(self) -> None:
        """Let a flush begin within a second, so that no event stays unflushed however quiet the session becomes."""
        self._flusher.later()

    def quiet(self) -> None:
        """Begin no flush by itself any more."""
        self._flusher.quiet()

    def flush(self) -> None:
        """Flush now, in this thread."""
        position = self._departs()
        try:
            fdatasync(self._file.descriptor)
        except OSError as error:
            self._flusher.failure = error
            self._failure = JournalError(f"the journal {self.path} cannot be flushed: {error.strerror}")
            raise self._failure from error
        self._flusher.now_durable(position)

    def close(self) -> None:
        """Sign for the whole with a final checkpoint, enter the end in the root log and give the file free.

        The session's key is forgotten; what a failure left unsigned stays open for `audit verify` to see.
        """
        if self._closed:
            return
        try:
            if self._failure is None:
                if self.seq:
                    # So that what exporters and the journal itself carry of the root log includes this session.
                    self._to_mark = None
                    self.flush()
                    self._seal.mark_now(self.seq, self.head)
                    self.checkpoint("final")
                self.flush()
                self._seal.close(self.seq, self.head)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Give the file free without sealing it, as a crash would."""
        if self._closed:
            return
        self._closed = True
        self._flusher.close()
        self._seal.forget()
        self._file.close()


def _untouched(folder: Path) -> None:
    """Refuse to go on with what does not verify: it would be sealed together with what was done to it."""
    if problems := verify(folder).problems:
        session = folder.name
        raise JournalError(
            f"session {session} is not continued: {problems[0].text}. `vtcode audit verify {session}` says more, "
            f"`vtcode sessions fork {session}` goes on with a copy of the conversation"
        )
