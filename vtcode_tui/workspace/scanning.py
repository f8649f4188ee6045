"""From a layer to its change set: each touched path compared with the real file and with what it was made on.

Standard library only; runs in a worker. Three states decide: `base` (the real file when the change was first
seen), `real` (the file now) and `now` (what runs see). Nothing is to be accepted when `now` is `real` or `base`;
the change is from `real` to `now` when `real` is still `base`; otherwise both moved on, and texts are merged or the
change is a conflict.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.bases import Bases, same
from vtcode_tui.workspace.beneath import Beneath, Entry
from vtcode_tui.workspace.changes import ChangeSet, Clash, FileChange
from vtcode_tui.workspace.describe import MAX_TEXT, change_of
from vtcode_tui.workspace.gitindex import entries_of
from vtcode_tui.workspace.lines import is_binary
from vtcode_tui.workspace.merging import merge, pieces
from vtcode_tui.workspace.touched import Touch, Upper

_BUDGET = 24 << 20
"""Bytes of texts that one change set carries; files beyond are shown without hunks."""
_INDEX = ".git/index"
ORDINARY = 0o755
"""What a new folder may have that comes with the files in it."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A touched path that differs: the change as shown, and the content that accepting it whole would write."""

    change: FileChange
    touch: Touch
    real: Entry | None
    merged: bytes | None = None
    ground: bytes = b""
    """What a text in conflict was made on."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A layer as it stands."""

    pending: tuple[Pending, ...]
    changes: ChangeSet
    ignored: tuple[str, ...]
    special: tuple[str, ...]
    idle: tuple[tuple[Touch, Entry | None], ...]
    """Touched paths where nothing is to be accepted, with the real state."""
    folders: tuple[tuple[Touch, Entry | None], ...] = ()
    """Every touched path that is a folder in the layer or in the workspace, outermost first."""
    differing: tuple[tuple[Touch, Entry | None], ...] = ()
    """Every touched path that a run sees otherwise than it is in the workspace, with the real state."""


def scan_layer(lower: Path, upper: Path, bases: Bases, *, with_ignored: bool = False) -> Scan:
    """The change set of a layer; notes in `bases` what is seen for the first time."""
    walker = Upper(lower, upper, with_ignored=with_ignored)
    pending: list[Pending] = []
    idle: list[tuple[Touch, Entry | None]] = []
    folders: list[tuple[Touch, Entry | None]] = []
    differing: list[tuple[Touch, Entry | None]] = []
    seen: set[str] = set()
    left = _BUDGET
    with Beneath(lower) as low, Beneath(upper) as up:
        known = frozenset(bases)
        for touch in walker.walk(low, up):
            seen.add(touch.path)
            real = _entry(low, touch.path)
            if "folder" in {touch.now and touch.now.kind, real and real.kind}:
                folders.append((touch, real))
            _note_base(bases, known, touch, real, low)
            found = _compare(touch, real, bases, low, up, left)
            if found is None:
                idle.append((touch, real))
            else:
                pending.append(found)
                differing.append((touch, real))
                left -= len(found.change.old_text) + len(found.change.new_text)
    _forget(bases, seen, walker.ignored)
    rows = _with_renames(_without_implied_folders(pending))
    changes = ChangeSet(tuple(sorted((p.change for p in rows), key=lambda change: change.path)))
    return Scan(
        tuple(rows),
        changes,
        tuple(walker.ignored),
        tuple(walker.special),
        tuple(idle),
        tuple(folders),
        tuple(differing),
    )


def _entry(tree: Beneath, path: str) -> Entry | None:
    try:
        return tree.entry(path)
    except WorkspaceError:
        return None  # a device or the like: nothing that a change could be made on


def _note_base(bases: Bases, known: frozenset[str], touch: Touch, real: Entry | None, low: Beneath) -> None:
    if touch.path in known:
        return
    parent = touch.path.rpartition("/")[0]
    if not touch.own and parent in known:
        # The folder was gone already when it was last looked at: a person has made this since.
        bases.put(touch.path, None)
        return
    text = low.read(touch.path) if real is not None and real.kind == "file" and real.size <= MAX_TEXT else None
    bases.put(touch.path, real, text)


def _forget(bases: Bases, seen: set[str], ignored: list[str]) -> None:
    skipped = frozenset(ignored)
    for path in bases:
        if path not in seen and path not in skipped and skipped.isdisjoint(_above(path)):
            bases.forget(path)


def _above(path: str) -> list[str]:
    return [path[:at] for at, sign in enumerate(path) if sign == "/"]


def _compare(
    touch: Touch, real: Entry | None, bases: Bases, low: Beneath, up: Beneath, left: int
) -> Pending | None:
    now, base = touch.now, bases.get(touch.path)
    if same(real, now) or same(base, now):
        return None
    if now is not None and now.kind == "folder":
        return _folder(touch, real, now)
    if now is None and real is not None and real.kind == "folder":
        return Pending(FileChange(touch.path, "delete", "folder", before_mode=real.mode), touch, real)
    real, old = _with_text(touch.path, real, low, left)
    now, new = _with_text(touch.path, now, up, left)
    touch = replace(touch, now=now)
    if (
        touch.path == _INDEX
        and old is not None
        and new is not None
        and entries_of(old) == entries_of(new) is not None
    ):
        return None  # git only refreshed what it remembers of the files' status
    if same(real, base):
        return Pending(change_between(touch.path, real, now, old, new), touch, real)
    return _both_moved(touch, real, base, old, new, bases)


def _both_moved(
    touch: Touch, real: Entry | None, base: Entry | None, old: bytes | None, new: bytes | None, bases: Bases
) -> Pending | None:
    now = touch.now
    if base and real and now and {base.kind, real.kind, now.kind} == {"file"}:
        mode = now.mode if now.mode != base.mode else real.mode
        if base.sha256 == now.sha256:  # only the permission bits were changed by a run
            target = replace(real, mode=mode)
            return (
                None
                if same(target, real)
                else Pending(change_between(touch.path, real, target, old, old), touch, real)
            )
        ground = bases.content(touch.path)
        text = None if ground is None or old is None or new is None else merge(ground, old, new)
        if text is not None and not is_binary(text):
            target = Entry("file", mode, sha256(text).hexdigest(), size=len(text))
            if same(target, real):
                return None
            return Pending(change_between(touch.path, real, target, old, text), touch, real, merged=text)
    word = "was deleted" if real is None else "was created" if base is None else "changed"
    conflict = f"the file {word} in the workspace after this change was made"
    change = change_between(touch.path, real, now, old, new, conflict=conflict)
    ground = b"" if base is None else bases.content(touch.path)
    if ground is None or old is None or new is None or change.binary:
        return Pending(change, touch, real)
    clashes = tuple(piece for piece in pieces(ground, old, new) if isinstance(piece, Clash))
    return Pending(replace(change, clashes=clashes), touch, real, ground=ground)


def _with_text(path: str, entry: Entry | None, tree: Beneath, left: int) -> tuple[Entry | None, bytes | None]:
    """The text of a file where it fits, and the state that this text is: a run that lives may exchange the file
    between two looks, and what is shown and what is accepted by its hash are one."""
    if entry is None or not _fits(entry, left):
        return entry, None
    text = tree.read(path)
    return replace(entry, sha256=sha256(text).hexdigest(), size=len(text)), text


def _fits(entry: Entry | None, left: int) -> bool:
    return entry is not None and entry.kind == "file" and entry.size <= min(MAX_TEXT, max(left, 0))


def _folder(touch: Touch, real: Entry | None, now: Entry) -> Pending:
    if real is not None and real.kind == "folder":
        change = FileChange(touch.path, "mode", "folder", before_mode=real.mode, after_mode=now.mode)
    elif real is None:
        change = FileChange(touch.path, "create", "folder", after_mode=now.mode)
    else:
        change = replace(change_between(touch.path, real, None, None, None), after_mode=now.mode)
    return Pending(change, touch, real)


def change_between(
    path: str, real: Entry | None, now: Entry | None, old: bytes | None, new: bytes | None, *, conflict: str = ""
) -> FileChange:
    """The change of a path that is a file or a link on at least one side."""
    if real is not None and real.kind == "folder":
        real, old = None, None  # what was in it is deleted by changes of its own
    file_before = real is not None and real.kind == "file"
    file_after = now is not None and now.kind == "file"
    whole = (old is not None or not file_before) and (new is not None or not file_after)
    if whole and (file_before or file_after):
        made = change_of(path, old if file_before else None, new if file_after else None, conflict=conflict)
    else:
        made = FileChange(path, "update", binary=file_before or file_after, conflict=conflict)
    only_mode = real is not None and now is not None and _same_content(real, now)
    op: Literal["create", "delete", "mode", "update", "symlink"] = (
        "create" if real is None else "delete" if now is None else "mode" if only_mode else "update"
    )
    if now is not None and now.kind == "symlink":
        op = "symlink"
    kind = (now or real or Entry("file", 0)).kind
    target = now.target if now is not None else real.target if real is not None else ""
    return replace(
        made,
        op=op,
        kind=kind,
        before_sha256=_digest(real),
        after_sha256=_digest(now),
        before_mode=real.mode if real is not None else None,
        after_mode=now.mode if now is not None else None,
        target=target,
        size=now.size if now is not None else 0,
    )


def _same_content(one: Entry, other: Entry) -> bool:
    return (one.kind, one.sha256, one.target) == (other.kind, other.sha256, other.target)


def _digest(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    return sha256(os.fsencode(entry.target)).hexdigest() if entry.kind == "symlink" else entry.sha256


def _without_implied_folders(pending: list[Pending]) -> list[Pending]:
    """A folder that comes or goes with the files in it is not a change of its own."""
    with_rows = {
        "/".join(parts[:n])
        for p in pending
        if p.change.kind != "folder" or p.change.op == "mode"
        for parts in [p.change.path.split("/")]
        for n in range(1, len(parts))
    }
    kept = [p for p in pending if not (_implied(p) and p.change.path in with_rows)]
    # Of empty folders inside each other the innermost says it all.
    outer = {p.change.path[:at] for p in kept if _implied(p) for at, c in enumerate(p.change.path) if c == "/"}
    return [p for p in kept if not (_implied(p) and p.change.path in outer)]


def _implied(p: Pending) -> bool:
    return p.change.kind == "folder" and (p.change.op == "delete" or (p.change.op == "create" and not _is_open(p)))


def _is_open(p: Pending) -> bool:
    """A new folder that gives others more than folders usually do is not taken along unseen."""
    return bool((p.change.after_mode or 0) & ~ORDINARY)


def _with_renames(pending: list[Pending]) -> list[Pending]:
    """A deletion and a creation with the same content are one renaming."""
    gone: dict[tuple[str, int | None], list[Pending]] = {}
    for p in pending:
        c = p.change
        is_gone = c.op == "delete" and c.kind == "file" and p.touch.now is None and not c.conflict
        if is_gone and c.before_sha256 and p.real and p.real.size:
            gone.setdefault((c.before_sha256, c.before_mode), []).append(p)
    taken: set[str] = set()
    rows: list[Pending] = []
    for p in pending:
        c = p.change
        if c.op != "create" or c.kind != "file" or c.conflict:
            continue
        same_content = [g for g in gone.get((c.after_sha256 or "", c.after_mode), []) if g.change.path not in taken]
        if same_content:
            name = c.path.rpartition("/")[2]
            source = min(same_content, key=lambda g: (g.change.path.rpartition("/")[2] != name, g.change.path))
            taken |= {source.change.path, c.path}
            made = replace(c, op="rename", renamed_from=source.change.path, added=0, removed=0, hunks=())
            rows.append(replace(p, change=replace(made, before_sha256=c.after_sha256, before_mode=c.after_mode)))
    return [*(p for p in pending if p.change.path not in taken), *rows]
