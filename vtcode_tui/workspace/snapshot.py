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
from vtcode_tui.workspace.stamps import has_settled, stamp_of
from vtcode_tui.workspace.touched import MOST_HOLES, holes_in, too_deep

MOST = 250_000
"""A workspace with more paths than this cannot be remembered."""
MOST_LEFT_OUT = 10_000
RULES = ".gitignore"
_LEFT_OUT = frozenset({".git/objects", ".git/lfs"})
_NAME = "snapshot.json"


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
    left_out: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """What is there and does not count (folders with a `/` behind them), up to `MOST_LEFT_OUT`: nothing below is
    named. Of files of rules that are ignored themselves the stamp: they decide about others."""


def snapshot_in(folder: Path) -> Path:
    """The file of a session's snapshot."""
    return folder / _NAME


def read_snapshot(folder: Path) -> Snapshot:
    """What was remembered last; empty when nothing was. Raises WorkspaceError when it is damaged."""
    try:
        data = json.loads((folder / _NAME).read_bytes())
        rows = {path: (from_json(entry), tuple(stamp)) for path, (entry, stamp) in data["paths"].items()}
        unseen = frozenset(map(str, data.get("unseen", ())))
        left_out = {path: tuple(stamp) for path, stamp in data.get("left_out", {}).items()}
    except FileNotFoundError:
        return Snapshot()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"{folder / _NAME} is damaged: remove it to begin anew") from error
    paths = {path: Remembered(entry, stamp) for path, (entry, stamp) in rows.items() if entry is not None}
    return Snapshot(paths, unseen, left_out)


def write_snapshot(folder: Path, known: Snapshot) -> None:
    """Remember this."""
    rows = {path: [to_json(r.entry), r.stamp] for path, r in known.paths.items()}
    data = {"version": 1, "paths": rows, "unseen": sorted(known.unseen), "left_out": known.left_out}
    write_atomically(folder / _NAME, json.dumps(data))


def look(root: Path, before: Paths, contents: Contents) -> Snapshot:
    """Every path that counts, as it is now; contents that are not known yet are kept where they fit."""
    found: dict[str, Remembered] = {}
    unseen: set[str] = set()
    walk = _Walk(root, before, contents)
    for path, remembered in walk.walk():
        if len(found) + len(unseen) >= MOST:
            raise WorkspaceError(
                f"the workspace has more than {MOST:,} files that are not ignored: what a run changes in it cannot "
                "be shown or taken back; open a folder below it, or name what is built in .gitignore"
            )
        if remembered is None:
            unseen.add(path)
        else:
            found[path] = remembered
    return Snapshot(found, frozenset(unseen), walk.left_out)


class _Walk:
    """One look at a tree. No link is followed."""

    def __init__(self, root: Path, before: Paths, contents: Contents) -> None:
        self._root, self._before, self._contents = root, before, contents
        self._ignore = Ignore(self._read)
        self._tracked = frozenset(name for name, _ in entries_of(self._read(".git/index") or b"") or {})
        self._tracked_folders = frozenset(
            name[:at] for name in self._tracked for at, c in enumerate(name) if c == "/"
        )
        self._now = time.time_ns()
        self._holes = MOST_HOLES
        self.left_out: dict[str, tuple[int, ...]] = {}

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
            settled = settled and self._same(f"{at}/{RULES}" if at else RULES)
            for row in rows:
                path = f"{at}/{row.name}" if at else row.name
                is_folder = row.is_dir(follow_symlinks=False)
                if not (settled and path in self._before) and (
                    path in _LEFT_OUT or row.name.startswith(TEMPORARY) or self._skipped(path, folder=is_folder)
                ):
                    self._leave_out(row, path, is_folder=is_folder)
                    continue
                if too_deep(path):
                    yield path, None
                    continue
                if is_folder:
                    pending.append((path, settled))
                found = self._look(row, path, is_folder=is_folder)
                if found is not None or os.path.lexists(row.path):  # not gone meanwhile
                    yield path, found

    def _leave_out(self, row: os.DirEntry[str], path: str, *, is_folder: bool) -> None:
        stamp: tuple[int, ...] = ()
        if row.name == RULES and not is_folder:
            try:
                status = row.stat(follow_symlinks=False)
            except OSError:
                return
            if not has_settled(status.st_ctime_ns, self._now):
                return
            stamp = stamp_of(status)
        if len(self.left_out) < MOST_LEFT_OUT:
            self.left_out[f"{path}/" if is_folder else path] = stamp

    def _same(self, rules: str) -> bool:
        """Whether a file of ignore rules is what it was at the last look, or was and is not there."""
        known = self._before.get(rules)
        try:
            status = os.lstat(f"{self._root}/{rules}")
        except OSError:
            return known is None
        return known is not None and known.stamp == stamp_of(status)

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
        stamp = stamp_of(status)
        known = self._before.get(path)
        if known is not None and known.stamp == stamp and known.entry.mode == mode:
            return known
        if holes_in(status) > self._holes:
            return None
        self._holes -= holes_in(status)
        try:
            digest = self._digest(row.path, status.st_size)
        except OSError as error:
            if error.filename is None and not isinstance(error, PermissionError):
                raise  # a disk that is full, not a file that cannot be read
            return None
        return Remembered(
            Entry("file", mode, digest, size=status.st_size),
            stamp if has_settled(status.st_ctime_ns, self._now) else (),
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
