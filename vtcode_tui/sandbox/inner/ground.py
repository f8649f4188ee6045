"""Whether anything in the real folders below a layer changed since they were surveyed.

A layer that stays mounted between runs knows each name already, which is most of what `git status` costs in a fresh
mount. But what changes below a mounted overlay is not seen for certain: a name or kind that was looked at stays
as it was, and so does a length, for `cp`. So the kernel notes every change in every folder (inotify), and of files
that have other names too, wherever those are; one note, of whatever kind, and the mount serves no further run.
Nobody reads the notes away.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
from collections.abc import Callable

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.vigil import Unwatchable, holds_mounts

_MODIFY, _ATTRIB, _DELETE_SELF, _MOVE_SELF = 0x2, 0x4, 0x400, 0x800
_NAMES = 0x40 | 0x80 | 0x100 | 0x200
"""IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE. Lost notes and unmounting are always noted."""
_FOLDER = _NAMES | _MODIFY | _ATTRIB | _DELETE_SELF | _MOVE_SELF | 0x01000000
_FILE = _MODIFY | _ATTRIB | 0x02000000
_FIONREAD = 0x541B
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST = 20_000
"""Folders and files with several names; a quarter of what the user may watch at most."""


class Ground:
    """The notes about one layer's lower folder; `known` says once which folders a path means."""

    __slots__ = ("folders", "known", "notes", "surveyed")

    def __init__(self, folders: list[str]) -> None:
        """Raises OSError where there is no inotify instance left, or a folder is not there."""
        self.folders = folders
        self.known = identities(folders)
        self.surveyed = False
        """Whether every folder is watched."""
        self.notes = kernel.checked(kernel.LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify_init1")

    def is_stirred(self) -> bool:
        """Whether anything was noted."""
        waiting = array.array("i", [0])
        fcntl.ioctl(self.notes, _FIONREAD, waiting)
        return waiting[0] != 0

    def is_still(self) -> bool:
        """Whether nothing changed since every folder was watched, and the same folders are meant."""
        if not self.surveyed or self.is_stirred():
            return False
        try:
            return identities(self.folders) == self.known
        except OSError:
            return False

    def close(self) -> None:
        """Let the notes go; from now on nothing is proven."""
        if self.notes >= 0:
            os.close(self.notes)
        self.notes, self.surveyed = -1, False


def can_be_watched(folder: str) -> bool:
    """Whether the kernel would note all that changes in a folder: a file system of this machine, and just one."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return kernel.counts_folders(descriptor) and not holds_mounts(folder)
    finally:
        os.close(descriptor)


def survey(notes: int, lower: str, unwanted: Callable[[], bool]) -> None:
    """Watch every folder of `lower`, each before it is looked through.

    Raises Unwatchable where not everything can be noted, or when `unwanted` says that nobody waits for it any more.
    """
    left = min(_MOST, _allowed() // 4)
    try:
        root = os.open(lower, _FLAGS)
        try:
            device = os.fstat(root).st_dev
            pending = ["."]
            while pending:
                if unwanted():
                    raise Unwatchable("a run came first")
                path = pending.pop()
                folder = kernel.open_inside(root, path, _FLAGS)
                try:
                    if os.fstat(folder).st_dev != device:
                        raise Unwatchable("another file system lies in the workspace")
                    names, watched = _look_through(notes, folder)
                finally:
                    os.close(folder)
                pending += [f"{path}/{name}" for name in names]
                left -= watched
                if left < len(pending):
                    raise Unwatchable("too many folders")
        finally:
            os.close(root)
    except OSError as error:
        raise Unwatchable(f"a folder cannot be looked into: {error.strerror}") from error


def _look_through(notes: int, folder: int) -> tuple[list[str], int]:
    """The folders in one that is watched first, and how many watches that took."""
    _watch(notes, f"/proc/self/fd/{folder}", _FOLDER)
    names, watched = [], 1
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                names.append(entry.name)
            elif entry.stat(follow_symlinks=False).st_nlink > 1:
                _watch(notes, f"/proc/self/fd/{folder}/{entry.name}", _FILE)
                watched += 1
    return names, watched


def _watch(notes: int, path: str, mask: int) -> None:
    if kernel.LIBC.inotify_add_watch(notes, ctypes.c_char_p(os.fsencode(path)), ctypes.c_uint32(mask)) < 0:
        raise Unwatchable(f"a folder cannot be watched: {os.strerror(ctypes.get_errno())}")


def _allowed() -> int:
    try:
        with open("/proc/sys/fs/inotify/max_user_watches") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def identities(folders: list[str]) -> list[tuple[int, int]]:
    """Which folders these paths mean now. Raises OSError where there is none."""
    found = [os.stat(folder, follow_symlinks=False) for folder in folders]
    return [(status.st_dev, status.st_ino) for status in found]
