"""The journal of one session: one file, appended to by one process, each line chained to the one before."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from vtcode_tui.common.clock import Clock, SystemClock, rfc3339
from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.ids import IdSource
from vtcode_tui.events.anchors import Anchoring
from vtcode_tui.events.durable import Flusher, fdatasync
from vtcode_tui.events.envelope import SCHEMA_VERSION, quick_event
from vtcode_tui.events.event_ids import ordered_ids
from vtcode_tui.events.lines import GENESIS, line_of
from vtcode_tui.events.seal import Seal
from vtcode_tui.events.tail import find_tail, set_aside
from vtcode_tui.events.types import (
    SYSTEM,
    Actor,
    ApprovalGranted,
    ApprovalRequested,
    Checkpoint,
    Event,
    LogFailed,
    LogRecovered,
    Outcome,
    Payload,
    SessionResumed,
    SessionStarted,
    Severity,
)

NAME = "journal.jsonl"
RESERVE = ".reserve"
_RESERVED = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT}
_EVERY = 64
"""So many events at most between two checkpoints."""
_EVERY_NS = 5_000_000_000
"""The first event after so long is followed by a checkpoint."""
_MARK_NS = 60_000_000_000
"""So often at most a running session is entered in the root log."""


class Journal:
    """Appends events to a session's file. After the first failed write or flush it refuses everything.

    Writing is one `write` of a whole line to a file opened for appending; no event is ever buffered in the process.
    """

    def __init__(
        self,
        folder: Path,
        session: str,
        descriptor: int,
        *,
        clock: Clock,
        ids: IdSource | None,
        seq: int,
        head: str,
    ) -> None:
        self.folder = folder
        self.session = session
        self.path = folder / NAME
        self.head = head
        self.seq = seq
        self._clock, self._ids = clock, ids or ordered_ids()
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._failure: JournalError | None = None
        self._closed = False
        self._opened = False
        self._written: Callable[[Event], None] = lambda event: None
        self._landed: Callable[[int], None] = lambda position: None
        self._flusher = Flusher(descriptor, lambda: self.seq, self._on_disk, self._off_disk)
        self._seal = Seal(folder, session, seq=seq, head=head)
        self._sealed = (seq, self._clock.monotonic_ns())
        self._marked_ns = self._clock.monotonic_ns()
        self._to_mark: tuple[int, str] | None = None
        _hold_back(folder)

    @classmethod
    def create(
        cls, folder: Path, session: str, *, clock: Clock | None = None, ids: IdSource | None = None
    ) -> Journal:
        """Begin the journal of a new session in `folder`, which is made (0700) if it is missing.

        Raises JournalError when there is one already, or the disk does not take it.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = _open(folder / NAME, os.O_CREAT | os.O_EXCL)
            for one in (folder, *folder.parents[:4]):
                _sync_folder(one)
        except OSError as error:
            raise JournalError(f"{folder / NAME} cannot be created: {error.strerror}") from error
        return cls(folder, session, descriptor, clock=clock or SystemClock(), ids=ids, seq=0, head=GENESIS)

    @classmethod
    def reopen(cls, folder: Path, *, clock: Clock | None = None, ids: IdSource | None = None) -> Journal:
        """Continue a session's journal; a line that a crash tore is set aside and that is recorded.

        Raises JournalError when another process has it open or its chain is broken.
        """
        path = folder / NAME
        try:
            descriptor = _open(path, 0)
        except OSError as error:
            raise JournalError(f"{path} cannot be opened: {error.strerror}") from error
        try:
            tail = find_tail(path)
            aside = set_aside(folder, tail.torn) if tail.torn else None
            if aside is not None:
                os.ftruncate(descriptor, tail.size)
            elif tail.unended:
                os.write(descriptor, b"\n")
            os.fsync(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise JournalError(f"{path} cannot be recovered: {error.strerror}") from error
        except JournalError:
            os.close(descriptor)
            raise
        journal = cls(
            folder,
            tail.session or folder.name,
            descriptor,
            clock=clock or SystemClock(),
            ids=ids,
            seq=tail.seq,
            head=tail.head,
        )
        if aside is not None:
            digest = hashlib.sha256(tail.torn).hexdigest()
            journal.append(LogRecovered(size=len(tail.torn), sha256=digest, file=aside.name))
            journal.flush()
        return journal

    def append(
        self,
        payload: Payload,
        *,
        turn: int = 0,
        call: str | None = None,
        actor: Actor = SYSTEM,
        severity: Severity | None = None,
        outcome: Outcome = "success",
        parent: str | None = None,
    ) -> Event:
        """Write one event (not yet flushed) and return it. Raises JournalError when it could not be written."""
        events = self.extend(
            (payload,), turn=turn, call=call, actor=actor, severity=severity, outcome=outcome, parent=parent
        )
        return events[0]

    def extend(
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
        """Write several events at once (not yet flushed): all of them or, with a JournalError, none."""
        self._ready()
        seq, head, events, lines = self.seq, self.head, [], []
        time, mono_ns = _stamp(self._clock.now()), self._clock.monotonic_ns()
        for payload in payloads:
            if isinstance(payload, SessionStarted | SessionResumed) and not payload.log_key:
                payload = payload.model_copy(update={"log_key": self.log_key, "root_head": self.root_head})
            event = quick_event(
                v=SCHEMA_VERSION,
                seq=seq,
                id=self._ids(),
                time=time,
                mono_ns=mono_ns,
                type=payload.TYPE,
                severity=severity or payload.SEVERITY,
                outcome=outcome,
                session=self.session,
                turn=turn,
                call=call,
                parent=parent,
                actor=actor,
                data=payload,
                prev=head,
            )
            line = line_of(event)
            head = hashlib.sha256(line).hexdigest()
            seq += 1
            events.append(event)
            lines.append(line)
        self._write(b"\n".join(lines) + b"\n", payloads[0].TYPE)
        self.seq, self.head = seq, head
        for event in events:
            self._written(event)
        if self._checkpoint_due(payloads[-1], events[-1].mono_ns):
            self.checkpoint()
        return events

    def _ready(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise JournalError(f"the journal of session {self.session} is closed")
        if not self._opened:
            # No event before the opening stands in the root log: it would look like one added after the end.
            self._seal.ready()
            self._opened = True

    def _checkpoint_due(self, payload: Payload, now: int) -> bool:
        at, since = self._sealed
        if isinstance(payload, Checkpoint | LogFailed):
            return False
        return (
            isinstance(payload, ApprovalRequested | ApprovalGranted)
            or self.seq - at >= _EVERY
            or now - since >= _EVERY_NS
        )

    def checkpoint(self, kind: Literal["batch", "final"] = "batch") -> Event:
        """Sign for everything so far, as an event of its own."""
        note = self._seal.note(self.seq, self.head)
        event = self.append(Checkpoint(kind=kind, size=self.seq, head=self.head, note=note))
        self._sealed = (self.seq, event.mono_ns)
        if event.mono_ns - self._marked_ns >= _MARK_NS:
            self._to_mark, self._marked_ns = (self.seq, self.head), event.mono_ns
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

    def _write(self, raw: bytes, lost: str) -> None:
        try:
            written = os.write(self._descriptor, raw)
            if written != len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._fail(lost, error)
            assert self._failure is not None
            raise self._failure from error
        self._size += len(raw)

    def _fail(self, lost: str, error: OSError) -> None:
        """Close the journal to further events; with the space held back, say so in it."""
        reason = f"the journal {self.path} cannot be written, so nothing more runs: {error.strerror}"
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._size)
        self._failure = JournalError(reason)
        if error.errno in _FULL and lost != LogFailed.TYPE:
            (self.folder / RESERVE).unlink(missing_ok=True)
            self._failure = None
            with contextlib.suppress(JournalError, OSError):
                self.append(LogFailed(reason=reason, errno=error.errno or 0, lost=lost))
                fdatasync(self._descriptor)
            self._failure = JournalError(reason)

    def observe(self, *, written: Callable[[Event], None], durable: Callable[[int], None]) -> None:
        """Call `written` for every event appended, and `durable(seq)` when all before `seq` are on disk."""
        self._written, self._landed = written, durable

    def _on_disk(self, seq: int) -> None:
        # The root log may only speak of what a power cut can no longer take back.
        if self._to_mark is not None and seq >= self._to_mark[0]:
            self._seal.mark(*self._to_mark)
            self._to_mark = None
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

    def flush(self) -> None:
        """Flush now, in this thread."""
        position = self.seq
        try:
            fdatasync(self._descriptor)
        except OSError as error:
            self._flusher.failure = error
            self._failure = JournalError(f"the journal {self.path} cannot be flushed: {error.strerror}")
            raise self._failure from error
        self._flusher.now_durable(position)

    def close(self, anchoring: Anchoring | None = None) -> None:
        """Sign for the whole with a final checkpoint, enter the end in the root log and give the file free.

        The session's key is forgotten; what a failure left unsigned stays open for `audit verify` to see.
        """
        if self._closed:
            return
        try:
            if self._failure is None:
                if self.seq:
                    self.checkpoint("final")
                self.flush()
                self._seal.close(self.seq, self.head, anchoring or Anchoring())
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Give the file free without sealing it, as a crash would."""
        if self._closed:
            return
        self._closed = True
        self._flusher.close()
        self._seal.forget()
        os.close(self._descriptor)
        with contextlib.suppress(OSError):
            (self.folder / RESERVE).unlink(missing_ok=True)


def _stamp(moment: datetime) -> str:
    """What `rfc3339` writes, faster for the times that our own clock gives."""
    text = moment.isoformat(timespec="milliseconds")
    return f"{text[:-6]}Z" if text.endswith("+00:00") else rfc3339(moment)


def _open(path: Path, flags: int) -> int:
    """Open for appending and take the lock that keeps other processes out."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise JournalError(f"{path} is in use by another vtcode process") from None
    return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hold_back(folder: Path) -> None:
    """Reserve space, so that a full disk can be recorded. A disk that is full already is met at the first event."""
    with contextlib.suppress(OSError), (folder / RESERVE).open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, _RESERVED)
        else:
            file.write(bytes(_RESERVED))
