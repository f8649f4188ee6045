"""Changes as lines: unified or side by side, with numbers, words marked and code coloured.

A view knows all its rows at once and draws only those that are asked for, so that a diff of 50,000 lines opens as
fast as a short one. Rows are addressed by their place, like a list.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from vtcode_tui.render.clash_rows import clash_heading, clash_line, clash_room
from vtcode_tui.render.code_window import CodeWindow
from vtcode_tui.render.diff_rows import FileDiff, Kind, Row, Stretch, last_of, notes_of, stretches_of
from vtcode_tui.render.safety import plain_bytes, plain_line, spans_of
from vtcode_tui.render.types import MUTED, Ground, Line, Span, Style
from vtcode_tui.render.words import Ranges, differences, look_alike, on_ground
from vtcode_tui.render.wrap import cut_spans, from_cell, hard_fold, width, width_of
from vtcode_tui.workspace.changes import ChangeSet, FileChange

_HUNK = Style("hunk")
_BLANKS = b" \t\r\n\x0b\x0c"
Settlements: TypeAlias = Mapping[str, Mapping[int, str | bytes]]
"""What the human decided of clashes: path -> clash -> `workspace`, `agent` or bytes of their own."""
_SINGLE = frozenset({"file", "note", "hunk", "fold", "clash"})
"""Rows that take one line always."""


class DiffLine(NamedTuple):
    """A row of the view with what it belongs to: indexes of file and hunk (-1: none), line numbers (0: none)."""

    line: Line
    kind: Kind
    file: int
    hunk: int
    old: int
    new: int


class _Part(NamedTuple):
    """One side of a row: its number, its text, its sign and its grounds."""

    number: int
    spans: tuple[Span, ...]
    sign: str
    ground: Ground


class DiffView:
    """The rows of one or more changed files, by their place: `len(view)`, `view[at]`."""

    def __init__(
        self,
        changes: ChangeSet | Sequence[FileChange | FileDiff],
        cells: int,
        *,
        side_by_side: bool = False,
        wrap: bool = False,
        context: int | None = 3,
        syntax: bool = True,
        settled: Settlements | None = None,
    ) -> None:
        given = changes.files if isinstance(changes, ChangeSet) else changes
        self._diffs = [FileDiff.of(change) if isinstance(change, FileChange) else change for change in given]
        self.files: tuple[FileChange, ...] = tuple(diff.change for diff in self._diffs)
        self.cells = max(20, cells)
        self.side_by_side = side_by_side
        self.left = 0
        """Cells scrolled to the right, when lines are not wrapped."""
        self._wrap = wrap
        self._settled = settled or {}
        self._stretches: list[tuple[int, Stretch]] = [
            (file, stretch)
            for file, diff in enumerate(self._diffs)
            for stretch in stretches_of(diff, context=context, side_by_side=side_by_side)
        ]
        self._starts = [0, *accumulate(stretch.size for _, stretch in self._stretches)]
        """The row at which each stretch begins; the last one is their number."""
        self._olds = [CodeWindow(diff.old, diff.change.path, syntax=syntax) for diff in self._diffs]
        self._news = [CodeWindow(diff.new, diff.change.path, syntax=syntax) for diff in self._diffs]
        self._hunks = [{hunk.index: hunk for hunk in change.hunks} for change in self.files]
        self._numbers = [len(str(max(1, last_of(diff.old), last_of(diff.new)))) for diff in self._diffs]
        self._drawn = lru_cache(maxsize=512)(self._draw)
        self._words = lru_cache(maxsize=512)(self._compare)
        # Wrapped: the lines that each stretch takes, and where each begins.
        self._heights = [self._height_of(at) for at in range(len(self._stretches))] if wrap else None
        self._places = [0, *accumulate(map(_total, self._heights))] if self._heights is not None else self._starts

    def __len__(self) -> int:
        return self._places[-1]

    def __getitem__(self, at: int) -> DiffLine:
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(at)
        which = bisect_right(self._places, at) - 1
        index = at - self._places[which]
        within = 0
        heights = self._heights[which] if self._heights is not None else None
        if isinstance(heights, list):
            index, within = _inside(heights, index)
        file, stretch = self._stretches[which]
        row = stretch.row(index)
        drawn = self._drawn(self._starts[which] + index, self.left)
        return DiffLine(drawn[min(within, len(drawn) - 1)], row.kind, file, row.hunk, row.old, row.new)

    def __iter__(self) -> Iterator[DiffLine]:
        return map(self.__getitem__, range(len(self)))

    def _find(self, place: int) -> tuple[int, Row]:
        which = bisect_right(self._starts, place) - 1
        file, stretch = self._stretches[which]
        return file, stretch.row(place - self._starts[which])

    def _begin(self, *kinds: Kind) -> list[int]:
        return [self._places[at] for at, (_, stretch) in enumerate(self._stretches) if stretch.kind in kinds]

    @cached_property
    def hunk_lines(self) -> list[int]:
        """The lines at which hunks and clashes begin, for jumping."""
        return self._begin("hunk", "clash")

    @cached_property
    def file_lines(self) -> list[int]:
        """The lines at which files begin."""
        return self._begin("file")

    @property
    def widest(self) -> int:
        """Bytes of the longest line: an upper bound of its cells nearly always, for a horizontal scroll bar."""
        sides = (side for diff in self._diffs for side in (diff.old, diff.new))
        return max((len(line) for side in sides for line in side.values()), default=0)

    def after(self, places: list[int], at: int) -> int:
        """The next of some lines below `at`; the last one when there is none."""
        return places[min(bisect_right(places, at), len(places) - 1)] if places else at

    def before(self, places: list[int], at: int) -> int:
        """The next of some lines above `at`; the first one when there is none."""
        return places[max(bisect_left(places, at) - 1, 0)] if places else at

    def line_of_hunk(self, file: int, hunk: int, *, clash: bool = False) -> int:
        """Where a hunk (or a clash) begins; the file's first line when there is none such."""
        kind = "clash" if clash else "hunk"
        for at, (owner, stretch) in enumerate(self._stretches):
            if owner == file and stretch.kind == kind and stretch.hunk == hunk:
                return self._places[at]
        return self.file_lines[file]

    def _height_of(self, which: int) -> int | list[int]:
        """The lines that a stretch takes when wrapped: of each row, or one number where each takes one."""
        file, stretch = self._stretches[which]
        if stretch.kind in _SINGLE:
            return stretch.size
        if stretch.kind in {"yours", "agents"}:
            room = clash_room(self.cells)
            lines = self._clash(file, stretch)
            return [max(1, -(-width(plain_bytes(line.removesuffix(b"\n"))) // room)) for line in lines]
        if stretch.kind != "context" and self._only_blanks(file, stretch):
            # Rows of which only the blanks differ are drawn in another way: they have to be drawn to be measured.
            return [len(self._drawn(self._starts[which] + at, 0)) for at in range(stretch.size)]
        room = self._room(file)
        sides = [] if stretch.kind == "context" or not stretch.old else [(self._olds[file], stretch.old)]
        sides += [(self._news[file], stretch.new)] if stretch.new else []
        if all(window.short(first, stretch.size, room) for window, first in sides):
            return stretch.size
        return [
            max([1, *(-(-window.cells(first + at) // room) for window, first in sides)])
            for at in range(stretch.size)
        ]

    def _only_blanks(self, file: int, stretch: Stretch) -> bool:
        """Whether a hunk has lines that differ in nothing but blanks."""
        hunk = self._hunks[file][stretch.hunk]
        return any(
            one.translate(None, _BLANKS) == other.translate(None, _BLANKS) and one.split() == other.split()
            for one, other in zip(hunk.old_lines, hunk.new_lines, strict=False)
        )

    def _clash(self, file: int, stretch: Stretch | Row) -> tuple[bytes, ...]:
        clash = next(clash for clash in self.files[file].clashes if clash.index == stretch.hunk)
        return clash.workspace if stretch.kind == "yours" else clash.agent

    def _room(self, file: int) -> int:
        numbers = self._numbers[file]
        if self.side_by_side:
            return max(4, (self.cells - 1) // 2 - numbers - 3)
        return max(4, self.cells - 2 * numbers - 4)

    def _draw(self, place: int, left: int) -> list[Line]:
        file, row = self._find(place)
        change = self.files[file]
        match row.kind:
            case "file":
                return [Line(cut_spans(_heading(change), self.cells))]
            case "note":
                note = plain_line(notes_of(change)[row.new])
                style = Style("caution") if note.startswith(("conflict", "protected")) else MUTED
                return [Line(cut_spans((Span("  "), *spans_of(note, style)), self.cells))]
            case "clash":
                chosen = self._settled.get(change.path, {}).get(row.hunk)
                return [Line(cut_spans(clash_heading(change, row.hunk, chosen), self.cells), fill="code")]
            case "yours" | "agents":
                raw = self._clash(file, row)[row.old - 1]
                return clash_line(raw, self.cells, row.kind, wrap=self._wrap, left=left)
            case "hunk":
                return [Line(cut_spans(self._hunk_heading(file, row.hunk), self.cells))]
            case "fold":
                hidden = Span(f"  ⋯ {row.old:,} unchanged line{'s' * (row.old != 1)}", MUTED)
                return [Line(cut_spans((hidden,), self.cells))]
            case _ if self.side_by_side:
                return self._draw_sides(file, row, left)
            case _:
                return self._draw_unified(file, row, left)

    def _hunk_heading(self, file: int, index: int) -> tuple[Span, ...]:
        hunks = self.files[file].hunks
        at = next(number for number, hunk in enumerate(hunks) if hunk.index == index)
        hunk = hunks[at]
        old, new = f"-{hunk.old_start},{len(hunk.old_lines)}", f"+{hunk.new_start},{len(hunk.new_lines)}"
        return (Span(f"@@ {old} {new} @@", _HUNK), Span(f"  hunk {at + 1} of {len(hunks)}", MUTED))

    def _compare(self, file: int, old: int, new: int) -> tuple[Ranges, Ranges] | None:
        return differences(self._olds[file].text(old), self._news[file].text(new))

    def _partner(self, file: int, row: Row) -> tuple[int, int]:
        """The old and the new line that a changed row is compared with; 0 where it stands alone."""
        if row.kind == "pair":
            return row.old, row.new
        hunk = self._hunks[file][row.hunk]
        at = row.old - hunk.old_start if row.old else row.new - hunk.new_start
        if at >= min(len(hunk.old_lines), len(hunk.new_lines)):
            return row.old, row.new
        return hunk.old_start + at, hunk.new_start + at

    def _part(self, file: int, row: Row, *, new_side: bool) -> _Part:
        number = row.new if new_side else row.old
        window = self._news[file] if new_side else self._olds[file]
        if not number:
            return _Part(0, (), " ", "empty")
        if row.kind == "context":
            return _Part(number, window.spans(number), " ", "")
        ground: Ground = "added" if new_side else "removed"
        marked: Ground = "added-word" if new_side else "removed-word"
        old, new = self._partner(file, row)
        ranges: Ranges = ()
        if old and new:
            if look_alike(self._diffs[file].old[old], self._diffs[file].new[new]):
                # Only blanks, tabs, line ends or forms of letters differ: they have to be seen.
                spans = on_ground(spans_of(window.exact(number)), ground)
                return _Part(number, spans, "+" if new_side else "-", ground)
            found = self._words(file, old, new)
            ranges = (found[1] if new_side else found[0]) if found else ()
        spans = _dotted(on_ground(window.spans(number), ground, ranges, marked))
        return _Part(number, spans, "+" if new_side else "-", ground)

    def _folded(self, part: _Part, room: int, left: int) -> list[Line]:
        if self._wrap:
            return hard_fold(part.spans, room)
        return [Line(cut_spans(from_cell(part.spans, left), room))]

    def _draw_unified(self, file: int, row: Row, left: int) -> list[Line]:
        digits = self._numbers[file]
        part = self._part(file, row, new_side=row.kind != "removed")
        gutter = Style("muted", part.ground)
        rows = []
        for number, line in enumerate(self._folded(part, self._room(file), left)):
            old = f"{row.old or '':>{digits}}" if not number else " " * digits
            new = f"{row.new or '':>{digits}}" if not number else " " * digits
            head = (Span(f"{old} {new} ", gutter), Span(f"{part.sign} ", _sign_style(part)))
            rows.append(Line((*head, *line.spans), joined=line.joined, fill=part.ground))
        return rows

    def _draw_sides(self, file: int, row: Row, left: int) -> list[Line]:
        half = (self.cells - 1) // 2
        room = self._room(file)
        old, new = (self._part(file, row, new_side=side) for side in (False, True))
        olds, news = self._folded(old, room, left), self._folded(new, room, left)
        rows = []
        for at in range(max(len(olds), len(news))):
            spans: list[Span] = []
            for part, lines in ((old, olds), (new, news)):
                spans.extend(self._half(file, part, lines[at].spans if at < len(lines) else (), first=at == 0))
                if part is old:
                    spans.append(Span(" " * (half - width_of(spans)), Style("text", old.ground)))
                    spans.append(Span("│", Style("rule")))
            rows.append(Line(tuple(spans), joined=at > 0, fill=new.ground))
        return rows

    def _half(self, file: int, part: _Part, spans: tuple[Span, ...], *, first: bool) -> tuple[Span, ...]:
        digits = self._numbers[file]
        number = f"{part.number or '':>{digits}}" if first else " " * digits
        return (Span(f"{number} ", Style("muted", part.ground)), Span(f"{part.sign} ", _sign_style(part)), *spans)


def _total(heights: int | list[int]) -> int:
    return heights if isinstance(heights, int) else sum(heights)


def _inside(heights: list[int], line: int) -> tuple[int, int]:
    """Which of some rows a line belongs to, and which line of it it is."""
    for index, height in enumerate(heights):
        if line < height:
            return index, line
        line -= height
    raise IndexError(line)


def _dotted(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Blanks at the end of a changed line as dots: they are part of what is accepted."""
    if not spans or not spans[-1].text.endswith(" "):
        return spans
    text, style = spans[-1]
    bare = text.rstrip(" ")
    dots = Span("·" * (len(text) - len(bare)), style._replace(name="escape"))
    before = (*spans[:-1], Span(bare, style)) if bare else _dotted(spans[:-1])
    return (*before, dots)


def _sign_style(part: _Part) -> Style:
    return Style("added" if part.sign == "+" else "removed", part.ground, bold=True)


def _heading(change: FileChange) -> tuple[Span, ...]:
    spans = [Span(f"{change.op} ", MUTED), *spans_of(plain_line(change.path), Style("accent", bold=True))]
    if change.added or change.removed:
        spans += [Span(f"  +{change.added:,}", Style("added")), Span(f" -{change.removed:,}", Style("removed"))]
    if change.conflict:
        spans.append(Span("  conflict", Style("bad", bold=True)))
    return tuple(spans)
