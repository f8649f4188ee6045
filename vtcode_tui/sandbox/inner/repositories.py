"""Where git might find a repository in a workspace: it takes a folder for one by what lies in it, not by name."""

from __future__ import annotations

import os

from vtcode_tui.sandbox.inner import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 3
_MOST_FOLDERS = 500
"""Looking costs 5 us a folder; what lies deeper is found when the change set is reviewed."""
_SKIP = {"node_modules", "__pycache__", "site-packages", "target", ".venv", "venv"}
_TELLING = frozenset({"HEAD", "commondir", "objects", "refs"})


class Found:
    """What git might take for a repository: git folders, and files or links `.git`, as relative paths."""

    __slots__ = ("closed", "folders", "pointers")

    def __init__(self) -> None:
        self.folders: set[str] = set()
        self.pointers: set[str] = set()
        self.closed: list[str] = []
        """Folders that could not be looked into, or not to the end."""


def find(root: int, visit: Callable[[int, str], None] = lambda _folder, _name: None) -> Found:
    """Look through the folders below `root`.

    `visit` is called before the state of a folder is asked for: with it open and "", or the name of one in it.
    """
    found = Found()
    queue, seen = [("", 0)], 0
    counted, device = kernel.counts_folders(root), os.fstat(root).st_dev
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
                    if _is_bare(folder, name, device):
                        bare.add(name)
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


def _is_bare(parent: int, name: str, device: int) -> bool:
    """Whether a folder need not be read: it has none below it, and nothing by which git would know it."""
    known = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if known.st_nlink != 2 or known.st_dev != device or known.st_mode & 0o500 != 0o500:
        return False
    return not (_is_there(parent, f"{name}/HEAD") or _is_there(parent, f"{name}/.git"))


def _is_there(parent: int, path: str) -> bool:
    return os.access(path, os.F_OK, dir_fd=parent, follow_symlinks=False)
