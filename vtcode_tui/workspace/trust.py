"""Trust: a human's explicit word that tools may run in a folder, recorded outside of it.

A folder is trusted when three things agree: the marker `.vt-workspace-trust` in it, the record below `Home.trust`,
and the folder itself. The marker holds a random number that only the record knows, so a marker that was copied,
or that came with a repository, grants nothing. The record names path, device and inode of the root, and the hashes
of the files in it that would influence vtcode; when one of those changes, the human is asked again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.common.files import sha256_of, write_atomically
from vtcode_tui.common.home import Home
from vtcode_tui.workspace.protected import TRUST_MARKER

INFLUENCES = ("vtcode.toml", "tool-policy.json", "AGENTS.md", "AGENTS.override.md", "CLAUDE.md", ".mcp.json")
"""Names, at any depth that is looked at, whose content influences what vtcode does in a workspace."""

Status: TypeAlias = Literal["untrusted", "trusted", "changed"]

_MARKER_TEXT = """\
vtcode-trust {token}
# The owner of this machine lets vtcode run tools in this folder. Copying this file grants nothing elsewhere;
# removing it, or `vtcode trust revoke`, takes the trust back. There is no need to commit it.
"""
_MAX_INFLUENCE = 4 << 20
_DEPTH = 4
_SKIP = frozenset({".git", "node_modules", ".venv", "venv", "__pycache__", "target", "dist", "build", "vendor"})


@dataclass(frozen=True, slots=True)
class Influence:
    """A file of the workspace that would influence vtcode, and what became of it since the grant."""

    path: str
    sha256: str
    since: Literal["same", "new", "changed", "gone"] = "new"


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether tools may run here, why not in one sentence, and the files that would have a say."""

    status: Status
    root: Path
    reason: str = ""
    influences: tuple[Influence, ...] = ()
    granted_at: str = ""

    @property
    def trusted(self) -> bool:
        """Whether tools may run."""
        return self.status == "trusted"


@dataclass(frozen=True, slots=True)
class _Record:
    path: str
    device: int
    inode: int
    token: str
    granted_at: str
    influences: Mapping[str, str] = field(default_factory=dict)


def trust_of(root: Path, home: Home) -> Trust:
    """The trust in a folder as it stands; reads only."""
    root = _folder(root)
    try:
        keep_apart(root, home)
    except WorkspaceError as error:
        return Trust("untrusted", root, str(error))  # not looked through: it may be the whole machine
    now = influences_of(root)
    fresh = _fresh(now)
    record = _read_record(_record_file(root, home))
    if record is None:
        held = "" if _token(root) is None else f"; its {TRUST_MARKER} was not written by you on this machine"
        return Trust("untrusted", root, f"nobody has trusted {root} yet{held}", fresh)
    status = root.stat()
    if (record.path, record.device, record.inode) != (str(root), status.st_dev, status.st_ino):
        return Trust("untrusted", root, f"{root} is not the folder that was trusted on {record.granted_at}", fresh)
    token = _token(root)
    if token is None:
        return Trust("untrusted", root, f"the marker {TRUST_MARKER} is gone from {root}", fresh)
    if not secrets.compare_digest(token.encode(), record.token.encode()):
        return Trust(
            "untrusted", root, f"the marker {TRUST_MARKER} in {root} is not the one that was written", fresh
        )
    compared = tuple(_compared(record.influences, now))
    moved = [i.path for i in compared if i.since != "same"]
    if moved:
        reason = f"{', '.join(moved[:5])}{' and more' if len(moved) > 5 else ''} changed since {record.granted_at}"
        return Trust("changed", root, reason, compared, record.granted_at)
    return Trust("trusted", root, "", compared, record.granted_at)


def keep_apart(root: Path, home: Home) -> None:
    """Raise WorkspaceError for a folder that holds vtcode's own state, such as the home folder or /."""
    if home.state == root or root in home.state.parents:
        raise WorkspaceError(f"{root} holds vtcode's own state ({home.state}) and cannot be a workspace")


def grant_trust(root: Path, home: Home, *, now: str, shown: tuple[Influence, ...] | None = None) -> Trust:
    """Record that a human trusts this folder as it is, and write the marker.

    `shown` are the influences that the human saw; when they are not what is there now, nothing is granted.
    Raises WorkspaceError when the record or the marker cannot be written.
    """
    root = _folder(root)
    keep_apart(root, home)
    found = influences_of(root)
    if shown is not None and {i.path: i.sha256 for i in shown if i.since != "gone"} != found:
        raise WorkspaceError(f"the files that influence {root} changed while you were reading: look again")
    status = root.stat()
    token = secrets.token_hex(16)
    record = _Record(str(root), status.st_dev, status.st_ino, token, now, found)
    rows = {
        name: getattr(record, name) for name in ("path", "device", "inode", "token", "granted_at", "influences")
    }
    try:
        write_atomically(_record_file(root, home), json.dumps({"version": 1, **rows}, indent=1))
        # Written to a new file that replaces whatever stands there: a planted link is not followed.
        write_atomically(root / TRUST_MARKER, _MARKER_TEXT.format(token=token), mode=0o644)
    except OSError as error:
        raise WorkspaceError(
            f"the trust in {root} cannot be recorded: {error.strerror} ({error.filename})"
        ) from error
    return trust_of(root, home)


def revoke_trust(root: Path, home: Home) -> bool:
    """Take the trust back: remove record and marker. False when there was no record."""
    root = _folder(root)
    file = _record_file(root, home)
    held = file.exists()
    try:
        file.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            (root / TRUST_MARKER).unlink()
    except OSError as error:
        raise WorkspaceError(f"the trust in {root} cannot be taken back: {error.strerror}") from error
    return held


def influencing(root: Path) -> tuple[Influence, ...]:
    """The files of a folder that would have a say in it, as they are now: what a human is shown, and trusts."""
    return _fresh(influences_of(root))


def _fresh(found: dict[str, str]) -> tuple[Influence, ...]:
    return tuple(Influence(path, digest) for path, digest in sorted(found.items()))


def influences_of(root: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of every file in the workspace that would influence vtcode."""
    return {path: _digest(root / path) for path in _names(str(root), "", _DEPTH)}


def _names(folder: str, prefix: str, depth: int) -> list[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    found: list[str] = []
    for entry in entries:
        if entry.name in INFLUENCES and not entry.is_dir(follow_symlinks=False):
            found.append(f"{prefix}{entry.name}")
        elif depth and entry.is_dir(follow_symlinks=False) and entry.name not in _SKIP:
            found.extend(_names(entry.path, f"{prefix}{entry.name}/", depth - 1))
    return found


def _digest(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # A link or an unreadable file: bound to what can be known of it, never to what it points at.
        target = str(path.readlink()) if path.is_symlink() else "unreadable"
        return sha256_of(b"link\0" + os.fsencode(target))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return sha256_of(b"special")
        if status.st_size > _MAX_INFLUENCE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        return sha256_of(file.read())


def _compared(then: Mapping[str, str], now: Mapping[str, str]) -> list[Influence]:
    rows = []
    for path in sorted({*then, *now}):
        if path not in now:
            rows.append(Influence(path, then[path], "gone"))
        elif path not in then:
            rows.append(Influence(path, now[path], "new"))
        else:
            rows.append(Influence(path, now[path], "same" if then[path] == now[path] else "changed"))
    return rows


def _folder(root: Path) -> Path:
    try:
        resolved = Path(root).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise WorkspaceError(f"{root} cannot be opened as a workspace") from error
    if not resolved.is_dir():
        raise WorkspaceError(f"{root} is not a folder")
    return resolved


def _record_file(root: Path, home: Home) -> Path:
    return home.trust / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:40]}.json"


def _read_record(file: Path) -> _Record | None:
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
        if data["version"] != 1:
            return None
        influences = {str(k): str(v) for k, v in data["influences"].items()}
        return _Record(
            str(data["path"]),
            int(data["device"]),
            int(data["inode"]),
            str(data["token"]),
            str(data["granted_at"]),
            influences,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # no record, or a damaged one: no trust


def _token(root: Path) -> str | None:
    try:
        descriptor = os.open(root / TRUST_MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        first = file.read(200).decode("utf-8", "replace").split("\n", 1)[0]
    name, _, token = first.partition(" ")
    return token.strip() if name == "vtcode-trust" else None
