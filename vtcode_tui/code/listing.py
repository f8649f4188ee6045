"""The files of a workspace as search sees them: no ignored ones, no links followed. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from vtcode_tui.workspace.ignore import Ignore

MAX_FILES = 1_000_000
_NEVER = frozenset({".git", ".hg", ".svn", ".jj"})


def list_files(root: Path, *, limit: int = MAX_FILES) -> Iterator[str]:
    """Relative paths, folder by folder in the order of names. A symbolic link is listed and never followed."""
    ignore = Ignore(lambda path: _read(root, path))
    pending, found = [""], 0
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(f"{root}/{folder}" if folder else root) as entries:
                rows = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        below = []
        for entry in rows:
            path = f"{folder}/{entry.name}" if folder else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in _NEVER or ignore.says(path, folder=is_folder):
                continue
            if is_folder:
                below.append(path)
                continue
            if found >= limit:
                return
            found += 1
            yield path
        pending.extend(reversed(below))


def ignored_in(root: Path) -> Callable[[str], bool]:
    """Whether a file below the root is left out, by the rules as they stand now."""
    ignore = Ignore(lambda path: _read(root, path))

    def ignored(path: str) -> bool:
        return not _NEVER.isdisjoint(path.split("/")) or ignore.ignored(path, folder=False)

    return ignored


def _read(root: Path, path: str) -> bytes | None:
    try:
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(1 << 20)
        except OSError:
            return None
