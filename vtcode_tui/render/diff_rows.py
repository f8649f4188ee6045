"""A file's change as rows of a diff: which lines stand where, before anything is drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeAlias

from vtcode_tui.workspace.changes import FileChange, Hunk

Kind: TypeAlias = Literal["file", "note", "hunk", "fold", "context", "removed", "added", "pair"]

Operation: TypeAlias = Literal["create", "update", "delete", "rename", "mode", "symlink"]


class Row(NamedTuple):
    """One row: the numbers of the old and the new line it shows (0: none on that side), and its hunk (-1: none).

    A `pair` has both: side by side, an old line and the new line it became. A `fold` counts what it hides in `old`.
    """

    kind: Kind
    hunk: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A change, and the lines of both sides by their number, as far as they are known."""

    change: FileChange
    old: Mapping[int, bytes]
    new: Mapping[int, bytes]

    @classmethod
    def of(cls, change: FileChange) -> FileDiff:
        """With the whole texts where the change carries them, otherwise with the hunks' lines only."""
        old = _numbered(change.old_text)
        new = _numbered(change.new_text)
        for hunk in change.hunks:
            old.update(enumerate(hunk.old_lines, hunk.old_start))
            new.update(enumerate(hunk.new_lines, hunk.new_start))
        return cls(change, old, new)


def _numbered(text: bytes) -> dict[int, bytes]:
    lines = text.split(b"\n")
    last = lines.pop()
    numbered = {number: line + b"\n" for number, line in enumerate(lines, 1)}
    if last:
        numbered[len(lines) + 1] = last
    return numbered


def rows_of(diff: FileDiff, *, context: int | None, side_by_side: bool) -> list[Row]:
    """All rows of one file. `context` None shows every unchanged line."""
    rows = [Row("file", -1, 0, 0)]
    rows.extend(Row("note", -1, 0, number) for number in range(len(notes_of(diff.change))))
    at_old = at_new = 1
    for number, hunk in enumerate(diff.change.hunks):
        gap = hunk.old_start - at_old
        before = hunk.index if number == 0 else diff.change.hunks[number - 1].index
        after, leading = _around(gap, context, first=number == 0)
        _context(rows, diff, before, at_old, at_new, after)
        if gap > after + leading:
            rows.append(Row("fold", -1, gap - after - leading, 0))
        rows.append(Row("hunk", hunk.index, 0, 0))
        start = gap - leading
        _context(rows, diff, hunk.index, at_old + start, at_new + start, leading)
        rows.extend(_changed(hunk, side_by_side=side_by_side))
        at_old = hunk.old_start + len(hunk.old_lines)
        at_new = hunk.new_start + len(hunk.new_lines)
    if diff.change.hunks:
        rest = max(diff.old, default=0) + 1 - at_old
        after = rest if context is None else min(rest, context)
        _context(rows, diff, diff.change.hunks[-1].index, at_old, at_new, after)
        if rest > after:
            rows.append(Row("fold", -1, rest - after, 0))
    return rows


def _around(gap: int, context: int | None, *, first: bool) -> tuple[int, int]:
    """How many of the unchanged lines before a hunk go to the hunk before it and how many to itself."""
    if first:
        return 0, gap if context is None else min(gap, context)
    if context is None or gap <= 2 * context + 1:
        return gap // 2, gap - gap // 2
    return context, context


def _context(rows: list[Row], diff: FileDiff, hunk: int, old: int, new: int, count: int) -> None:
    for offset in range(count):
        if old + offset in diff.old:
            rows.append(Row("context", hunk, old + offset, new + offset))


def _changed(hunk: Hunk, *, side_by_side: bool) -> list[Row]:
    olds = range(hunk.old_start, hunk.old_start + len(hunk.old_lines))
    news = range(hunk.new_start, hunk.new_start + len(hunk.new_lines))
    if side_by_side:
        return [Row("pair", hunk.index, old, new) for old, new in zip_longest(olds, news, fillvalue=0)]
    removed = [Row("removed", hunk.index, old, 0) for old in olds]
    return removed + [Row("added", hunk.index, 0, new) for new in news]


def notes_of(change: FileChange) -> Sequence[str]:
    """What there is to say of a change besides its lines, each as one line of text (not yet made safe)."""
    notes = []
    if change.renamed_from:
        notes.append(f"renamed from {change.renamed_from}")
    if change.conflict:
        notes.append(f"conflict: {change.conflict}")
    if change.protected:
        notes.append("protected: accepting it is asked for by name")
    if change.kind == "symlink" or change.op == "symlink":
        notes.append(f"symbolic link to {change.target}")
    if change.before_mode is not None and change.after_mode is not None and change.before_mode != change.after_mode:
        notes.append(f"mode {change.before_mode & 0o7777:04o} → {change.after_mode & 0o7777:04o}")
    if change.binary:
        notes.append(f"binary, {change.size:,} bytes now")
    elif change.kind == "file" and not change.hunks and change.op in {"create", "update"}:
        same = change.before_sha256 == change.after_sha256
        notes.append(
            "no lines changed" if same or not change.size else f"too large to show, {change.size:,} bytes now"
        )
    return notes


_HEADING = re.compile(rb"@@ -(\d{1,9})(?:,\d+)? \+(\d{1,9})(?:,\d+)? @@")


def parse_unified(path: str, text: str, op: Operation = "update") -> FileDiff:
    """A unified diff as it stands in an event, with the unchanged lines it has around its hunks.

    Lines before the first `@@` are skipped; so is what belongs to no hunk.
    """
    old: dict[int, bytes] = {}
    new: dict[int, bytes] = {}
    hunks: list[Hunk] = []
    removed: list[bytes] = []
    added: list[bytes] = []
    at_old = at_new = 0

    def close() -> None:
        if removed or added:
            hunks.append(Hunk(len(hunks), at_old - len(removed), tuple(removed), at_new - len(added), tuple(added)))
            removed.clear()
            added.clear()

    for raw in text.encode("utf-8", "surrogatepass").split(b"\n"):
        heading = _HEADING.match(raw)
        if heading:
            close()
            at_old, at_new = int(heading[1]) or 1, int(heading[2]) or 1
        elif not at_old:
            continue
        elif raw.startswith(b"-"):
            if added:
                close()
            removed.append(raw[1:] + b"\n")
            at_old += 1
        elif raw.startswith(b"+"):
            added.append(raw[1:] + b"\n")
            at_new += 1
        elif raw.startswith(b" "):
            close()
            old[at_old] = new[at_new] = raw[1:] + b"\n"
            at_old, at_new = at_old + 1, at_new + 1
    close()
    change = FileChange(
        path,
        op,
        added=sum(len(hunk.new_lines) for hunk in hunks),
        removed=sum(len(hunk.old_lines) for hunk in hunks),
        hunks=tuple(hunks),
    )
    for hunk in hunks:
        old.update(enumerate(hunk.old_lines, hunk.old_start))
        new.update(enumerate(hunk.new_lines, hunk.new_start))
    return FileDiff(change, old, new)
