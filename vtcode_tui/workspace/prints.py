"""Whether anything in a layer was touched since it was last compared: every entry's status, no content.

Whatever a run does to a file changes its ctime, which no program can set. A clock tick may hide a second change
right after the first, so that a layer which was touched a moment ago is never taken for an untouched one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TypeAlias

from vtcode_tui.workspace.stamps import has_settled

Prints: TypeAlias = frozenset[tuple[str, int, int, int, int, int]]
"""Path, inode, mode, size, mtime and ctime of everything in a layer."""

MOST = 2000
"""A layer with more entries is compared in any case: looking at them all would cost as much."""


def prints_of(upper: Path) -> Prints | None:
    """What the layer's entries look like; None when they are too many, too fresh, or cannot be seen."""
    found: set[tuple[str, int, int, int, int, int]] = set()
    newest, pending = 0, [str(upper)]
    try:
        root = os.lstat(upper)
        found.add(("", root.st_ino, root.st_mode, root.st_size, root.st_mtime_ns, root.st_ctime_ns))
        newest = root.st_ctime_ns
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    newest = max(newest, status.st_ctime_ns)
                    found.add(
                        (
                            entry.path,
                            status.st_ino,
                            status.st_mode,
                            status.st_size,
                            status.st_mtime_ns,
                            status.st_ctime_ns,
                        )
                    )
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
            if len(found) > MOST:
                return None
    except OSError:
        return None
    return frozenset(found) if has_settled(newest, time.time_ns()) else None
