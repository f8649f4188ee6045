"""Changes as lines: unified or side by side, with numbers, words marked and code coloured.

A view knows all its rows at once and draws only those that are asked for, so that a diff of 50,000 lines opens as
fast as a short one. Rows are addressed by their place, like a list.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from vtcode_tui.render.code_window import CodeWindow
from vtcode_tui.render.diff_rows import FileDiff, Kind, Row, notes_of, rows_of
from vtcode_tui.render.safety import plain_line, spans_of
from vtcode_tui.render.types import MUTED, Ground, Line, Span, Style
from vtcode_tui.render.words import Ranges, differences, look_alike, on_ground
from vtcode_tui.render.wrap import cut_spans, drop_cells, hard_fold, width_of
from vtcode_tui.workspace.changes import ChangeSet, FileChange

_HUNK = Style("hunk")
_SINGLE = frozenset({"file", "note", "hunk", "fold"})
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
    ) -> None:
        given = changes.files if isinstance(changes, ChangeSet) else changes
        self._diffs = [FileDiff.of(change) if isinstance(change, FileChange) else change for change in given]
        self.files: tuple[FileChange, ...] = tuple(diff.change for diff in self._diffs)
        self.cells = max(20, cells)
        self.side_by_side = side_by_side
        self.left = 0
        """Cells scrolled to the right, when lines are not wrapped."""
        self._wrap = wrap
        self._rows = [rows_of(diff, context=context, side_by_side=side_by_side) for diff in self._diffs]
        self._starts = [0, *accumulate(map(len, self._rows))]
        self._olds = [CodeWindow(diff.old, diff.change.path, syntax=syntax) for diff in self._diffs]
        self._news = [CodeWindow(diff.new, diff.change.path, syntax=syntax) for diff in self._diffs]
        self._hunks = [{hunk.index: hunk for hunk in change.hunks} for change in self.files]
        self._numbers = [len(str(max([1, *diff.old, *diff.new]))) for diff in self._diffs]
        self._drawn = lru_cache(maxsize=512)(self._draw)
        self._words = lru_cache(maxsize=512)(self._compare)
        # Wrapped: the place of each row's first line on the screen.
        self._places = [0, *accumulate(self._heights())] if wrap else None

    def __len__(self) -> int:
        return self._places[-1] if self._places is not None else self._starts[-1]

    def __getitem__(self, at: int) -> DiffLine:
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(at)
        if self._places is None:
            place, within = at, 0
        else:
            place = bisect_right(self._places, at) - 1
            within = at - self._places[place]
        file, row = self._find(place)
        drawn = self._drawn(place, self.left)
        return DiffLine(drawn[min(within, len(drawn) - 1)], row.kind, file, row.hunk, row.old, row.new)

    def __iter__(self) -> Iterator[DiffLine]:
        return map(self.__getitem__, range(len(self)))

    def _find(self, place: int) -> tuple[int, Row]:
        file = bisect_right(self._starts, place) - 1
        return file, self._rows[file][place - self._starts[file]]

    def _line_of(self, place: int) -> int:
        return self._places[place] if self._places is not None else place

    @property
    def hunk_lines(self) -> list[int]:
        """The lines at which hunks begin, for jumping."""
        return [
            self._line_of(start + at)
            for start, rows in zip(self._starts, self._rows, strict=False)
            for at, row in enumerate(rows)
            if row.kind == "hunk"
        ]

    @property
    def file_lines(self) -> list[int]:
        """The lines at which files begin."""
        return [self._line_of(start) for start in self._starts[:-1]]

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

    def line_of_hunk(self, file: int, hunk: int) -> int:
        """Where a hunk begins; the file's first line when there is no such hunk."""
        for at, row in enumerate(self._rows[file]):
            if row.kind == "hunk" and row.hunk == hunk:
                return self._line_of(self._starts[file] + at)
        return self._line_of(self._starts[file])

    def _heights(self) -> Iterator[int]:
        """How many lines each row takes when long lines are wrapped."""
        for file, rows in enumerate(self._rows):
            room = self._room(file)
            old, new = self._diffs[file].old, self._diffs[file].new
            # Rows of which only the blanks differ are drawn in another way: their height is known when they are.
            special = {
                hunk.index
                for hunk in self.files[file].hunks
                if any(
                    one.split() == other.split() for one, other in zip(hunk.old_lines, hunk.new_lines, strict=False)
                )
            }
            for place, row in enumerate(rows, self._starts[file]):
                if row.kind in _SINGLE:
                    yield 1
                elif row.kind != "context" and row.hunk in special:
                    yield len(self._drawn(place, 0))
                else:
                    sides = [] if row.kind == "context" or not row.old else [(self._olds[file], old, row.old)]
                    sides += [(self._news[file], new, row.new)] if row.new else []
                    height = 1
                    for window, lines, number in sides:
                        line = lines[number]
                        if len(line) > room or b"\t" in line or not line.isascii():
                            height = max(height, -(-window.cells(number) // room))
                    yield height

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
        return [Line(cut_spans(drop_cells(part.spans, left), room))]

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
