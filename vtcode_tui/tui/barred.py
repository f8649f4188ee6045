"""A view whose scroll bar says where its rows are, from the moment that it appears."""

from __future__ import annotations

from textual.scroll_view import ScrollView


class Barred(ScrollView):
    """Textual tells a bar where the rows are only while it is on the screen."""

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Tell it what was scrolled before."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y
