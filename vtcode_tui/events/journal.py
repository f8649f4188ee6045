"""The journal of one session: one file, appended to by one process, each line chained to the one before."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from vtcode_tui.common.clock import Clock, SystemClock, rfc3339
from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.ids import IdSource, uuid7
from vtcode_tui.events.durable import Flusher, fdatasync
from vtcode_tui.events.lines import GENESIS, line_of
from vtcode_tui.events.tail import find_tail, set_aside
from vtcode_tui.events.types import (
    SYSTEM,
    Actor,
    Event,
    LogFailed,
    LogRecovered,
    Outcome,
    Payload,
    Severity,
)

NAME = "journal.jsonl"
RESERVE = ".reserve"
_RESERVED = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Journal:
    """Appends events to a session's file. After the first failed write or flush it refuses everything.

    Writing is one `write` of a whole line to a file opened for appending; no event is ever buffered in the process.
    """

    def __init__(
        self, folder: Path, session: str, descriptor: int, *, clock: Clock, ids: IdSource, seq: int, head: str
    ) -> None:
        self.folder = folder
        self.session = session
        self.path = folder / NAME
        self.head = head
        self.seq = seq
        self._clock, self._ids = clock, ids
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._failure: JournalError | None = None
        self._closed = False
        self._landed: Callable[[int], None] = lambda position: None
        self._flusher = Flusher(descriptor, lambda: self.seq, lambda position: self._landed(position))
        _hold_back(folder)

    @classmethod
    def create(cls, folder: Path, session: str, *, clock: Clock | None = None, ids: IdSource = uuid7) -> Journal:
        """Begin the journal of a new session in `folder`, which is made (0700) if it is missing.

        Raises JournalError when there is one already, or the disk does not take it.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = _open(folder / NAME, os.O_CREAT | os.O_EXCL)
            _sync_folder(folder)
        except OSError as error:
            raise JournalError(f"{folder / NAME} cannot be created: {error.strerror}") from error
        return cls(folder, session, descriptor, clock=clock or SystemClock(), ids=ids, seq=0, head=GENESIS)

    @classmethod
    def reopen(cls, folder: Path, *, clock: Clock | None = None, ids: IdSource = uuid7) -> Journal:
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
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise JournalError(f"the journal of session {self.session} is closed")
        event = Event.model_construct(
            v=1,
            seq=self.seq,
            id=self._ids(),
            time=rfc3339(self._clock.now()),
            mono_ns=self._clock.monotonic_ns(),
            type=payload.TYPE,
            severity=severity or payload.SEVERITY,
            outcome=outcome,
            session=self.session,
            turn=turn,
            call=call,
            parent=parent,
            actor=actor,
            data=payload,
            prev=self.head,
        )
        self._write(event)
        return event

    def _write(self, event: Event) -> None:
        raw = line_of(event) + b"\n"
        try:
            written = os.write(self._descriptor, raw)
            if written != len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._fail(event.type, error)
            assert self._failure is not None
            raise self._failure from error
        self._size += len(raw)
        self.head = hashlib.sha256(memoryview(raw)[:-1]).hexdigest()
        self.seq += 1

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

    def on_durable(self, landed: Callable[[int], None]) -> None:
        """Call `landed(seq)` in the event loop when every event before `seq` is on disk."""
        self._landed = landed

    async def settle(self) -> None:
        """Return when everything appended so far is on disk; concurrent callers share a flush."""
        if self._failure is not None:
            raise self._failure
        await self._flusher.upto(self.seq)

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

    def close(self) -> None:
        """Flush, give the file free and remove the space held back."""
        if self._closed:
            return
        self._closed = True
        try:
            self._flusher.close()
            if self._failure is None:
                self.flush()
        finally:
            os.close(self._descriptor)
            with contextlib.suppress(OSError):
                (self.folder / RESERVE).unlink(missing_ok=True)


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
