"""Every path that an overlay's upper folder says something about. Standard library only.

A name that was deleted stands in the upper folder as a whiteout; a deleted folder is one whiteout for all that was
in it, and an opaque folder hides what the real one holds: both are spelt out here, path by path.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.beneath import TEMPORARY, Beneath, Entry
from vtcode_tui.workspace.changes import Kind
from vtcode_tui.workspace.gitindex import entries_of
from vtcode_tui.workspace.ignore import Ignore
from vtcode_tui.workspace.overlay import is_opaque, is_whiteout

_DEEPEST, _LONGEST = 200, 2000
"""Folders within folders, and bytes of a path, beyond which a run only wants to break what reads them."""
MOST_HOLES = 4 << 30
"""Bytes that files hold nowhere and that are read all the same: no limit on the disk bounds them, and a run that
makes a few files of 8 GB of nothing would keep whoever reads them from an end."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A path of the upper tree: what a run sees there now (None: nothing)."""

    path: str
    now: Entry | None
    own: bool = True
    """There is an entry of the upper tree for exactly this path."""
    hidden: bool = False
    """A folder above hides the real one, so removing the entry would not bring the real file back."""


class Upper:
    """Walks a layer. `ignored`: what was left out because .gitignore names it; `special`: what cannot be kept."""

    def __init__(self, lower: Path, upper: Path, *, with_ignored: bool = False) -> None:
        self.lower, self.upper = lower, upper
        self.ignored: list[str] = []
        self.special: list[str] = []
        self._with_ignored = with_ignored
        self._holes = MOST_HOLES
        self._ignore = Ignore(self._read)
        self._tracked: frozenset[str] | None = None
        self._tracked_folders: frozenset[str] = frozenset()

    def walk(self, low: Beneath, up: Beneath) -> Iterator[Touch]:
        """Every touched path, folders before what is in them."""
        yield from self._walk(low, up, "", hidden=False)

    def _walk(self, low: Beneath, up: Beneath, folder: str, *, hidden: bool) -> Iterator[Touch]:
        for name in self._names(up, folder):
            if name.startswith(TEMPORARY):
                continue
            path = f"{folder}/{name}" if folder else name
            real = self.upper / path
            try:
                status = os.lstat(real)
            except PermissionError:
                self.special.append(folder)  # it can be listed and not entered
                return
            below = None if hidden else kind_of(self.lower / path)
            if too_deep(path):
                self.special.append(path)
                continue
            is_folder = stat.S_ISDIR(status.st_mode)
            gone = not is_folder and is_whiteout(real, status)
            if self._skipped(path, folder=is_folder or (gone and below == "folder")):
                continue
            if gone:
                yield from self._gone(low, up, path, below, own=True)
            elif is_folder:
                yield from self._folder(low, up, path, below, stat.S_IMODE(status.st_mode), hidden=hidden)
            else:
                if below == "folder":
                    yield from self._emptied(low, up, path)
                if holes_in(status) > self._holes:
                    self.special.append(path)
                    continue
                self._holes -= holes_in(status)
                yield from self._leaf(up, path, status.st_mode, hidden=hidden)

    def _names(self, up: Beneath, folder: str) -> list[str]:
        try:
            return up.names(folder or ".")
        except PermissionError:
            self.special.append(folder)  # a run took the right to list it from its own folder
            return []

    def _leaf(self, up: Beneath, path: str, mode: int, *, hidden: bool) -> Iterator[Touch]:
        try:
            entry = up.entry(path) if stat.S_ISREG(mode) or stat.S_ISLNK(mode) else None
        except PermissionError:
            entry = None
        if entry is None:
            self.special.append(path)
        else:
            yield Touch(path, entry, hidden=hidden)

    def _folder(
        self, low: Beneath, up: Beneath, path: str, below: Kind | None, mode: int, *, hidden: bool
    ) -> Iterator[Touch]:
        opaque = is_opaque(self.upper / path)
        yield Touch(path, Entry("folder", mode), hidden=hidden)
        yield from self._walk(low, up, path, hidden=hidden or opaque or below != "folder")
        if opaque and below == "folder":
            yield from self._emptied(low, up, path)

    def _gone(self, low: Beneath, up: Beneath, path: str, below: Kind | None, *, own: bool) -> Iterator[Touch]:
        if below is None and not own:
            return
        yield Touch(path, None, own=own, hidden=not own)
        if below == "folder":
            yield from self._emptied(low, up, path)

    def _emptied(self, low: Beneath, up: Beneath, folder: str) -> Iterator[Touch]:
        """What is deleted in a real folder that the layer hides: all that the layer does not have itself."""
        for name in low.names(folder):
            path = f"{folder}/{name}"
            if too_deep(path):
                self.special.append(path)
                continue
            below = kind_of(self.lower / path)
            if self._skipped(path, folder=below == "folder"):
                continue
            if kind_of(self.upper / path) is None:
                yield from self._gone(low, up, path, below, own=False)
            elif below == "folder":
                yield from self._emptied(low, up, path)

    def _skipped(self, path: str, *, folder: bool) -> bool:
        if self._with_ignored or path == ".git" or path.startswith(".git/"):
            return False
        if not self._ignore.ignored(path, folder=folder):
            return False
        if self._is_tracked(path, folder=folder):
            return False
        self.ignored.append(path)
        return True

    def _is_tracked(self, path: str, *, folder: bool) -> bool:
        if self._tracked is None:
            entries = entries_of(self._read(".git/index") or b"") or {}
            self._tracked = frozenset(name for name, _ in entries)
            self._tracked_folders = frozenset(n[:at] for n in self._tracked for at, c in enumerate(n) if c == "/")
        return path in (self._tracked_folders if folder else self._tracked)

    def _read(self, path: str) -> bytes | None:
        # The rules that hold in a run: the layer's own file where it has one.
        for root in (self.upper, self.lower):
            try:
                with Beneath(root) as tree:
                    if is_whiteout(root / path, os.lstat(root / path)):
                        return None
                    return tree.read(path)
            except (OSError, WorkspaceError):
                continue
        return None


def holes_in(status: os.stat_result) -> int:
    """How many bytes of a file are nothing on the disk."""
    return max(0, status.st_size - status.st_blocks * 512) if stat.S_ISREG(status.st_mode) else 0


def too_deep(path: str) -> bool:
    """Whether a path is of no use but to break what reads it: it is named and left alone."""
    return path.count("/") > _DEEPEST or len(os.fsencode(path)) > _LONGEST


def kind_of(path: Path) -> Kind | None:
    """What stands at a real path; None for nothing, and for what no change set can hold."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "symlink"
    return "file" if stat.S_ISREG(mode) else None
