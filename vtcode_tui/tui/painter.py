"""Paints what has changed, and asks no widget for rows that are not painted.

Textual asks every widget whose container reaches into the changed rows for all of its rows, so one letter costs
a walk over every pane, and those behind others and beside what changed too. Here a widget is asked for those of its
rows that are painted, and only where something of it is seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class Painter(Compositor):
    """A compositor whose partial updates cost what has changed."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None:
            for region, clip, strips in super()._get_renders():
                yield region, clip, strips
                _let_go(strips)
            return
        rows = Region(0, crop.y, self.size.width, crop.height)
        # The cells of each row that are still to be painted, as bits: front to back, what is hidden is not asked.
        left = [(1 << crop.right) - (1 << crop.x)] * crop.height
        for widget, (region, clip) in self.visible_widgets.items():
            painted = clip.intersection(rows)
            seen = region.intersection(painted)
            cells = (1 << seen.right) - (1 << seen.x)
            reached = range(seen.y - crop.y, seen.bottom - crop.y)
            if not seen or not any(left[row] & cells for row in reached):
                continue
            strips = widget.render_lines(seen.translate(-region.offset))
            yield region, painted, strips
            _let_go(strips)
            for row in reached:
                left[row] &= ~cells
            if not any(left):
                return


def _let_go(strips: list[Strip]) -> None:
    """Have strips that were painted whole forget it: they would keep themselves alive until the collector comes."""
    for strip in strips:
        if strip._divide_cache.get((strip.cell_length,)) is not None:
            strip._divide_cache.clear()
