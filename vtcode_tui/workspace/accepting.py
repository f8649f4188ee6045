"""From the chosen changes of a layer to the steps that make them real. Standard library only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from vtcode_tui.common.errors import StaleFileError, WorkspaceError
from vtcode_tui.workspace.beneath import Beneath, Entry
from vtcode_tui.workspace.changes import Choice, FileChange, Rewritten
from vtcode_tui.workspace.choices import check, from_json, written
from vtcode_tui.workspace.plan import Step
from vtcode_tui.workspace.repositories import check_whole, ordered
from vtcode_tui.workspace.scanning import ORDINARY, Pending, Scan

Chosen: TypeAlias = Sequence[tuple[Pending, Choice]]
"""Pending changes, each with what the human chose of it."""


def identity(change: FileChange) -> list[Any]:
    """What makes a change the one that a person saw: everything about it but its texts."""
    return [
        change.op,
        change.kind,
        change.before_sha256,
        change.after_sha256,
        change.before_mode,
        change.after_mode,
        change.renamed_from,
        change.target,
    ]


def chosen(scan: Scan, selected: Iterable[Mapping[str, Any]]) -> list[tuple[Pending, Choice]]:
    """The pending changes that were selected; raises StaleFileError when one is not what the person saw."""
    known = {p.change.path: p for p in scan.pending}
    picked: list[tuple[Pending, Choice]] = []
    stale: list[str] = []
    for row in selected:
        found = known.get(row["path"])
        if found is None or identity(found.change) != row["identity"]:
            stale.append(row["path"])
            continue
        indexes = frozenset(h.index for h in found.change.hunks)
        choice = from_json(row["choice"])
        if isinstance(choice, frozenset) and not choice <= indexes:
            stale.append(row["path"])
        elif choice != frozenset():
            picked.append((found, None if choice == indexes else choice))
    if stale:
        raise StaleFileError(f"{', '.join(stale[:5])}: not what was on the screen any more; look again")
    check_whole(scan.pending, picked)
    return picked


def steps_for(scan: Scan, chosen: Chosen, upper: Path) -> tuple[list[Step], dict[str, bytes]]:
    """What to do to the real workspace, in order, and the contents that stand nowhere else.

    Raises WorkspaceError for a change that is in conflict where the choice does not answer it.
    """
    contents: dict[str, bytes] = {}
    removes: list[Step] = []
    writes: list[Step] = []
    modes: list[Step] = []
    with Beneath(upper) as up:
        for pending, choice in chosen:
            change = pending.change
            check(change, choice)
            if change.op == "rename":
                removes.append(Step("remove", change.renamed_from, before=_moved(pending), moved_to=change.path))
            if isinstance(choice, Rewritten):
                writes.append(_write(pending, choice, up, contents))
                continue
            if change.op == "delete" and change.kind != "folder":
                removes.append(Step("remove", change.path, before=pending.real))
            if change.kind == "folder" and change.op in {"create", "mode"}:
                writes.append(Step("folder", change.path))
                modes.append(Step("folder", change.path, after=pending.touch.now))
            elif pending.touch.now is not None and pending.touch.now.kind == "folder":
                writes.append(Step("folder", change.path))  # it takes the place of the file that is removed
                modes.append(Step("folder", change.path, after=pending.touch.now))
            elif change.op not in {"delete"}:
                writes.append(_write(pending, choice, up, contents))
        folders = list(_folders(scan, [step.path for step in writes], {p.change.path for p, _ in chosen}))
        modes += [Step("folder", path, after=entry) for path, entry in folders]
        made = [Step("folder", path) for path, _ in folders]
    emptied = [Step("tidy", path) for path in _emptied(scan, chosen)]
    deepest = sorted(modes, key=lambda step: -step.path.count("/"))
    before, written_in_order, after, left_empty = ordered(removes, emptied, writes)
    # Bits come last: nothing can be removed from a folder once they say that nothing is written there.
    return [*before, *made, *written_in_order, *after, *left_empty, *deepest], contents


def _moved(pending: Pending) -> Entry:
    change = pending.change
    return Entry("file", change.before_mode or 0, change.before_sha256 or "")


def _write(pending: Pending, choice: Choice, up: Beneath, contents: dict[str, bytes]) -> Step:
    change, now = pending.change, pending.touch.now
    # A folder that gives way to a file is empty by then: what was in it is deleted by changes of its own.
    before = None if pending.real is not None and pending.real.kind == "folder" else pending.real
    made = written(change, choice, pending.ground)
    if made is not None:
        mode = (change.after_mode if made.rest is not None else None) or change.before_mode or change.after_mode
        after = _kept(made.text, 0o644 if mode is None else mode, contents)
        rest = "" if made.rest is None else _kept(made.rest, 0, contents).sha256
        return Step("file", change.path, before, after, "bytes", rest=rest)
    if now is None:
        raise WorkspaceError(f"{change.path} is gone from the layer")
    if now.kind == "symlink":
        return Step("link", change.path, before, now)
    mode = change.after_mode if change.after_mode is not None else now.mode
    if pending.merged is not None:
        return Step("file", change.path, before, _kept(pending.merged, mode, contents), "bytes")
    if change.op == "mode" and before is not None:
        return Step("chmod", change.path, before, Entry("file", mode, before.sha256, size=before.size))
    after = Entry("file", mode, now.sha256, size=now.size)
    return Step("file", change.path, before, after, "upper", up.mtime_ns(change.path))


def _kept(text: bytes, mode: int, contents: dict[str, bytes]) -> Entry:
    digest = sha256(text).hexdigest()
    contents[digest] = text
    return Entry("file", mode, digest, size=len(text))


def _folders(scan: Scan, paths: Sequence[str], shown: Collection[str]) -> Iterator[tuple[str, Entry]]:
    """New folders that the written paths lie in, outermost first, with their permission bits in the layer.

    Bits that a change of their own shows are given to folders whose change was chosen (`shown`).
    """
    needed = {"/".join(parts[:n]) for path in paths for parts in [path.split("/")] for n in range(1, len(parts))}
    for touch, real in scan.folders:
        is_new = touch.now is not None and touch.now.kind == "folder" and (real is None or real.kind != "folder")
        if is_new and touch.now is not None and touch.path in needed:
            mode = touch.now.mode if touch.path in shown else touch.now.mode & ORDINARY
            yield touch.path, replace(touch.now, mode=mode)


def _emptied(scan: Scan, chosen: Chosen) -> Iterator[str]:
    """Folders that are gone in the layer and may be empty once the chosen files are, innermost first."""
    gone = [
        touch.path
        for touch, real in scan.folders
        if real is not None and real.kind == "folder" and not _stays(touch.now)
    ]
    left = {p.change.renamed_from or p.change.path for p, _ in chosen if p.change.op in {"delete", "rename"}}
    above = {name[:at] for name in left for at, sign in enumerate(name) if sign == "/"}
    replaced = {p.change.path for p, _ in chosen if p.real is not None and p.real.kind == "folder"}
    for path in sorted(gone, key=lambda path: -path.count("/")):
        if path in left or path in replaced or path in above:
            yield path


def _stays(entry: Entry | None) -> bool:
    return entry is not None and entry.kind == "folder"
