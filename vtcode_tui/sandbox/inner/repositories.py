"""Repositories in a workspace that a run made or changed: git would run what their hooks and configuration name.

A person who steps into such a folder, or whose prompt shows the branch, runs git there. What would be executed is
taken away; the repository itself stays. Git takes a folder for a repository by what lies in it and not by its name,
follows a file `.git` to wherever it points, and a file `commondir` to the configuration of another one.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from vtcode_tui.sandbox.inner import git_config, kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 3
_MOST_FOLDERS = 500
"""Looking costs 3 us a folder after every run; what lies deeper is found when the change set is reviewed."""
_SKIP = {"node_modules", "__pycache__", "site-packages", "target", ".venv", "venv"}
_COARSE_NS = 3_000_000_000
"""Where times are coarse or another machine's, so much earlier counts as since."""


class Found:
    """What git might take for a repository: git folders, and files or links `.git`, as relative paths."""

    __slots__ = ("folders", "pointers")

    def __init__(self) -> None:
        self.folders: set[str] = set()
        self.pointers: set[str] = set()


def find(root: int, since_ns: int) -> Found:
    """Look through the folders below `root`; what cannot have changed since then need not be among the found."""
    found = Found()
    queue, seen = [("", 0)], 0
    counted, device = kernel.counts_folders(root), os.fstat(root).st_dev
    while queue and seen < _MOST_FOLDERS:
        path, depth = queue.pop(0)
        seen += 1
        try:
            folder = kernel.open_inside(root, path or ".", _FOLDER)
        except OSError:
            continue
        try:
            with os.scandir(folder) as entries:
                below, telling = [], set[str]()
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.name)
                    elif entry.name.lower() == ".git":
                        found.pointers.add(f"{path}/{entry.name}".lstrip("/"))
                    if entry.name in _TELLING:  # whatever it is: git follows links here
                        telling.add(entry.name)
            prefix = f"{path}/" if path else ""
            if "HEAD" in telling and ("commondir" in telling or {"objects", "refs"} <= telling):
                found.folders.add(path)
            if depth >= _DEPTH:
                continue
            inner = [n for n in below if n not in _SKIP and not (n == "objects" and "HEAD" in telling)]
            if counted and not path.lower().endswith(
                "worktrees"
            ):  # what lies there may be a git folder without folders
                # One without folders that did not change either holds nothing new: it need not be read.
                still = {
                    name for name in inner[: _MOST_FOLDERS - seen] if _is_still(folder, name, device, since_ns)
                }
                seen += len(still)
                inner = [name for name in inner if name not in still]
            queue += [(prefix + name, depth + 1) for name in inner]
        except OSError:
            continue
        finally:
            os.close(folder)
    return found


_TELLING = frozenset({"HEAD", "commondir", "objects", "refs"})


def _is_still(parent: int, name: str, device: int, since_ns: int) -> bool:
    known = os.stat(name, dir_fd=parent, follow_symlinks=False)
    return known.st_nlink == 2 and known.st_dev == device and known.st_ctime_ns < since_ns


class Disarming:
    """Takes away what git would run, in what changed since a run began."""

    def __init__(self, root: int, workspace: str, since_ns: int, take_away: Callable[[int, str], None]) -> None:
        self._root = root
        self._workspace = workspace
        self._since = since_ns if kernel.has_exact_times(root) else since_ns - _COARSE_NS
        self._take_away = take_away
        self.findings: list[dict[str, object]] = []

    def all(self, guarded: Iterable[str]) -> list[dict[str, object]]:
        """Disarm everything but what is guarded byte by byte; what was done, as findings of the guard."""
        found = find(self._root, self._since)
        folders = set(found.folders)
        for path in sorted(found.pointers):
            if path not in guarded:
                folders |= self._attempt(path, self._follow)
        for path in sorted(folders):
            folders |= self._attempt(path, self._follow_common)
        for path in sorted(folders):
            if not any(name.startswith(f"{path}/") for name in guarded):
                self._attempt(path, self._disarm)
        return self.findings

    def _attempt(self, path: str, do: Callable[[str], set[str]]) -> set[str]:
        try:
            return do(path)
        except OSError as error:
            self._tell(
                path, f"a repository that could not be disarmed: {error.strerror}; look at it before git does"
            )
            return set()

    def _tell(self, path: str, what: str) -> None:
        self.findings.append({"path": path or ".", "what": what})

    def _follow(self, path: str) -> set[str]:
        """The git folder to which a file or link `.git` leads; a new one that leads out of the workspace goes.

        One that leads nowhere yet stays: whenever it leads somewhere, that is looked at.
        """
        folder, _, name = path.rpartition("/")
        parent = kernel.open_inside(self._root, folder or ".", _FOLDER)
        try:
            known = os.stat(name, dir_fd=parent, follow_symlinks=False)
            text = ""
            if stat.S_ISLNK(known.st_mode):
                text = os.readlink(name, dir_fd=parent)
            elif stat.S_ISREG(known.st_mode):
                with suppress(PermissionError):  # then nobody's git could read it either
                    text = _after(b"gitdir: ", _read(parent, name))
            if not text:
                return set()  # git takes it for nothing
            target = self._inside(folder, text)
            if target is None and known.st_ctime_ns >= self._since:
                self._take_away(parent, name)
                self._tell(path, "leads git to a folder outside of the workspace; taken away")
        finally:
            os.close(parent)
        return {target} if target else set()

    def _follow_common(self, path: str) -> set[str]:
        """Where a git folder has its configuration, if that is elsewhere."""
        folder = kernel.open_inside(self._root, path or ".", _FOLDER)
        try:
            known = os.stat("commondir", dir_fd=folder, follow_symlinks=False)
            target = None  # git would follow a link here
            if stat.S_ISREG(known.st_mode):
                text = _after(b"", _read(folder, "commondir"))
                target = self._inside(path, text) if text else ""
            if target is None and known.st_ctime_ns >= self._since:
                self._take_away(folder, "commondir")
                self._tell(f"{path}/commondir", "leads git to a folder outside of the workspace; taken away")
        except FileNotFoundError:
            return set()
        finally:
            os.close(folder)
        return {target} if target else set()

    def _inside(self, folder: str, text: str) -> str | None:
        """The relative path of a folder that git would find by `text`; "" where there is none yet.

        None where it is not in the workspace, or reached through a link: then it could be anywhere.
        """
        place = os.path.normpath(os.path.join(self._workspace, folder, text))
        if "\0" in text or not place.startswith(f"{self._workspace}/"):
            return None
        path = place[len(self._workspace) + 1 :]
        try:
            os.close(kernel.open_inside(self._root, path, _FOLDER))
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError:
            return None
        return path

    def _disarm(self, path: str) -> set[str]:
        folder = kernel.open_inside(self._root, path or ".", _FOLDER)
        try:
            armed = [name for name in ("config", "config.worktree") if self._disarm_config(folder, name)]
            if self._has_new_hooks(folder):
                self._take_away(folder, "hooks")
                armed.append("hooks")
        finally:
            os.close(folder)
        if armed:
            self._tell(path, f"a repository whose new {' and '.join(armed)} would run programs; taken away")
        return set()

    def _disarm_config(self, folder: int, name: str) -> bool:
        """Leave only what is harmless of a configuration that changed; whether there was anything else."""
        try:
            known = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if known.st_ctime_ns < self._since:
            return False
        kept, dropped = "", ["what is no file"]
        if stat.S_ISREG(known.st_mode):
            with suppress(PermissionError):  # then nobody's git could read it either
                kept, dropped = git_config.harmless(_read(folder, name))
        if dropped:
            self._take_away(folder, name)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "w") as file:
                file.write(kept)
        return bool(dropped)

    def _has_new_hooks(self, folder: int) -> bool:
        try:
            hooks = os.open("hooks", _FOLDER, dir_fd=folder)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # a link or something stranger in the place of a folder
        try:
            names = [name for name in os.listdir(hooks) if not name.endswith(".sample")]
            changed = os.fstat(hooks).st_ctime_ns >= self._since
            return bool(names) and (changed or any(self._is_new(hooks, name) for name in names))
        finally:
            os.close(hooks)

    def _is_new(self, folder: int, name: str) -> bool:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ctime_ns >= self._since


def _after(word: bytes, content: bytes) -> str:
    """The path in a file that begins with `word`, to the letter as git reads it; "" where it does not."""
    return os.fsdecode(content[len(word) :].rstrip(b"\r\n")) if content.startswith(word) else ""


def _read(folder: int, name: str) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        return file.read((1 << 20) + 1)
