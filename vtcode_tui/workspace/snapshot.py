"""What a workspace is now, and what became of it: every path's state, files by status where that has not changed.

Standard library only. Ignored build products are left out, as in a layer; tracked files count although they are
ignored. Costs a look at each file's status, and reading the files that changed. Contents are kept in `Contents` up
to its bounds; at most `MOST` paths are looked at. What cannot be remembered is named: sockets, pipes and devices,
what cannot be read, paths too long to be of use.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.bases import from_json, to_json
from vtcode_tui.workspace.beneath import TEMPORARY, Beneath, Entry
from vtcode_tui.workspace.contents import LARGEST, Contents
from vtcode_tui.workspace.gitindex import entries_of
from vtcode_tui.workspace.ignore import Ignore
from vtcode_tui.workspace.touched import too_deep

MOST = 250_000
"""A workspace with more paths than this cannot be remembered."""
_LEFT_OUT = frozenset({".git/objects", ".git/lfs"})
_NAME = "snapshot.json"
_TICK_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """A path as it was: its state, and by what a look at its status shows that it still is so."""

    entry: Entry
    stamp: tuple[int, ...] = ()


Paths = Mapping[str, Remembered]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A workspace at one moment."""

    paths: Paths = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    """What is there and cannot be remembered."""


def read_snapshot(folder: Path) -> Snapshot:
    """What was remembered last; empty when nothing was. Raises WorkspaceError when it is damaged."""
    try:
        data = json.loads((folder / _NAME).read_bytes())
        rows = {path: (from_json(entry), tuple(stamp)) for path, (entry, stamp) in data["paths"].items()}
        unseen = frozenset(map(str, data.get("unseen", ())))
    except FileNotFoundError:
        return Snapshot()
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"{folder / _NAME} is damaged: remove it to begin anew") from error
    paths = {path: Remembered(entry, stamp) for path, (entry, stamp) in rows.items() if entry is not None}
    return Snapshot(paths, unseen)


def write_snapshot(folder: Path, known: Snapshot) -> None:
    """Remember this."""
    rows = {path: [to_json(r.entry), r.stamp] for path, r in known.paths.items()}
    write_atomically(folder / _NAME, json.dumps({"version": 1, "paths": rows, "unseen": sorted(known.unseen)}))


def look(root: Path, before: Paths, contents: Contents) -> Snapshot:
    """Every path that counts, as it is now; contents that are not known yet are kept where they fit."""
    found: dict[str, Remembered] = {}
    unseen: set[str] = set()
    for path, remembered in _Walk(root, before, contents).walk():
        if len(found) + len(unseen) >= MOST:
            raise WorkspaceError(
                f"the workspace has more than {MOST:,} files that are not ignored: what a run changes in it cannot "
                "be shown or taken back; open a folder below it, or name what is built in .gitignore"
            )
        if remembered is None:
            unseen.add(path)
        else:
            found[path] = remembered
    return Snapshot(found, frozenset(unseen))


class _Walk:
    """One look at a tree. No link is followed."""

    def __init__(self, root: Path, before: Paths, contents: Contents) -> None:
        self._root, self._before, self._contents = root, before, contents
        self._ignore = Ignore(self._read)
        self._tracked = frozenset(name for name, _ in entries_of(self._read(".git/index") or b"") or {})
        self._tracked_folders = frozenset(
            name[:at] for name in self._tracked for at, c in enumerate(name) if c == "/"
        )
        self._fresh = time.time_ns() - _TICK_NS

    def walk(self) -> Iterator[tuple[str, Remembered | None]]:
        """Folders before what is in them; None for what cannot be remembered."""
        pending = [("", self._same(".git/info/exclude"))]
        while pending:
            at, settled = pending.pop()
            try:
                with os.scandir(f"{self._root}/{at}" if at else self._root) as entries:
                    rows = sorted(entries, key=lambda row: row.name)
            except OSError:
                if os.path.lexists(self._root / at):  # not gone meanwhile
                    yield at, None
                continue
            # What was not ignored when it was looked at last is not now, where every rule on the way is the same.
            settled = settled and self._same(f"{at}/.gitignore" if at else ".gitignore")
            for row in rows:
                path = f"{at}/{row.name}" if at else row.name
                is_folder = row.is_dir(follow_symlinks=False)
                if not (settled and path in self._before) and (
                    path in _LEFT_OUT or row.name.startswith(TEMPORARY) or self._skipped(path, folder=is_folder)
                ):
                    continue
                if too_deep(path):
                    yield path, None
                    continue
                if is_folder:
                    pending.append((path, settled))
                found = self._look(row, path, is_folder=is_folder)
                if found is not None or os.path.lexists(row.path):  # not gone meanwhile
                    yield path, found

    def _same(self, rules: str) -> bool:
        """Whether a file of ignore rules is what it was at the last look, or was and is not there."""
        known = self._before.get(rules)
        try:
            status = os.lstat(f"{self._root}/{rules}")
        except OSError:
            return known is None
        return known is not None and known.stamp == _stamp(status)

    def _skipped(self, path: str, *, folder: bool) -> bool:
        if path == ".git" or path.startswith(".git/") or not self._ignore.says(path, folder=folder):
            return False
        return path not in (self._tracked_folders if folder else self._tracked)

    def _look(self, row: os.DirEntry[str], path: str, *, is_folder: bool) -> Remembered | None:
        try:
            status = row.stat(follow_symlinks=False)
            mode = status.st_mode & 0o7777
            if row.is_symlink():
                return Remembered(Entry("symlink", 0o777, target=str(Path(row.path).readlink())))
        except OSError:
            return None
        if is_folder:
            return Remembered(Entry("folder", mode))
        if not row.is_file(follow_symlinks=False):
            return None
        stamp = _stamp(status)
        known = self._before.get(path)
        if known is not None and known.stamp == stamp and known.entry.mode == mode:
            return known
        try:
            digest = self._digest(row.path, status.st_size)
        except OSError as error:
            if error.filename is None and not isinstance(error, PermissionError):
                raise  # a disk that is full, not a file that cannot be read
            return None
        # Within one tick of the file system's clock a second change would leave the same status.
        return Remembered(
            Entry("file", mode, digest, size=status.st_size), stamp if status.st_ctime_ns < self._fresh else ()
        )

    def _digest(self, path: str, size: int) -> str:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if size <= LARGEST:
                return self._contents.add(file.readall())
            digest = sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
            return digest.hexdigest()

    def _read(self, path: str) -> bytes | None:
        try:
            with Beneath(self._root) as tree:
                return tree.read(path)
        except (OSError, WorkspaceError):
            return None


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
