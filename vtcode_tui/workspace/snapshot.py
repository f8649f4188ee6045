"""Where no layer can be had: what the workspace was before a run, what the run changed, and the way back.

Standard library only; workers, run as `Invoke("vtcode_tui.workspace.snapshot", NAME, JSON)` with `root` and
`folder` (a folder of the session, outside the workspace):

    take      root, folder              remember the workspace as it is; needs: read root, write folder
    compare   root, folder              {"changes"} since then; needs: read root and folder
    rollback  root, folder, selected    bring the selected paths back; needs: write root, read folder

Ignored build products are left out, as in a layer. Contents are kept by hash, so that the second snapshot costs the
look at each file's status and the changed files only. What is too large to keep is compared all the same, and its
change says that it cannot be taken back.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from vtcode_tui.common.errors import StaleFileError, VtcodeError, WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.accepting import identity
from vtcode_tui.workspace.bases import from_json, same, to_json
from vtcode_tui.workspace.beneath import TEMPORARY, Beneath, Entry
from vtcode_tui.workspace.changes import ChangeSet, FileChange
from vtcode_tui.workspace.describe import MAX_TEXT
from vtcode_tui.workspace.ignore import Ignore
from vtcode_tui.workspace.scanning import change_between
from vtcode_tui.workspace.wire import encode

Arguments: TypeAlias = Mapping[str, Any]
_LARGEST = 8 << 20
_BUDGET = 512 << 20
_LEFT_OUT = frozenset({".git/objects", ".git/lfs"})
NOT_KEPT = "its former content is too large to have been kept: this cannot be taken back"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A path as it was: its state, and by what a look at its status shows that it still is so."""

    entry: Entry
    stamp: tuple[int, ...] = ()


def take(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Remember the workspace as it is now: `{"files", "not_kept"}`."""

    def work(root: Path, folder: Path) -> dict[str, Any]:
        before = _read(folder)
        now = dict(_walk(root, before))
        not_kept, left = 0, _BUDGET
        wanted = {r.entry.sha256 for r in now.values() if r.entry.kind == "file"}
        with Beneath(root) as tree:
            for path, remembered in now.items():
                entry = remembered.entry
                if entry.kind != "file" or (folder / "blobs" / entry.sha256).exists():
                    continue
                if entry.size > min(_LARGEST, left):
                    not_kept += 1
                    continue
                write_atomically(folder / "blobs" / entry.sha256, tree.read(path))
                left -= entry.size
        rows = {path: [to_json(r.entry), list(r.stamp)] for path, r in now.items()}
        write_atomically(folder / "manifest.json", json.dumps({"version": 1, "paths": rows}))
        for blob in os.scandir(folder / "blobs") if (folder / "blobs").is_dir() else ():
            if blob.name not in wanted:
                Path(blob.path).unlink(missing_ok=True)
        return {"files": len(now), "not_kept": not_kept}

    return _answer(work, arguments)


def compare(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """What changed since the snapshot was taken: `{"changes"}`."""
    return _answer(lambda root, folder: {"changes": encode(_changes(root, folder))}, arguments)


def rollback(arguments: Arguments, out: BinaryIO) -> dict[str, Any]:
    """Bring back the selected paths, `[{path, identity}]`: `{"done", "failed"}`; nothing when one moved on."""

    def work(root: Path, folder: Path) -> dict[str, Any]:
        before = _read(folder)
        changes = {change.path: change for change in _changes(root, folder).files}
        wanted = {row["path"]: row["identity"] for row in arguments["selected"]}
        stale = [p for p, shown in wanted.items() if p not in changes or identity(changes[p]) != shown]
        if stale:
            raise StaleFileError(f"{', '.join(stale[:5])}: not what was on the screen any more; look again")
        done: list[str] = []
        failed: dict[str, str] = {}
        with Beneath(root) as tree:
            # What came goes first, the deepest first; then what went comes back, the outermost first.
            order = sorted(wanted, key=lambda p: (p in before, p.count("/") * (1 if p in before else -1)))
            for path in order:
                try:
                    _bring_back(tree, path, before, folder)
                    done.append(path)
                except (OSError, WorkspaceError) as error:
                    failed[path] = str(error)
        return {"done": done, "failed": failed}

    return _answer(work, arguments)


def _bring_back(tree: Beneath, path: str, before: Mapping[str, Remembered], folder: Path) -> None:
    was, now = before.get(path), tree.entry(path)
    if was is None:
        if now is not None:
            tree.remove(path)
            _prune(tree, path, before)
        return
    entry = was.entry
    if now is not None and now.kind != entry.kind:
        tree.remove(path)
    match entry.kind:
        case "folder":
            tree.folder(path, mode=entry.mode)
        case "symlink":
            tree.link(path, entry.target)
        case "file":
            if now is not None and now.kind == "file" and now.sha256 == entry.sha256:
                tree.chmod(path, entry.mode)
                return
            try:
                content = (folder / "blobs" / entry.sha256).read_bytes()
            except FileNotFoundError as error:
                raise WorkspaceError(NOT_KEPT) from error
            tree.write(path, content, mode=entry.mode)


def _prune(tree: Beneath, path: str, before: Mapping[str, Remembered]) -> None:
    """Remove the folders that were made for the file and are empty now."""
    parts = path.split("/")[:-1]
    with contextlib.suppress(OSError):
        while parts and "/".join(parts) not in before:
            tree.remove("/".join(parts))
            parts.pop()


def _changes(root: Path, folder: Path) -> ChangeSet:
    before = _read(folder)
    now = dict(_walk(root, before))
    rows: list[FileChange] = []
    with Beneath(root) as tree:
        for path in sorted({*before, *now}):
            was = before[path].entry if path in before else None
            entry = now[path].entry if path in now else None
            if same(was, entry) or _implied(path, was, entry, now, before):
                continue
            if "folder" in {was and was.kind, entry and entry.kind} and (was is None or entry is None):
                op: Any = "create" if was is None else "delete"
                mode = (entry or was or Entry("folder", 0)).mode
                rows.append(
                    FileChange(
                        path, op, "folder", before_mode=mode if was else None, after_mode=mode if entry else None
                    )
                )
                continue
            kept = was is None or was.kind != "file" or (folder / "blobs" / was.sha256).exists()
            old = (folder / "blobs" / was.sha256).read_bytes() if was and was.kind == "file" and kept else None
            new = tree.read(path) if entry and entry.kind == "file" and entry.size <= MAX_TEXT else None
            change = change_between(path, was, entry, old if old is None or len(old) <= MAX_TEXT else None, new)
            rows.append(change if kept else replace(change, conflict=NOT_KEPT))
    return ChangeSet(tuple(rows))


def _implied(
    path: str,
    was: Entry | None,
    entry: Entry | None,
    now: Mapping[str, Remembered],
    before: Mapping[str, Remembered],
) -> bool:
    """A folder that came or went with files in it is not a change of its own."""
    gone = was is not None and was.kind == "folder" and entry is None
    came = entry is not None and entry.kind == "folder" and was is None
    within = before if gone else now if came else {}
    return any(other.startswith(f"{path}/") and r.entry.kind != "folder" for other, r in within.items())


def _read(folder: Path) -> dict[str, Remembered]:
    try:
        data = json.loads((folder / "manifest.json").read_bytes())
        rows = {path: (from_json(entry), tuple(stamp)) for path, (entry, stamp) in data["paths"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"the snapshot in {folder} is damaged: take a new one") from error
    return {path: Remembered(entry, stamp) for path, (entry, stamp) in rows.items() if entry is not None}


def _walk(root: Path, before: Mapping[str, Remembered]) -> Iterator[tuple[str, Remembered]]:
    ignore = Ignore(lambda path: _content(root, path))
    pending = [""]
    while pending:
        at = pending.pop()
        try:
            with os.scandir(f"{root}/{at}" if at else root) as entries:
                rows = sorted(entries, key=lambda row: row.name)
        except OSError:
            continue
        for row in rows:
            path = f"{at}/{row.name}" if at else row.name
            is_folder = row.is_dir(follow_symlinks=False)
            own = path == ".git" or path.startswith(".git/")
            if (
                path in _LEFT_OUT
                or row.name.startswith(TEMPORARY)
                or (not own and ignore.says(path, folder=is_folder))
            ):
                continue
            if is_folder:
                pending.append(path)
            if (found := _look(row, before.get(path))) is not None:
                yield path, found


def _look(row: os.DirEntry[str], known: Remembered | None) -> Remembered | None:
    status = row.stat(follow_symlinks=False)
    mode = status.st_mode & 0o7777
    if row.is_symlink():
        return Remembered(Entry("symlink", 0o777, target=str(Path(row.path).readlink())))
    if row.is_dir(follow_symlinks=False):
        return Remembered(Entry("folder", mode))
    if not row.is_file(follow_symlinks=False):
        return None
    stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    if known is not None and known.stamp == stamp and known.entry.mode == mode:
        return known
    try:
        descriptor = os.open(row.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return Remembered(Entry("file", mode, file_digest(file, "sha256").hexdigest(), size=status.st_size), stamp)


def _content(root: Path, path: str) -> bytes | None:
    try:
        with Beneath(root) as tree:
            return tree.read(path)
    except (OSError, WorkspaceError):
        return None


def _answer(work: Callable[[Path, Path], dict[str, Any]], arguments: Arguments) -> dict[str, Any]:
    try:
        return work(Path(arguments["root"]), Path(arguments["folder"]))
    except StaleFileError as error:
        return {"error": str(error), "stale": True}
    except VtcodeError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": f"the snapshot failed: {error.strerror} ({error.filename})"}
