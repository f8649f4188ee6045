"""The diff with the tree of its files beside it, where there is room for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal

from vtcode_tui.tui.panes.files import FileTree

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.tui.panes.diff import DiffPane

ROOM = 100
"""Cells from which a tree beside the diff leaves enough for the diff."""


class DiffBody(Horizontal):
    """Tree and diff."""

    def __init__(self, diff: DiffPane) -> None:
        super().__init__(id="diff-body")
        self.diff = diff
        self.files = FileTree()
        self.wanted = True
        """Whether the person wants the tree where there is room."""

    def compose(self) -> ComposeResult:
        """The tree at the left."""
        yield self.files
        yield self.diff

    @property
    def roomy(self) -> bool:
        """Whether there is room for the tree."""
        return self.size.width >= ROOM

    def show(self) -> None:
        """Other changes, another place in them, or another width."""
        place = self.diff.place()
        self.files.display = self.wanted and self.roomy and len(self.diff.changes.files) > 1
        if self.files.display:
            self.files.show(self.diff.changes, place.path if place is not None else "")

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self.show()
