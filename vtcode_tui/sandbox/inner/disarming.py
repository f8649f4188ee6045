"""Takes away what git would run of the repositories that a run made, changed or brought to where git finds them.

A person who steps into such a folder, or whose prompt shows the branch, runs git there. What would be executed is
taken away; the repository itself stays. Git follows a file `.git` to wherever it points, and a file `commondir` to
the configuration of another repository.

What is new is told by what was there before, and not by times alone: a repository that one run prepares where
nobody looks (too deep, unfinished, closed) is only moved by the next, which leaves its files as old as they are.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress

from vtcode_tui.sandbox.inner import git_config, kernel
from vtcode_tui.sandbox.inner.repositories import COARSE_NS, FOLDER, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from vtcode_tui.sandbox.inner.repositories import Found


class Disarming:
    """The repositories of a workspace before a run, and what is done about those that are there after it."""

    def __init__(
        self, root: int, workspace: str, guarded: Collection[str], take_away: Callable[[int, str], None]
    ) -> None:
        """`guarded`: relative paths that are compared byte by byte, and therefore left alone here."""
        self._root = root
        self._workspace = workspace
        self._guarded = guarded
        self._take_away = take_away
        self._since = 0
        self._folders: set[tuple[int, int]] = set()
        self._names: set[tuple[str, int, int]] = set()
        """Files that lead git elsewhere, with their places: what they mean depends on where they are."""
        self._mounted = False
        self.findings: list[dict[str, object]] = []

    def remember(self, found: Found | None, earlier: Callable[[], Found | None]) -> None:
        """Take note of what is there. `found`: what `find` would find, where that is known already.

        `earlier`: what was found by a look before this run, however long ago.
        """
        self._earlier = earlier
        if found is None:
            looked = found = find(self._root, earlier=earlier())
            self._earlier = lambda: looked
        folders = set(found.folders)
        for path in found.pointers:
            folders |= self._learn(path, self._pointed)
        for path in sorted(folders):
            folders |= self._learn(path, self._common)
        for path in folders:
            with suppress(OSError), self._opened(path) as folder:
                self._folders.add(_identity(os.fstat(folder)))

    def _learn(self, path: str, read: Callable[[str], tuple[str, os.stat_result, str | None]]) -> set[str]:
        try:
            name, known, target = read(path)
        except OSError:
            return set()
        self._names.add((name, *_identity(known)))
        return {target} if target else set()

    def all(self, since_ns: int, found: Found | None, *, mounted: bool) -> list[dict[str, object]]:
        """Disarm everything that came or changed; what was done, as findings of the guard.

        `mounted`: the machine's mounts have changed, so that something of another file system may have come.
        """
        self._since = since_ns if kernel.has_exact_times(self._root) else since_ns - COARSE_NS
        self._mounted = mounted
        if found is None:
            earlier = self._earlier()
            found = find(self._root, earlier=earlier)
            while self._open_again(found.closed):
                found = find(self._root, earlier=earlier)
        folders = set(found.folders)
        for path in sorted(found.pointers):
            if path not in self._guarded:
                folders |= self._attempt(path, self._follow)
        for path in sorted(folders):
            folders |= self._attempt(path, self._follow_common)
        for path in sorted(folders):
            if not any(name.startswith(f"{path}/") for name in self._guarded):
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

    def _open_again(self, closed: list[str]) -> bool:
        """Open the folders of ours that the run closed, so that they can be looked into; whether any was."""
        opened = False
        for path in closed:
            above, _, name = path.rpartition("/")
            with suppress(OSError), self._opened(above) as parent:
                known = os.stat(name, dir_fd=parent, follow_symlinks=False)
                ours = known.st_uid == os.geteuid() and known.st_mode & 0o700 != 0o700
                if ours and self._is_since(known):
                    kernel.open_up(parent, name)
                    self._tell(path, "was closed; opened again")
                    opened = True
        return opened

    def _is_since(self, known: os.stat_result) -> bool:
        return known.st_ctime_ns >= self._since

    def _was_mounted(self, folder: int) -> bool:
        """Whether a folder may have come by a mount, which is a person's doing: no run can make one that we see."""
        return self._mounted and kernel.mount_of(folder) != kernel.mount_of(self._root)

    def _leads_anew(self, folder: int, path: str, known: os.stat_result) -> bool:
        """Whether a file in an open folder that leads git elsewhere came, moved or changed since the run began."""
        was_there = (path, *_identity(known)) in self._names or self._was_mounted(folder)
        return self._is_since(known) or not was_there

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        folder = kernel.open_inside(self._root, path or ".", FOLDER)
        try:
            yield folder
        finally:
            os.close(folder)

    def _pointed(self, path: str) -> tuple[str, os.stat_result, str | None]:
        """A file or link `.git`, and where it leads (see `_inside`; "" also where git takes it for nothing)."""
        above, _, name = path.rpartition("/")
        with self._opened(above) as parent:
            known = os.stat(name, dir_fd=parent, follow_symlinks=False)
            text = ""
            if stat.S_ISLNK(known.st_mode):
                text = os.readlink(name, dir_fd=parent)
            elif stat.S_ISREG(known.st_mode):
                with suppress(PermissionError):  # then nobody's git could read it either
                    text = _after(b"gitdir: ", _read(parent, name))
        return path, known, self._inside(above, text) if text else ""

    def _common(self, path: str) -> tuple[str, os.stat_result, str | None]:
        """A git folder's file `commondir`, and where it leads (see `_inside`)."""
        with self._opened(path) as folder:
            known = os.stat("commondir", dir_fd=folder, follow_symlinks=False)
            target = None  # git would follow a link here
            if stat.S_ISREG(known.st_mode):
                text = _after(b"", _read(folder, "commondir"))
                target = self._inside(path, text) if text else ""
        return f"{path}/commondir", known, target

    def _follow(self, path: str) -> set[str]:
        """The git folder to which a file or link `.git` leads; a new one that leads out of the workspace goes.

        One that leads nowhere yet stays: whenever it leads somewhere, that is looked at.
        """
        return self._lead(*self._pointed(path))

    def _follow_common(self, path: str) -> set[str]:
        """Where a git folder has its configuration, if that is elsewhere."""
        try:
            return self._lead(*self._common(path))
        except FileNotFoundError:
            return set()

    def _lead(self, path: str, known: os.stat_result, target: str | None) -> set[str]:
        if target is None:
            above, _, name = path.rpartition("/")
            with self._opened(above) as parent:
                if self._leads_anew(parent, path, known):
                    self._take_away(parent, name)
                    self._tell(path, "leads git to a folder outside of the workspace; taken away")
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
            os.close(kernel.open_inside(self._root, path, FOLDER))
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError:
            return None
        return path

    def _disarm(self, path: str) -> set[str]:
        with self._opened(path) as folder:
            # Of one that git did not find before everything is new, whatever its times say.
            was_there = _identity(os.fstat(folder)) in self._folders or self._was_mounted(folder)
            since = self._since if was_there else 0
            armed = [name for name in ("config", "config.worktree") if self._disarm_config(folder, name, since)]
            if self._has_new_hooks(folder, since):
                self._take_away(folder, "hooks")
                armed.append("hooks")
        if armed:
            self._tell(path, f"a repository whose new {' and '.join(armed)} would run programs; taken away")
        return set()

    def _disarm_config(self, folder: int, name: str, since: int) -> bool:
        """Leave only what is harmless of a configuration that changed; whether there was anything else."""
        try:
            known = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if known.st_ctime_ns < since:
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

    def _has_new_hooks(self, folder: int, since: int) -> bool:
        try:
            hooks = os.open("hooks", FOLDER, dir_fd=folder)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # a link or something stranger in the place of a folder
        try:
            names = [name for name in os.listdir(hooks) if not name.endswith(".sample")]
            changed = os.fstat(hooks).st_ctime_ns >= since
            return bool(names) and (changed or any(_ctime(hooks, name) >= since for name in names))
        finally:
            os.close(hooks)


def _identity(known: os.stat_result) -> tuple[int, int]:
    return known.st_dev, known.st_ino


def _ctime(folder: int, name: str) -> int:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ctime_ns


def _after(word: bytes, content: bytes) -> str:
    """The path in a file that begins with `word`, to the letter as git reads it; "" where it does not."""
    return os.fsdecode(content[len(word) :].rstrip(b"\r\n")) if content.startswith(word) else ""


def _read(folder: int, name: str) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        return file.read((1 << 20) + 1)
