"""Existing paths of a tree that match patterns, asked for before every run: only changed folders are read again.

A folder's times say whether names in it came or went; a run can set back the one of its content, and none the
other. What was read too soon after a change for them to tell the next is not remembered.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.workspace.protected import NOT_LOOKED_INTO, Patterns
from vtcode_tui.workspace.stamps import has_settled, stamp_of


@dataclass(frozen=True, slots=True)
class _Folder:
    stamp: tuple[int, ...]
    """Empty where it would not show a change."""
    matches: tuple[str, ...]
    folders: tuple[str, ...]


class Existing:
    """The matches below `root`, down to `depth` folders; nothing is looked for below a match."""

    def __init__(self, root: Path, patterns: Patterns, depth: int) -> None:
        self._root, self._patterns, self._depth = str(root), patterns, depth
        self._known: dict[str, _Folder] = {}

    def paths(self) -> list[str]:
        """The absolute paths, as they are now."""
        found: list[str] = []
        known: dict[str, _Folder] = {}
        pending = [("", 0)]
        while pending:
            inside, depth = pending.pop()
            folder = self._folder(inside)
            if folder is None:
                continue
            known[inside] = folder
            found += [f"{self._root}/{path}" for path in folder.matches]
            if depth < self._depth:
                pending += [(path, depth + 1) for path in folder.folders]
        self._known = known
        return found

    def _folder(self, inside: str) -> _Folder | None:
        path = f"{self._root}/{inside}"
        now = time.time_ns()
        try:
            status = os.lstat(path)
            held = self._known.get(inside)
            if held is not None and held.stamp == stamp_of(status):
                return held
            with os.scandir(path) as entries:
                rows = list(entries)
        except OSError:
            return None
        matches, folders = [], []
        for entry in rows:
            name = entry.name
            if self._patterns.may_match(name) and self._patterns.match(f"{inside}{name}"):
                matches.append(f"{inside}{name}")
            elif name not in NOT_LOOKED_INTO and entry.is_dir(follow_symlinks=False):
                folders.append(f"{inside}{name}/")
        stamp = stamp_of(status) if has_settled(status.st_ctime_ns, now) else ()
        return _Folder(stamp, tuple(matches), tuple(folders))
