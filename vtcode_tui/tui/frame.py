"""What stands round every row of a widget that draws rows: found once, put round each without the general case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip

if TYPE_CHECKING:
    from textual.widget import Widget


class Frame(NamedTuple):
    """What stands left and right of every row of a text: border and blanks, as they are painted."""

    left: Strip
    right: Strip
    width: int
    filters: Sequence[LineFilter]
    background: Color

    @classmethod
    def of(cls, widget: Widget, painted: Strip) -> Frame | None:
        """The frame of a widget from one of its rows; None where rows differ in it, or in more than it."""
        styles, gutter, width = widget.styles, widget.gutter, widget.outer_size.width
        bare = not (styles.tint.a or styles.has_rule("hatch") or styles.has_rule("outline_left"))
        faded = widget.opacity != 1 or styles.text_opacity != 1
        if gutter.height or not bare or faded or painted.cell_length != width:
            return None
        return cls(
            painted.crop(0, gutter.left),
            painted.crop(width - gutter.right, width),
            width,
            widget.get_line_filters(),
            widget.background_colors[1],
        )

    def put_round(self, row: Strip) -> Strip:
        """A whole row, with what the filters make of what stands in it."""
        row = row.adjust_cell_length(self.width - self.left.cell_length - self.right.cell_length)
        for each in self.filters:
            row = row.apply_filter(each, self.background)
        return Strip.join((self.left, row, self.right))
