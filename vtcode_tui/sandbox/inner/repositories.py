"""Repositories in a workspace that a run made: git would run what their hooks and configuration name.

A person who steps into such a folder, or whose prompt shows the branch, runs git there. What would be executed is
taken away; the repository itself stays.
"""

from __future__ import annotations

import os
import re

from vtcode_tui.sandbox.inner import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 3
_MOST_FOLDERS = 500
"""Looking costs 20 us a folder after every run; what lies deeper is found when the change set is reviewed."""
_SKIP = {"node_modules", "objects", "__pycache__", "site-packages", "target", ".venv", "venv"}

_RUNS = re.compile(
    rb"^\s*(fsmonitor|sshcommand|hookspath|pager|editor|askpass|gitproxy|alternaterefscommand|helper|program|"
    rb"textconv|command|clean|smudge|process|driver|external|cmd|path|vcs|uploadpack|receivepack|uploadpackfilter)\s*=|"
    rb"=\s*\"?!",
    re.IGNORECASE | re.MULTILINE,
)
_HARMLESS = re.compile(rb"^\s*fsmonitor\s*=\s*(false|true|0|1)\s*$", re.IGNORECASE | re.MULTILINE)
_SECTIONS = re.compile(rb"^\s*\[\s*include", re.IGNORECASE | re.MULTILINE)


def find(root: int, since_ns: int) -> set[str]:
    """Repositories below `root` that were made after `since_ns`, as relative paths of their git folders."""
    found: set[str] = set()
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
                below = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
            if {"objects", "refs"} <= set(below) and _has(folder, "HEAD"):
                if kernel.born_ns(folder) >= since_ns:
                    found.add(path)
                continue
            if depth >= _DEPTH:
                continue
            inner = [name for name in below if name not in _SKIP]
            if counted:
                # A folder without folders is no repository and has none below: it need not be read.
                hollow = {name for name in inner[: _MOST_FOLDERS - seen] if _has_no_folders(folder, name, device)}
                seen += len(hollow)
                inner = [name for name in inner if name not in hollow]
            prefix = f"{path}/" if path else ""
            queue += [(prefix + name, depth + 1) for name in inner]
        except OSError:
            continue
        finally:
            os.close(folder)
    return found


def _has_no_folders(parent: int, name: str, device: int) -> bool:
    known = os.stat(name, dir_fd=parent, follow_symlinks=False)
    return known.st_nlink == 2 and known.st_dev == device


def disarm(
    root: int, since_ns: int, guarded: Iterable[str], take_away: Callable[[int, str], None]
) -> list[dict[str, object]]:
    """Take away what git would run in repositories that were made since then."""
    findings: list[dict[str, object]] = []
    for path in sorted(find(root, since_ns)):
        if any(name.startswith(f"{path}/") for name in guarded):
            continue  # compared byte by byte already
        try:
            folder = kernel.open_inside(root, path or ".", _FOLDER)
        except OSError:
            continue
        try:
            armed = [name for name in ("config", "config.worktree") if _runs_programs(folder, name)]
            hooks = _hooks(folder)
            if hooks:
                armed.append("hooks")
            for name in armed:
                take_away(folder, name)
            if "config" in armed:
                _plain_config(folder, bare=os.path.basename(path) != ".git")
            text = f"a new repository whose {' and '.join(armed)} would run programs; taken away" if armed else ""
        except OSError as error:
            text = f"a new repository that could not be disarmed: {error.strerror}; look at it before git does"
        finally:
            os.close(folder)
        if text:
            findings.append({"path": path or ".", "what": text})
    return findings


def _has(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def _runs_programs(folder: int, name: str) -> bool:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # a link or something stranger in the place of a configuration
    with os.fdopen(descriptor, "rb") as file:
        text = _HARMLESS.sub(b"", file.read(1 << 20))
    return bool(_RUNS.search(text) or _SECTIONS.search(text))


def _hooks(folder: int) -> list[str]:
    try:
        hooks = os.open("hooks", _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        return []
    except OSError:
        return ["hooks"]
    try:
        return [name for name in os.listdir(hooks) if not name.endswith(".sample")]
    finally:
        os.close(hooks)


def _plain_config(folder: int, *, bare: bool) -> None:
    """A configuration that names nothing to run, so that the repository still opens."""
    text = f"[core]\n\trepositoryformatversion = 0\n\tbare = {str(bare).lower()}\n"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open("config", flags, 0o644, dir_fd=folder), "w") as file:
        file.write(text)
