"""The scroll bar of a pane, painted without the general case: most of its rows are alike."""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip


class Bar(ScrollBar):
    """A vertical scroll bar that paints a row once for each look that its rows have."""

    def __init__(self, *, thickness: int) -> None:
        super().__init__(vertical=True, name="vertical", thickness=thickness)
        self._looks: dict[Segment, Strip] = {}

    def notify_style_update(self) -> None:
        """The theme changed: every look is another."""
        super().notify_style_update()
        self._looks.clear()

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        # There is nothing in it: another size of it is no reason to lay everything out once more.
        return super()._size_updated(size, virtual_size, container_size, layout=False)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint rows, those alike as one and the same strip."""
        bar, (width, height) = self.render(), self.size
        if not isinstance(bar, ScrollBarRender) or crop.column_span != (0, width):
            return super().render_lines(crop)
        style = self.app.console.get_style(bar.style)
        assert style.color is not None
        assert style.bgcolor is not None
        segments = bar.render_bar(
            size=height,
            virtual_size=bar.virtual_size,
            window_size=bar.window_size,
            position=bar.position,
            thickness=width,
            back_color=style.bgcolor,
            bar_color=style.color,
        ).segments
        rows = list(segments)[crop.y : crop.bottom]
        if len(rows) < crop.height:
            return super().render_lines(crop)
        return [self._strip(y, row) for y, row in enumerate(rows, crop.y)]

    def _strip(self, y: int, row: Segment) -> Strip:
        strip = self._looks.get(row)
        if strip is None:
            # A bar that is just being mounted is not told that what was painted of it is out of date.
            self._layout_cache.clear()
            self._styles_cache.clear()
            self._dirty_regions.add(self.size.region)
            strip = self._looks[row] = super().render_lines(Region(0, y, self.size.width, 1))[0]
        return strip
