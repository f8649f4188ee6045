"""The path jail: every path is resolved before it is used, and what leads out of the workspace is refused.

Resolution is done name by name on what runs see: where a staging layer lies over the workspace, a link that a run
made there counts, and a file that a run deleted there is gone. Nothing is opened; the worker that acts on the
result never follows a link again (`workspace.beneath`), so that a link made in between changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from vtcode_tui.common.errors import PathEscapeError, WorkspaceError
from vtcode_tui.workspace.executed import CONFIGURED, runs_by_itself
from vtcode_tui.workspace.existing import Existing
from vtcode_tui.workspace.overlay import Merged
from vtcode_tui.workspace.protected import BUILT_IN, NESTED, Patterns, above, concrete, is_git_link, is_own_name

_MAX_LINKS = 40
_MAGIC = ("/proc", "/dev/fd")
"""Below these a link means something else in each process."""


class Workspace:
    """A root folder and the paths in it. `upper` is the session's layer, when one lies over the root."""

    def __init__(
        self,
        root: Path,
        *,
        protect: Sequence[str] = (),
        mask: Sequence[str] = (),
        runs_by_itself: Sequence[str] = (),
        upper: Path | None = None,
        home: Path | None = None,
    ) -> None:
        try:
            self.root = Path(root).resolve(strict=True)
        except OSError as error:
            raise WorkspaceError(f"the workspace {root} cannot be opened: {error.strerror}") from error
        except RuntimeError as error:  # Python 3.11 and 3.12 raise it for a loop of links
            raise WorkspaceError(f"the workspace {root} cannot be opened: its links form a loop") from error
        if not self.root.is_dir():
            raise WorkspaceError(f"the workspace {root} is not a folder")
        self.protected_patterns: tuple[str, ...] = (*BUILT_IN, *protect)
        self.masked_patterns: tuple[str, ...] = tuple(mask)
        self._protected = Patterns(self.protected_patterns)
        self._above_protected = Patterns(above(self.protected_patterns))
        self._masked = Patterns(self.masked_patterns)
        self._run_unasked = Patterns(tuple(runs_by_itself))
        self._protected_now = Existing(self.root, self._protected, NESTED)
        self._masked_now = Existing(self.root, self._masked, 64)
        self._home = home
        self.view = Merged(self.root, upper)

    def resolve(self, path: str | Path, *, cwd: Path | None = None) -> Path:
        """The absolute path inside the workspace that `path` means, with every link followed.

        A relative path starts at `cwd`, or at the root; names that do not exist yet are kept. Raises
        PathEscapeError with one sentence when it leads out, WorkspaceError when it is no path at all.
        """
        text = str(path)
        _usable(text)
        resolved = self._walk(self._absolute(text, cwd), text)
        if resolved != self.root and self.root not in resolved.parents:
            raise PathEscapeError(f"{_shown(text)} leads out of the workspace (to {_shown(str(resolved))})")
        return resolved

    def relative(self, path: Path) -> str:
        """A resolved path as it is named in change sets: below the root, with `/`; the root itself is `.`."""
        return path.relative_to(self.root).as_posix()

    def state(self, path: Path) -> str | None:
        """The SHA-256 of a regular file as runs see it now; None when there is no regular file."""
        found = self.view.lookup(path)
        if found is None or not stat.S_ISREG(found.status.st_mode):
            return None
        try:
            descriptor = os.open(found.real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WorkspaceError(f"{_shown(str(path))} cannot be read: {error.strerror}") from error
        with os.fdopen(descriptor, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def runs_by(self, relative: str) -> str:
        """Who runs or obeys the file at a path below the root unasked; empty when nobody is known to."""
        return runs_by_itself(relative) or (CONFIGURED if self._run_unasked.match(relative) else "")

    def is_protected(self, path: Path) -> bool:
        """Whether changing this asks by name, or is denied: built-in patterns and the configuration's."""
        name, kind = self.relative(path), self._kind(path)
        return (
            self._protected.match(name)
            or is_git_link(name, folder=kind == stat.S_IFDIR)
            or (kind == stat.S_IFLNK and self._above_protected.match(name))
        )

    def is_masked(self, path: Path) -> bool:
        """Whether no run can read this."""
        return self._masked.match(self.relative(path))

    def is_own(self, path: Path) -> bool:
        """Whether this is vtcode's own (trust marker, vtcode.toml, tool-policy.json): no call may change it."""
        return is_own_name(self.relative(path))

    def protected_paths(self) -> tuple[Path, ...]:
        """What the sandbox keeps read-only: the built-in names at the root, existing or not, and nested finds."""
        return concrete(self.root, self.protected_patterns, self._protected_now.paths())

    def masked_paths(self) -> tuple[Path, ...]:
        """Existing files that no run may read."""
        return tuple(map(Path, sorted(self._masked_now.paths())))

    def _kind(self, path: Path) -> int:
        found = self.view.lookup(path)
        return 0 if found is None else stat.S_IFMT(found.status.st_mode)

    def _absolute(self, text: str, cwd: Path | None) -> str:
        if text.startswith("~"):
            first, _, rest = text.partition("/")
            if home := self._home_of(first[1:]):
                return f"{home}/{rest}"
        return text if text.startswith("/") else f"{cwd or self.root}/{text}"

    def _home_of(self, user: str) -> str:
        if not user:
            return str(self._home or Path("~").expanduser())
        try:
            return pwd.getpwnam(user).pw_dir
        except KeyError:
            return ""  # an ordinary name that begins with ~

    def _walk(self, absolute: str, text: str) -> Path:
        pending = deque(absolute.split("/"))
        at, links = Path("/"), 0
        while pending:
            name = pending.popleft()
            if name in {"", "."}:
                continue
            if name == "..":
                at = at.parent
                continue
            step = at / name
            if str(step) in _MAGIC:
                raise PathEscapeError(f"{_shown(text)} leads out of the workspace (through {step})")
            target = self._link(step, text)
            if target is None:
                at = step
                continue
            links += 1
            if links > _MAX_LINKS:
                raise PathEscapeError(f"{_shown(text)} is a loop of links")
            if target.startswith("/"):
                at = Path("/")
            pending.extendleft(reversed(target.split("/")))
        return at

    def _link(self, step: Path, text: str) -> str | None:
        try:
            found = self.view.lookup(step)
            is_link = found is not None and stat.S_ISLNK(found.status.st_mode)
            return str(found.real.readlink()) if found is not None and is_link else None
        except PermissionError as error:
            raise PathEscapeError(f"{_shown(text)} cannot be followed: {step} may not be read") from error
        except OSError as error:
            raise WorkspaceError(f"{_shown(text)} is not a usable path: {error.strerror}") from error


def _usable(text: str) -> None:
    if not text:
        raise WorkspaceError("an empty path names nothing")
    if "\0" in text:
        raise WorkspaceError(f"{_shown(text)} is not a path: it contains a NUL character")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise WorkspaceError(f"{_shown(text)} is not a path: it contains half a character") from error


def _shown(text: str) -> str:
    # Names are hostile: no control, no bidirectional character of one reaches a person as such.
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    return plain if len(plain) <= 300 else f"{plain[:200]}…{plain[-80:]}"
