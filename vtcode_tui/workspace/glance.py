"""A workspace at one glance: every folder's names and stamps as one digest, compared without a worker.

Most commands change nothing. The worker that looks at a workspace writes the digests beside its snapshot; whoever
finds the same ones later knows that nothing changed. Whatever is not surely the same - a name more or less, another
mode, anything that cannot be read, a workspace too large - is for a worker to look at. No rule of what is ignored
is read here, no link is followed, and only folders that were there before are opened. Standard library only.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from vtcode_tui.workspace.snapshot import Remembered, Snapshot, snapshot_in
from vtcode_tui.workspace.stamps import has_settled, stamp_of

MOST = 100_000
"""Paths of a workspace that is compared so: a thread of the main process takes 7 us for each."""
_LARGEST = 2 << 20
"""Bytes of what is known of all folders."""
_MOST_READ = 1 << 20
"""Bytes of files that were too new to have a stamp, all together."""
_NAME = "glance.json"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TYPES = {"file": stat.S_IFREG, "folder": stat.S_IFDIR}

Row: TypeAlias = tuple[Any, ...]


@dataclass(slots=True)
class _Folder:
    """What is known of one folder: the digest of its rows, what does not count in it, and what was too new."""

    rows: list[Row] = field(default_factory=list)
    digest: str = ""
    left_out: dict[str, Any] = field(default_factory=dict)
    young: dict[str, Any] = field(default_factory=dict)
    names: int = 0
    """How many count in it: who finds more looks no further."""


def take_glance(folder: Path, known: Snapshot) -> None:
    """Keep what `Glance` compares with, beside a snapshot that was just written."""
    folders = {"": _Folder()}
    for path, remembered in known.paths.items():
        if remembered.entry.kind == "folder":
            folders[f"{path}/"] = _Folder()
    for path, remembered in known.paths.items():
        at, name = _split(path)
        if at not in folders:
            return
        folders[at].rows.append(_row(name, remembered))
        if remembered.entry.kind == "file" and not remembered.stamp:
            folders[at].young[name] = [remembered.entry.size, remembered.entry.sha256]
    for path, stamp in known.left_out.items():
        at, name = _split(path.rstrip("/"))
        if at in folders:
            folders[at].left_out[name + "/" * path.endswith("/")] = stamp
    if not known.unseen and len(known.paths) <= MOST:
        rows = {at: [_digest(it.rows), it.left_out, it.young, len(it.rows)] for at, it in folders.items()}
        # Not made durable: what is torn or of another snapshot is no glance.
        text = json.dumps({"version": 1, "of": stamp_of(snapshot_in(folder).lstat()), "folders": rows})
        (folder / _NAME).write_text(text)


class Glance:
    """Compares a workspace with the glance in a session's folder."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder
        self._known: Mapping[str, _Folder] = {}
        self._settled: dict[str, tuple[int, ...]] = {}
        """Stamps of what was too new to have one, and was read since."""

    def forget(self) -> None:
        """A worker may take another glance: the next comparison reads it."""
        self._known = {}
        self._settled.clear()

    def is_same(self) -> bool:
        """Whether nothing differs; False also where only a worker can tell. Nothing may change files meanwhile."""
        try:
            if not self._known:
                self._known = self._read()
            look = _Look(self._known, self._settled)
            root = os.open(self._root, _FOLDER)
            try:
                return look.through(root, "") and look.met == len(self._known)
            finally:
                os.close(root)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def _read(self) -> Mapping[str, _Folder]:
        file = self._folder / _NAME
        if file.stat().st_size > _LARGEST:
            return {}
        said = json.loads(file.read_bytes())
        if tuple(said["of"]) != stamp_of(snapshot_in(self._folder).lstat()):
            return {}
        return {at: _Folder([], *row) for at, row in said["folders"].items()}

    def is_left_out(self, path: str) -> bool:
        """Whether a path, or a folder that it lies in, does not count in the glance that was compared last."""
        at = ""
        for name in path.split("/"):
            left_out = self._known[at].left_out if at in self._known else {}
            if name in left_out or f"{name}/" in left_out:
                return True
            at = f"{at}{name}/"
        return False


class _Look:
    """One comparison; `met` counts the folders that are as they were."""

    def __init__(self, known: Mapping[str, _Folder], settled: dict[str, tuple[int, ...]]) -> None:
        self._known, self._settled = known, settled
        self._now = time.time_ns()
        self._left = _MOST_READ
        self.met = 0

    def through(self, folder: int, at: str) -> bool:
        """Whether everything in an open folder is as it was. Raises OSError."""
        known = self._known.get(at)
        if known is None:
            return False
        rows: list[Row] = []
        below: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                name, status = entry.name, entry.stat(follow_symlinks=False)
                mode = status.st_mode
                is_folder = stat.S_ISDIR(mode)
                if known.left_out:
                    stamp = known.left_out.get(f"{name}/" if is_folder else name)
                    if stamp is not None and (not stamp or tuple(stamp) == stamp_of(status)):
                        continue
                if len(rows) == known.names:
                    return False
                if is_folder:
                    rows.append((name, mode))
                    below.append(name)
                elif stat.S_ISLNK(mode):
                    rows.append((name, mode, os.readlink(name, dir_fd=folder)))
                elif name in known.young:
                    if not self._is_as_read(folder, f"{at}{name}", status, *known.young[name]):
                        return False
                    rows.append((name, mode))
                else:
                    rows.append((name, mode, *stamp_of(status)))
        if _digest(rows) != known.digest:
            return False
        self.met += 1
        return all(self._below(folder, name, f"{at}{name}/") for name in below)

    def _is_as_read(self, folder: int, path: str, status: os.stat_result, size: int, digest: str) -> bool:
        stamp = stamp_of(status)
        if self._settled.get(path) == stamp:
            return True
        self._left -= size
        if status.st_size != size or self._left < 0 or not stat.S_ISREG(status.st_mode):
            return False
        with os.fdopen(os.open(_split(path)[1], _FILE, dir_fd=folder), "rb") as file:
            if sha256(file.read(size + 1)).hexdigest() != digest:
                return False
        if has_settled(status.st_ctime_ns, self._now):
            self._settled[path] = stamp
        return True

    def _below(self, folder: int, name: str, at: str) -> bool:
        inner = os.open(name, _FOLDER, dir_fd=folder)
        try:
            return self.through(inner, at)
        finally:
            os.close(inner)


def _row(name: str, known: Remembered) -> Row:
    entry = known.entry
    if entry.kind == "symlink":
        return name, stat.S_IFLNK | 0o777, entry.target
    return name, _TYPES[entry.kind] | entry.mode, *known.stamp


def _digest(rows: list[Row]) -> str:
    return sha256(repr(sorted(rows)).encode("utf-8", "surrogatepass")).hexdigest()


def _split(path: str) -> tuple[str, str]:
    above, slash, name = path.rpartition("/")
    return above + slash, name
