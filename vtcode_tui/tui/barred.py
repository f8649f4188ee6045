"""A view whose scroll bar says where its rows are, from the moment that it appears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.scroll_view import ScrollView

if TYPE_CHECKING:
    from textual.scrollbar import ScrollBar


class Barred(ScrollView):
    """Textual tells a bar where the rows are only while it is on the screen."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The bar at the right, made when it is first wanted."""
        if self._vertical_scrollbar is None:
            from vtcode_tui.tui.scroll_bar import Bar  # loaded when a pane is full, not with the first paint

            self._vertical_scrollbar = Bar(thickness=self.scrollbar_size_vertical)
            self._vertical_scrollbar.display = False
            self.app._start_widget(self, self._vertical_scrollbar)
        return self._vertical_scrollbar

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Tell it what was scrolled before."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y
