"""A file's change as rows of a diff: which lines stand where, before anything is drawn."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from vtcode_tui.workspace.changes import FileChange, Hunk

Kind: TypeAlias = Literal[
    "file", "note", "hunk", "fold", "context", "removed", "added", "pair", "clash", "yours", "agents"
]

Operation: TypeAlias = Literal["create", "update", "delete", "rename", "mode", "symlink"]


class Row(NamedTuple):
    """One row: the numbers of the old and the new line it shows (0: none on that side), and its hunk (-1: none).

    A `pair` has both: side by side, an old line and the new line it became. A `fold` counts what it hides in `old`.
    In a conflict `hunk` is the clash; a line of `yours` or of the `agents` has its place in the clash, from 1 on.
    """

    kind: Kind
    hunk: int
    old: int
    new: int


class Stretch(NamedTuple):
    """Rows of a kind whose lines follow each other: 50,000 lines are made of few of them."""

    kind: Kind
    hunk: int
    old: int
    new: int
    size: int = 1

    def row(self, at: int) -> Row:
        """One of them, 0 <= at < size."""
        old, new = self.old + at if self.old else 0, self.new + at if self.new else 0
        return Row(self.kind, self.hunk, old, new)


class Lines(Mapping[int, bytes]):
    """The lines of a whole text by their number, each with its line end."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._lines = text.split(b"\n")
        self._bare_end = bool(self._lines[-1])
        """Whether the last line has no line end."""
        self._count = len(self._lines) - (not self._bare_end)

    def __getitem__(self, number: int) -> bytes:
        if not 0 < number <= self._count:
            raise KeyError(number)
        bare = number == self._count and self._bare_end
        return self._lines[number - 1] + (b"" if bare else b"\n")

    @property
    def longest(self) -> int:
        """Bytes of the longest line, its line end not counted."""
        return max(map(len, self._lines))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, self._count + 1))

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and 0 < number <= self._count


def last_of(lines: Mapping[int, bytes]) -> int:
    """The highest number of a line; 0 where there is none."""
    return len(lines) if isinstance(lines, Lines) else max(lines, default=0)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A change, and the lines of both sides by their number, as far as they are known."""

    change: FileChange
    old: Mapping[int, bytes]
    new: Mapping[int, bytes]

    @classmethod
    def of(cls, change: FileChange) -> FileDiff:
        """With the whole texts where the change carries them, otherwise with the hunks' lines only."""
        old: Mapping[int, bytes] = Lines(change.old_text)
        new: Mapping[int, bytes] = Lines(change.new_text)
        if change.hunks and not _whole(change, old, new):
            hunks_old, hunks_new = dict(old), dict(new)
            for hunk in change.hunks:
                hunks_old.update(enumerate(hunk.old_lines, hunk.old_start))
                hunks_new.update(enumerate(hunk.new_lines, hunk.new_start))
            old, new = hunks_old, hunks_new
        return cls(change, old, new)


def _whole(change: FileChange, old: Mapping[int, bytes], new: Mapping[int, bytes]) -> bool:
    """Whether the texts hold the hunks, told by their edges: very large files come without their texts."""
    for hunk in (change.hunks[0], change.hunks[-1]):
        for lines, start, known in ((hunk.old_lines, hunk.old_start, old), (hunk.new_lines, hunk.new_start, new)):
            for at in {0, len(lines) - 1} if lines else ():
                if known.get(start + at) != lines[at]:
                    return False
    return True


def stretches_of(diff: FileDiff, *, context: int | None, side_by_side: bool) -> list[Stretch]:
    """All rows of one file. `context` None shows every unchanged line."""
    rows = [Stretch("file", -1, 0, 0)]
    rows.extend(Stretch("note", -1, 0, number) for number in range(len(notes_of(diff.change))))
    for clash in diff.change.clashes:
        rows.append(Stretch("clash", clash.index, 0, 0))
        rows += _some("yours", clash.index, 1, 0, len(clash.workspace))
        rows += _some("agents", clash.index, 1, 0, len(clash.agent))
    at_old = at_new = 1
    for number, hunk in enumerate(diff.change.hunks):
        gap = hunk.old_start - at_old
        before = hunk.index if number == 0 else diff.change.hunks[number - 1].index
        after, leading = _around(gap, context, first=number == 0)
        rows += _context(diff, before, at_old, at_new, after)
        if gap > after + leading:
            rows.append(Stretch("fold", -1, gap - after - leading, 0))
        rows.append(Stretch("hunk", hunk.index, 0, 0))
        start = gap - leading
        rows += _context(diff, hunk.index, at_old + start, at_new + start, leading)
        rows += _changed(hunk, side_by_side=side_by_side)
        at_old = hunk.old_start + len(hunk.old_lines)
        at_new = hunk.new_start + len(hunk.new_lines)
    if diff.change.hunks:
        rest = last_of(diff.old) + 1 - at_old
        after = rest if context is None else min(rest, context)
        rows += _context(diff, diff.change.hunks[-1].index, at_old, at_new, after)
        if rest > after:
            rows.append(Stretch("fold", -1, rest - after, 0))
    return rows


def _around(gap: int, context: int | None, *, first: bool) -> tuple[int, int]:
    """How many of the unchanged lines before a hunk go to the hunk before it and how many to itself."""
    if first:
        return 0, gap if context is None else min(gap, context)
    if context is None or gap <= 2 * context + 1:
        return gap // 2, gap - gap // 2
    return context, context


def _some(kind: Kind, hunk: int, old: int, new: int, count: int) -> list[Stretch]:
    return [Stretch(kind, hunk, old, new, count)] if count > 0 else []


def _context(diff: FileDiff, hunk: int, old: int, new: int, count: int) -> list[Stretch]:
    if isinstance(diff.old, Lines):
        before = max(0, 1 - old)  # a file that is created has no line before its first
        return _some("context", hunk, old + before, new + before, min(count, len(diff.old) + 1 - old) - before)
    known = [offset for offset in range(count) if old + offset in diff.old]
    return [Stretch("context", hunk, old + offset, new + offset) for offset in known]


def _changed(hunk: Hunk, *, side_by_side: bool) -> list[Stretch]:
    old, new = len(hunk.old_lines), len(hunk.new_lines)
    if not side_by_side:
        removed = _some("removed", hunk.index, hunk.old_start, 0, old)
        return removed + _some("added", hunk.index, 0, hunk.new_start, new)
    both = min(old, new)
    return [
        *_some("pair", hunk.index, hunk.old_start, hunk.new_start, both),
        *_some("pair", hunk.index, hunk.old_start + both, 0, old - both),
        *_some("pair", hunk.index, 0, hunk.new_start + both, new - both),
    ]


def notes_of(change: FileChange) -> Sequence[str]:
    """What there is to say of a change besides its lines, each as one line of text (not yet made safe)."""
    notes = []
    if change.renamed_from:
        notes.append(f"renamed from {change.renamed_from}")
    if change.conflict:
        notes.append(f"conflict: {change.conflict}")
    if change.protected:
        notes.append("protected: accepting it is asked for by name")
    if change.runs_by:
        notes.append(f"{change.runs_by} will run or obey this file unasked")
    if change.kind == "symlink" or change.op == "symlink":
        leads_out = posixpath.normpath(posixpath.join(posixpath.dirname(change.path), change.target)).startswith(
            "../"
        )
        notes.append(f"symbolic link to {change.target}" + (", outside of the workspace" if leads_out else ""))
    if change.kind == "folder" and change.op in {"create", "delete"}:
        notes.append("a folder with nothing in it")
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
