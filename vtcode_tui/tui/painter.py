"""Paints what has changed, and asks no widget for rows that are not painted.

Textual asks every widget whose container reaches into the changed rows for all of its rows, so one letter costs
a walk over every pane, and those behind others and beside what changed too. Here a widget is asked for those of its
rows that are painted, and only where something of it is seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class Painter(Compositor):
    """A compositor whose partial updates cost what has changed."""

    _changed: set[Region] | None = None

    def render_partial_update(self) -> ChopsUpdate | None:
        """Paint what has changed: those places, not all that lies between them."""
        self._changed = set(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._changed = None

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None:
            for region, clip, strips in super()._get_renders():
                yield region, clip, strips
                _let_go(strips)
            return
        # The cells of each row that are still to be painted, as bits: front to back, what is hidden is not asked.
        left = [0] * crop.height
        for place in (crop,) if self._changed is None else self._changed:
            seen = place.intersection(crop)
            for row in range(seen.y - crop.y, seen.bottom - crop.y):
                left[row] |= (1 << seen.right) - (1 << seen.x)
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip).intersection(crop)
            cells = (1 << seen.right) - (1 << seen.x)
            asked = [row for row in range(seen.y - crop.y, seen.bottom - crop.y) if left[row] & cells]
            if not asked:
                continue
            seen = Region(seen.x, crop.y + asked[0], seen.width, asked[-1] - asked[0] + 1)
            # A widget is asked for whole rows: what is beside the changed cells is in them.
            rows = Region(0, seen.y, self.size.width, seen.height)
            painted = region.intersection(clip).intersection(rows)
            strips = widget.render_lines(painted.translate(-region.offset))
            yield region, painted, strips
            _let_go(strips)
            for row in asked:
                left[row] &= ~cells
            if not any(left):
                return


def _let_go(strips: list[Strip]) -> None:
    """Have strips that were painted whole forget it: they would keep themselves alive until the collector comes."""
    for strip in strips:
        if strip._divide_cache.get((strip.cell_length,)) is not None:
            strip._divide_cache.clear()
