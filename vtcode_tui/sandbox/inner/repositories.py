"""Where git might find a repository in a workspace: it takes a folder for one by what lies in it, not by name."""

from __future__ import annotations

import os
import time

from vtcode_tui.sandbox.inner import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 3
_MOST_FOLDERS = 500
"""Looking costs 5 us a folder; what lies deeper is found when the change set is reviewed."""
COARSE_NS = 3_000_000_000
"""Where times are coarse or another machine's, so much earlier counts as since."""
_STEP_NS = 10_000_000
_SKIP = {"node_modules", "__pycache__", "site-packages", "target", ".venv", "venv"}
_TELLING = frozenset({"HEAD", "commondir", "objects", "refs"})


class Found:
    """What git might take for a repository: git folders, and files or links `.git`, as relative paths."""

    __slots__ = ("bare", "closed", "folders", "pointers", "since_ns", "steps_ns")

    def __init__(self) -> None:
        self.since_ns = time.clock_gettime_ns(kernel.CLOCK_OF_FILES)
        """When the look began."""
        self.steps_ns = time.time_ns() - time.monotonic_ns()
        """How far the clock was set since the machine began: less later means that it was set back."""
        self.bare: set[int] = set()
        """Folders without folders, by which git would find nothing: their inodes, since they may be moved."""
        self.folders: set[str] = set()
        self.pointers: set[str] = set()
        self.closed: list[str] = []
        """Folders that could not be looked into, or not to the end."""


def find(
    root: int, visit: Callable[[int, str], None] = lambda _folder, _name: None, earlier: Found | None = None
) -> Found:
    """Look through the folders below `root`; what was bare in an `earlier` look and did not change since still is.

    `visit` is called before the state of a folder is asked for: with it open and "", or the name of one in it.
    """
    found = Found()
    queue, seen = [("", 0)], 0
    counted, device = kernel.counts_folders(root), os.fstat(root).st_dev
    was_bare, since = _known_of(root, earlier, found)
    while queue and seen < _MOST_FOLDERS:
        path, depth = queue.pop(0)
        seen += 1
        try:
            folder = kernel.open_inside(root, path or ".", FOLDER)
        except OSError:
            found.closed.append(path)
            continue
        try:
            visit(folder, "")
            below, pointers, telling = _read(folder)
            prefix = f"{path}/" if path else ""
            found.pointers.update(prefix + name for name in pointers)
            if "HEAD" in telling and ("commondir" in telling or {"objects", "refs"} <= telling):
                found.folders.add(path)
            if depth >= _DEPTH:
                continue
            inner = [n for n in below if n not in _SKIP and not (n == "objects" and "HEAD" in telling)]
            if counted:
                bare = set()
                for name in inner[: _MOST_FOLDERS - seen]:
                    visit(folder, name)
                    known = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    settled = known.st_ctime_ns < since and known.st_ino in was_bare and known.st_dev == device
                    if settled or _is_bare(folder, name, known, device):
                        bare.add(name)
                        found.bare.add(known.st_ino)
                seen += len(bare)
                inner = [name for name in inner if name not in bare]
            queue += [(prefix + name, depth + 1) for name in inner]
        except OSError:
            found.closed.append(path)
        finally:
            os.close(folder)
    return found


def _read(folder: int) -> tuple[list[str], list[str], set[str]]:
    """Of an open folder: the folders in it, what leads git elsewhere, and names by which git knows its own."""
    below, pointers, telling = list[str](), list[str](), set[str]()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            elif entry.name.lower() == ".git":
                pointers.append(entry.name)
            if entry.name in _TELLING:  # whatever it is: git follows links here
                telling.add(entry.name)
    return below, pointers, telling


def _known_of(root: int, earlier: Found | None, found: Found) -> tuple[set[int], int]:
    """What was bare, and since when something would show that it changed."""
    if earlier is None or found.steps_ns < earlier.steps_ns - _STEP_NS:
        return set(), 0
    return earlier.bare, earlier.since_ns - (0 if kernel.has_exact_times(root) else COARSE_NS)


def _is_bare(parent: int, name: str, known: os.stat_result, device: int) -> bool:
    """Whether a folder need not be read: it has none below it, and nothing by which git would know it."""
    if known.st_nlink != 2 or known.st_dev != device or known.st_mode & 0o500 != 0o500:
        return False
    return not (_is_there(parent, f"{name}/HEAD") or _is_there(parent, f"{name}/.git"))


def _is_there(parent: int, path: str) -> bool:
    return os.access(path, os.F_OK, dir_fd=parent, follow_symlinks=False)
