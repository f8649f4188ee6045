"""The file of a journal: one process appends whole lines to it; a full disk, or a file that is gone, is noticed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.lines import NAME
from vtcode_tui.events.tail import Tail, find_tail, set_aside
from vtcode_tui.events.types import LogRecovered

RESERVE = ".reserve"
_RESERVED = 1 << 20
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class JournalFile:
    """Appends to a session's file, which it holds locked, and keeps space back to record a full disk with."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.descriptor = descriptor
        self._folder, self._path = folder, folder / NAME
        self._size = os.fstat(descriptor).st_size
        _hold_back(folder)

    @classmethod
    def create(cls, folder: Path) -> JournalFile:
        """A new file in `folder`, which is made (0700) if it is missing. Raises OSError, JournalError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = _open(folder / NAME, os.O_CREAT | os.O_EXCL)
        for one in (folder, *folder.parents[:4]):
            _sync_folder(one)
        return cls(folder, descriptor)

    @classmethod
    def reopen(cls, folder: Path, check: Callable[[Path], None]) -> tuple[JournalFile, Tail, LogRecovered | None]:
        """An existing file that passes a check, cut back to its last whole line, and what was set aside.

        Raises OSError, JournalError; the file is as it was then.
        """
        descriptor = _open(folder / NAME, 0)
        try:
            check(folder)
            tail, recovered = find_tail(folder / NAME), None
            if tail.torn:
                aside = set_aside(folder, tail.torn)
                digest = hashlib.sha256(tail.torn).hexdigest()
                recovered = LogRecovered(size=len(tail.torn), sha256=digest, file=aside.name)
                os.ftruncate(descriptor, tail.size)
            elif tail.unended:
                os.write(descriptor, b"\n")
            os.fsync(descriptor)
        except (OSError, JournalError):
            os.close(descriptor)
            raise
        return cls(folder, descriptor), tail, recovered

    def write(self, raw: bytes) -> None:
        """Append all of it or nothing. Raises OSError."""
        try:
            if os.write(self.descriptor, raw) != len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, self._size)
            raise
        self._size += len(raw)

    def check(self) -> None:
        """Raise OSError when the file is not the one at its path any more, or not as long as what was written."""
        held, there = os.fstat(self.descriptor), self._path.lstat()
        if (held.st_dev, held.st_ino) != (there.st_dev, there.st_ino):
            raise OSError(errno.ESTALE, "another file has taken its place")
        if held.st_size != self._size:
            raise OSError(errno.ESTALE, f"it has {held.st_size} bytes and {self._size} were written")

    def spend_reserve(self) -> None:
        """Give the space free that was held back."""
        with contextlib.suppress(OSError):
            (self._folder / RESERVE).unlink(missing_ok=True)

    def close(self) -> None:
        """Let another process have the file."""
        os.close(self.descriptor)
        self.spend_reserve()


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
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with contextlib.suppress(OSError), os.fdopen(os.open(folder / RESERVE, flags, 0o600), "wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, _RESERVED)
        else:
            file.write(bytes(_RESERVED))
