"""What is said as what is drawn: styled lines as strips of cells in the colours of one theme."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip

from vtcode_tui.render import Line, Span, Style
from vtcode_tui.tui.themes import Palette


def width_of(spans: Iterable[Span]) -> int:
    """The cells of several spans."""
    return sum(cell_len(span.text) for span in spans)


class Brush:
    """Lines as strips in the colours of one theme; remembers each style it has mixed."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self._looks: dict[tuple[Style, RichStyle], RichStyle] = {}

    def look(self, style: Style, base: RichStyle) -> RichStyle:
        """The terminal style of a meaning on the background of its pane."""
        key = (style, base)
        if key not in self._looks:
            self._looks[key] = base + self.palette.look(style)
        return self._looks[key]

    def on(self, style: Style, base: RichStyle) -> RichStyle:
        """The same, where the background is the foreground turned round: a colour would be a block there."""
        look = self.look(style, base)
        return base + RichStyle(bold=look.bold) if base.reverse else look

    def strip(self, row: Line, width: int, base: RichStyle, *, marked: bool = False) -> Strip:
        """One row, filled up to `width`; `marked` is the row that the cursor of the pane is on."""
        if marked:
            base = base + RichStyle(bgcolor=None) + self.palette.look(Style(ground="human"))
            if not self.palette.grounds.get("human"):
                base += RichStyle(reverse=True)
        segments = [Segment(span.text, self.on(span.style, base)) for span in row.spans if span.text]
        used = sum(cell_len(segment.text) for segment in segments)
        if used < width:
            segments.append(Segment(" " * (width - used), self.look(Style(ground=row.fill), base)))
        return Strip(segments, max(used, width))
