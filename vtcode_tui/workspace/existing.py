"""Existing paths of a tree that match patterns, asked for before every run: only changed folders are read again.

A folder's modification time says whether names in it came or went. Within one tick of the file system's clock it
would not, so what was read that soon after a change is not remembered.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.workspace.protected import NOT_LOOKED_INTO, Patterns

_TICK_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class _Folder:
    changed_ns: int
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
        try:
            changed = os.lstat(path).st_mtime_ns
            held = self._known.get(inside)
            if held is not None and held.changed_ns == changed:
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
        settled = time.time_ns() - changed > _TICK_NS
        return _Folder(changed if settled else -1, tuple(matches), tuple(folders))
