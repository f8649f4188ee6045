"""An overlay's two trees read as one, without mounting it: what is in the upper one, gone, or only below.

Standard library only. Understands both spellings of the kernel: a deleted name is a character device 0:0 or an
empty file with `overlay.whiteout`, a folder that hides what is below carries `overlay.opaque`, each attribute in
the `user.` name space (an ordinary user's mount, `userxattr`) or in `trusted.` (root's).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

_SPACES = ("user.overlay.", "trusted.overlay.")


@dataclass(frozen=True, slots=True)
class Found:
    """A name of the merged view: where it really is, and its status there."""

    real: Path
    status: os.stat_result


def is_whiteout(path: str | Path, status: os.stat_result) -> bool:
    """Whether an entry of an upper folder says that the name is deleted."""
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev == 0
    return stat.S_ISREG(status.st_mode) and status.st_size == 0 and _attribute(path, "whiteout") is not None


def is_opaque(path: str | Path) -> bool:
    """Whether a folder of the upper tree hides everything below it."""
    return _attribute(path, "opaque") == b"y"


def _attribute(path: str | Path, name: str) -> bytes | None:
    for space in _SPACES:
        try:
            return os.getxattr(path, space + name, follow_symlinks=False)
        except OSError:
            continue
    return None


class Merged:
    """What a run sees at `root` when `upper` lies over it; outside of the root simply what is there."""

    def __init__(self, root: Path, upper: Path | None = None) -> None:
        self.root, self.upper = root, upper

    def lookup(self, path: Path) -> Found | None:
        """The entry at an absolute path without links in its folders; None when there is none."""
        if self.upper is not None and self.root in path.parents:
            return self._layered(path)
        return _lstat(path)

    def _layered(self, path: Path) -> Found | None:
        assert self.upper is not None
        at, below = self.upper, True
        parts = path.relative_to(self.root).parts
        for place, name in enumerate(parts):
            at = at / name
            found = _lstat(at)
            if found is None:
                # From here on the upper tree says nothing.
                return _lstat(path) if below else None
            if is_whiteout(at, found.status):
                return None
            if place == len(parts) - 1:
                return found
            if not stat.S_ISDIR(found.status.st_mode):
                return None
            below = below and not is_opaque(at)
        return None


def _lstat(path: Path) -> Found | None:
    try:
        return Found(path, os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
