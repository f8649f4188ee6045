"""Files below a root, reached through descriptors: no link is ever followed, nothing outside is ever touched.

Standard library only: this is what workers use inside the sandbox. Every folder on the way is opened by itself with
O_NOFOLLOW, so a link that somebody puts there meanwhile is an error and not a detour. Writing makes a new file
beside the old one and renames it, so that a reader sees the old or the new content.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from vtcode_tui.common.errors import PathEscapeError, StaleFileError, WorkspaceError
from vtcode_tui.workspace.changes import Kind

TEMPORARY = ".vtcode-tmp-"
"""Names of files that are being written begin so; a change set never shows them."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 20
_ZEROS = bytes(_PIECE)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path: its kind, permission bits, and content (hash) or target."""

    kind: Kind
    mode: int
    sha256: str = ""
    target: str = ""
    size: int = 0


class ThroughError(WorkspaceError):
    """A path leads through something that is no folder, or through a link."""


class Beneath:
    """An open root. Paths are relative, with `/`, without `.` and `..`."""

    def __init__(self, root: Path | str) -> None:
        try:
            self._fd = os.open(root, _FOLDER)
        except OSError as error:
            raise WorkspaceError(f"{root} cannot be opened as a folder: {error.strerror}") from error

    def __enter__(self) -> Beneath:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        os.close(self._fd)

    @contextmanager
    def parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that holds `path`, and the last name; `make` makes missing folders."""
        *folders, name = parts_of(path)
        at = os.dup(self._fd)
        try:
            for folder in folders:
                below = _open_folder(at, folder, path, make=make)
                os.close(at)
                at = below
            yield at, name
        finally:
            os.close(at)

    def entry(self, path: str) -> Entry | None:
        """What stands at `path`; None when nothing does. Raises WorkspaceError for devices, sockets and pipes."""
        try:
            with self.parent(path) as (folder, name):
                return entry_at(folder, name, path)
        except (FileNotFoundError, ThroughError):
            return None

    def read(self, path: str) -> bytes:
        """The content of a regular file."""
        with self.parent(path) as (folder, name):
            return read_at(folder, name, path)

    def stamp(self, path: str) -> tuple[int, ...]:
        """Inode, mode, size and times of what stands at `path`, empty where nothing does: a change changes it."""
        try:
            with self.parent(path) as (folder, name):
                return _stamp_at(folder, name)
        except (FileNotFoundError, ThroughError):
            return ()

    def write(
        self,
        path: str,
        data: bytes | Iterable[bytes],
        *,
        mode: int | None = None,
        mtime_ns: int | None = None,
        stamp: tuple[int, ...] | None = None,
    ) -> None:
        """Make the regular file `path` hold `data`, whatever stood there (but a folder), in one step.

        Keeps the permission bits of the file that is replaced unless `mode` is given; a new file gets 0644 as the
        umask allows. Missing folders are made. An error from the iterable leaves everything as it was, and so does
        a StaleFileError where a `stamp` is given and what stood there got another one while the data was written.
        """
        with self.parent(path, make=True) as (folder, name):
            pieces = (data,) if isinstance(data, bytes) else data
            write_at(folder, name, pieces, mode=mode, mtime_ns=mtime_ns, stamp=stamp)

    def pieces(self, path: str, sha256: str, size: int) -> Iterator[bytes]:
        """The content of a regular file in pieces; raises StaleFileError where it is longer or another."""
        digest = hashlib.sha256()
        left = size
        with self.parent(path) as (folder, name):
            descriptor = os.open(name, _FILE, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                left -= len(piece)
                if left < 0:
                    break  # a run that goes on writing would keep us here
                yield piece
        if digest.hexdigest() != sha256:
            raise StaleFileError(f"{path!r} changed while it was read")

    def mtime_ns(self, path: str) -> int:
        """When the content of a file was changed last."""
        with self.parent(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns

    def link(self, path: str, target: str) -> None:
        """Make `path` a symbolic link to `target`, whatever stood there (but a folder), in one step."""
        with self.parent(path, make=True) as (folder, name):
            temporary = TEMPORARY + secrets.token_hex(8)
            os.symlink(target, temporary, dir_fd=folder)
            _into_place(folder, temporary, name)

    def folder(self, path: str, *, mode: int | None = None) -> None:
        """Make the folder `path` unless it is one, and give it these permission bits."""
        with self.parent(path, make=True) as (folder, name):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=folder)
            below = os.open(name, _FOLDER, dir_fd=folder)
            try:
                if mode is not None:
                    os.fchmod(below, mode)
            finally:
                os.close(below)
            os.fsync(folder)

    def chmod(self, path: str, mode: int) -> None:
        """Change the permission bits of a file or folder, never through a link."""
        with self.parent(path) as (folder, name):
            descriptor = os.open(name, _FILE, dir_fd=folder)
            try:
                os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)

    def remove(self, path: str) -> None:
        """Remove a file, a link or an empty folder."""
        with self.parent(path) as (folder, name):
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
            os.fsync(folder)

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; `.` is the root."""
        if path in {"", "."}:
            return _names(self._fd)
        with self.parent(path) as (folder, name):
            below = os.open(name, _FOLDER, dir_fd=folder)
            try:
                return _names(below)
            finally:
                os.close(below)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def parts_of(path: str) -> list[str]:
    """The names of a relative path; raises PathEscapeError when it is not one."""
    parts = path.split("/")
    if not path or "\0" in path or any(part in {"", ".", ".."} for part in parts):
        raise PathEscapeError(f"{path!r} is not a path below the workspace")
    return parts


def _open_folder(at: int, name: str, path: str, *, make: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=at)
    except FileNotFoundError:
        if not make:
            raise
    except OSError as error:
        # O_NOFOLLOW with O_DIRECTORY answers ENOTDIR for a link as well as for a file.
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise ThroughError(f"{path!r} leads through {name!r}, which is no folder (or a link)") from error
        raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=at)
    return os.open(name, _FOLDER, dir_fd=at)


def entry_at(folder: int, name: str, path: str) -> Entry | None:
    """What stands at `name` in an open folder."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    mode = stat.S_IMODE(status.st_mode)
    match stat.S_IFMT(status.st_mode):
        case stat.S_IFDIR:
            return Entry("folder", mode)
        case stat.S_IFLNK:
            return Entry("symlink", 0o777, target=os.readlink(name, dir_fd=folder))
        case stat.S_IFREG:
            descriptor = os.open(name, _FILE, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Entry("file", mode, digest, size=status.st_size)
        case _:
            raise WorkspaceError(f"{path!r} is a device, a socket or a pipe")


def read_at(folder: int, name: str, path: str) -> bytes:
    """The content of the regular file `name` in an open folder."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise WorkspaceError(f"{path!r} is a symbolic link") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise WorkspaceError(f"{path!r} is not a regular file")
        return file.read()


def _stamp_at(folder: int, name: str) -> tuple[int, ...]:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return ()
    return (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def write_at(
    folder: int,
    name: str,
    pieces: Iterable[bytes],
    *,
    mode: int | None,
    mtime_ns: int | None = None,
    stamp: tuple[int, ...] | None = None,
) -> None:
    """Put a file with this content in the place of `name` in an open folder."""
    try:
        old = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        old = None
    temporary = TEMPORARY + secrets.token_hex(8)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _fill(file, pieces)
            _take_over(descriptor, old, mode)
            if mtime_ns is not None:
                os.utime(descriptor, ns=(mtime_ns, mtime_ns))
            os.fsync(descriptor)
        if stamp is not None and _stamp_at(folder, name) != stamp:
            raise StaleFileError("the file changed in the workspace meanwhile")
        _into_place(folder, temporary, name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _fill(file: BinaryIO, pieces: Iterable[bytes]) -> None:
    """Write the content; long stretches of zeros stay holes, as they were where it comes from."""
    for piece in pieces:
        if len(piece) == _PIECE and piece == _ZEROS:
            file.seek(_PIECE, os.SEEK_CUR)
        else:
            file.write(piece)
    file.truncate()
    file.flush()


def _take_over(descriptor: int, old: os.stat_result | None, mode: int | None) -> None:
    if old is not None and os.geteuid() == 0 and not stat.S_ISLNK(old.st_mode):
        # An administrator who accepts a change does not become the owner of the file. In a user namespace an owner
        # that is not mapped cannot be given; the content counts for more.
        with contextlib.suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    if mode is not None:
        os.fchmod(descriptor, mode)
    elif old is not None and stat.S_ISREG(old.st_mode):
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _into_place(folder: int, temporary: str, name: str) -> None:
    try:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)
