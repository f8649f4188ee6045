"""The rows of a diff, and what of them is marked and copied: the text of the lines, without numbers and signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtcode_tui.render import Line
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual.selection import Selection

    from vtcode_tui.render import DiffView
    from vtcode_tui.render.diff import DiffLine

_LINES = frozenset({"context", "pair", "removed", "added"})
_GUTTER = 2
"""Spans before the text of a line, or of a side of it: its numbers, its sign."""


class DiffSheet(Sheet):
    """Shows a view; side by side, a selection is of the side on which it began."""

    hangs = False
    _view: DiffView | None = None

    def row_count(self) -> int:
        """All rows of all files."""
        return len(self._view) if self._view is not None else 0

    def row(self, y: int) -> Line:
        """One of them."""
        return self._view[y].line if self._view is not None else Line()

    def selected_in(self, selection: Selection, y: int) -> tuple[int, int] | None:
        """The text of a line of the side; none where it has no line there."""
        if self._view is None or (span := selection.get_span(y)) is None:
            return None
        start = selection.start
        right = start is None or start.x >= _right(self._view, start.y)
        if (text := _text(self._view, y, right=right)) is None:
            return None
        first, ends = max(span[0], text[0]), [end for end in (span[1], text[1]) if end != -1]
        return first, max(first, min(ends)) if ends else -1

    def line_start(self, y: int, at: int) -> int:
        """A side of a row has lines of its own."""
        edge = _right(self._view, y) if self._view is not None else 0
        return edge if at >= edge else 0


def _right(view: DiffView, y: int) -> int:
    """The character at which the right side of a row begins; 0 where it has no sides."""
    at = view[y]
    return _length(at, _rule(at) + 1) if view.side_by_side and at.kind in _LINES else 0


def _text(view: DiffView, y: int, *, right: bool) -> tuple[int, int] | None:
    """From which character of a row to which (-1: its end) its text goes; what is no line is text as a whole."""
    at = view[y]
    if at.kind in {"yours", "agents"}:
        return _length(at, 1), -1
    if at.kind not in _LINES:
        return 0, -1
    if not view.side_by_side:
        return _length(at, _GUTTER), -1
    if not (at.new if right else at.old):
        return None
    rule = _rule(at)
    # Before the rule stands what fills the left side up.
    return (_length(at, rule + 1 + _GUTTER), -1) if right else (_length(at, _GUTTER), _length(at, rule - 1))


def _rule(at: DiffLine) -> int:
    return next(place for place, span in enumerate(at.line.spans) if span.style.name == "rule")


def _length(at: DiffLine, spans: int) -> int:
    return sum(len(span.text) for span in at.line.spans[:spans])
