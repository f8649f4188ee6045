"""The high-water mark of a session that runs: so many events are on disk, the last with this digest, signed.

It follows the journal within a fraction of a second, in one place that is written over, because a line of the root
log for each second would make that grow for ever. What notices with it: an end that was cut off or changed after a
crash. What does not: an older mark put back by somebody who kept a copy while the session ran.

    <state>/audit/watermarks/<session>        the mark, a signed note as `notes` has them; gone at the session's end
    <state>/audit/watermarks/<session>.next   a mark whose opening is about to be entered in the root log
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from pathlib import Path

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.lines import opened
from vtcode_tui.events.notes import Key, Note, read_note, write_note

EVERY = 0.25
"""Seconds between two marks, at least."""
_SIZE = 512
"""Bytes: what a disk writes whole or not at all."""


def watermark_origin(session: str) -> str:
    """The name under which marks are signed; no checkpoint has it, so that none can be passed off as a mark."""
    return f"vtcode/watermark/{session}"


def _place(audit: Path, session: str) -> Path:
    return audit / "watermarks" / session


class Watermark:
    """Writes a session's mark, in the event loop; what is said too soon after another is written a moment later."""

    def __init__(self, audit: Path, session: str, key: Key, size: int, head: str) -> None:
        """Lay the first mark beside the one of an earlier opening. Raises OSError."""
        self._path, self._origin, self._key = _place(audit, session), watermark_origin(session), key
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._next = self._path.with_name(f"{session}.next")
        self._descriptor: int | None = os.open(self._next, flags, 0o600)
        self._pending: tuple[int, str] | None = (size, head)
        self._timer: asyncio.TimerHandle | None = None
        self._written_at = 0.0
        self._lock = threading.Lock()
        self._write()
        os.fsync(self._descriptor)

    def begin(self) -> None:
        """The opening is in the root log: from now on this mark is the session's. Raises OSError."""
        self._next.replace(self._path)

    def reached(self, size: int, head: str) -> None:
        """Say so of events that are on disk. Raises OSError."""
        self._pending = (size, head)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
            return
        if self._timer is None:
            wait = self._written_at + EVERY - loop.time()
            if wait > 0:
                self._timer = loop.call_later(wait, self._later)
            else:
                self._write()
                self._written_at = loop.time()

    def _later(self) -> None:
        self._timer = None
        # Nobody waits here who could be told; a disk that fails fails the journal's own next write.
        with contextlib.suppress(OSError):
            self._write()

    def _write(self) -> None:
        # A session is closed in a thread: no mark may then be written to a descriptor that is another file's.
        with self._lock:
            if self._pending is None or self._descriptor is None:
                return
            note = write_note(self._key, self._origin, *self._pending).encode()
            os.pwrite(self._descriptor, note.ljust(_SIZE, b"\n"), 0)
            self._pending = None

    def leave(self) -> None:
        """Write no more, as after a crash; what is there stays."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                os.close(descriptor)

    def remove(self) -> None:
        """The end of the session is in the root log: the mark has served."""
        self.leave()
        remove_watermark(self._path.parent.parent, self._path.name)


def remove_watermark(audit: Path, session: str) -> None:
    """Take away what there is of a session's mark."""
    for name in (session, f"{session}.next"):
        with contextlib.suppress(OSError):
            _place(audit, name).unlink()


def read_watermark(audit: Path, session: str, key: bytes) -> Note | None:
    """The mark of the opening that has this session key; None where there is none that it signed."""
    for name in (session, f"{session}.next"):
        with contextlib.suppress(JournalError, ValueError), opened(_place(audit, name)) as stream:
            note = read_note(stream.read(_SIZE).decode().rstrip("\n") + "\n")
            if note.origin == watermark_origin(session) and note.signed_by(key):
                return note
    return None
