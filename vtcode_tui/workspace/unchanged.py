"""Whether a workspace is still what was remembered of it, told without a worker: most commands change nothing.

It goes by names and stamps, as the worker's own look does, and reads only what was too new to have one. Whatever is
not surely the same - a name more or less, another mode, anything that cannot be read, a snapshot too large to be
looked at in the main process - is for a worker to look at. No rule of what is ignored is read here, no link is
followed, and only folders that were there before are opened.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.snapshot import TICK_NS, Remembered, Snapshot, read_snapshot, size_of_snapshot, stamp_of

_LARGEST = 1 << 20
"""Bytes of a snapshot, about 6,000 paths: they are looked through in 20 ms."""
_MOST_READ = 1 << 20
"""Bytes of files that were too new, all together."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Unchanged:
    """Compares a workspace with the snapshot in a session's folder."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder
        self._known: Snapshot | None = None

    def forget(self) -> None:
        """A worker may write another snapshot: the next look reads it."""
        self._known = None

    def holds(self) -> bool:
        """Whether nothing differs; False also where only a worker can tell. Nothing may change files meanwhile."""
        try:
            if self._known is None and 0 < size_of_snapshot(self._folder) <= _LARGEST:
                self._known = read_snapshot(self._folder)
            if self._known is None or self._known.unseen:
                return False
            look = _Look(self._known)
            root = os.open(self._root, _FOLDER)
            try:
                same = look.through(root, "") and look.met == len(self._known.paths)
            finally:
                os.close(root)
        except (OSError, WorkspaceError):
            return False
        if same and look.settled:
            self._known = replace(self._known, paths={**self._known.paths, **look.settled})
        return same

    def is_left_out(self, path: str) -> bool:
        """Whether a path, or a folder that it lies in, does not count in the snapshot that `holds` compared."""
        left_out = self._known.left_out if self._known is not None else {}
        above = [path[:at] for at, sign in enumerate(path) if sign == "/"]
        return path in left_out or any(f"{folder}/" in left_out for folder in (*above, path))


class _Look:
    """One look; `met` counts what is as it was, `settled` has stamps for what was too new to have one."""

    def __init__(self, known: Snapshot) -> None:
        self._known = known
        self._fresh = time.time_ns() - TICK_NS
        self._left = _MOST_READ
        self.met = 0
        self.settled: dict[str, Remembered] = {}

    def through(self, folder: int, at: str) -> bool:
        """Whether everything in an open folder is as it was. Raises OSError."""
        paths, left_out = self._known.paths, self._known.left_out
        with os.scandir(folder) as entries:
            for entry in entries:
                path = f"{at}{entry.name}"
                status = entry.stat(follow_symlinks=False)
                known = paths.get(path)
                if known is not None:
                    if not self._same(folder, entry.name, path, known, status):
                        return False
                    self.met += 1
                    continue
                stamp = left_out.get(f"{path}/" if stat.S_ISDIR(status.st_mode) else path)
                if stamp is None or (stamp and stamp != stamp_of(status)):
                    return False
        return True

    def _same(self, folder: int, name: str, path: str, known: Remembered, status: os.stat_result) -> bool:
        entry, mode = known.entry, status.st_mode
        match entry.kind:
            case "folder":
                return stat.S_ISDIR(mode) and mode & 0o7777 == entry.mode and self._below(folder, name, path)
            case "symlink":
                return stat.S_ISLNK(mode) and os.readlink(name, dir_fd=folder) == entry.target
        if not stat.S_ISREG(mode) or mode & 0o7777 != entry.mode:
            return False
        stamp = stamp_of(status)
        if known.stamp:
            return known.stamp == stamp
        self._left -= status.st_size
        if status.st_size != entry.size or self._left < 0 or _digest(folder, name, entry.size) != entry.sha256:
            return False
        if status.st_ctime_ns < self._fresh:
            self.settled[path] = replace(known, stamp=stamp)
        return True

    def _below(self, folder: int, name: str, path: str) -> bool:
        inner = os.open(name, _FOLDER, dir_fd=folder)
        try:
            return self.through(inner, f"{path}/")
        finally:
            os.close(inner)


def _digest(folder: int, name: str, size: int) -> str:
    with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
        return sha256(file.read(size + 1)).hexdigest()
