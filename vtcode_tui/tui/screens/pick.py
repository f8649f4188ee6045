"""A list to choose one thing from: type to narrow it, Enter takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from vtcode_tui.render import Line
from vtcode_tui.tui.panes.heading import Heading
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual import events


class Choices(Sheet, can_focus=False):
    """The rows that match."""

    def __init__(self, rows: list[Line]) -> None:
        super().__init__(id="pick-rows")
        self.all = rows
        self.shown = list(range(len(rows)))
        self.cursor = 0

    def narrow(self, text: str) -> None:
        """Keep the rows that hold every word."""
        words = text.lower().split()
        self.shown = [i for i, row in enumerate(self.all) if all(word in row.text.lower() for word in words)]
        self.cursor = 0
        self.scroll_to(y=0, animate=False, immediate=True)
        self.redraw()

    def row_count(self) -> int:
        """Those that match."""
        return len(self.shown)

    def row(self, y: int) -> Line:
        """One of them; the chosen one stands on a ground of its own."""
        row = self.all[self.shown[y]]
        if y != self.cursor:
            return row
        spans = tuple(span._replace(style=span.style._replace(ground="human", bold=True)) for span in row.spans)
        return Line(spans, fill="human")


class Pick(ModalScreen[int | None]):
    """Gives the index of the chosen row, or None."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("escape", "leave", show=False),
        Binding("down,ctrl+n", "move(1)", show=False),
        Binding("up,ctrl+p", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]

    def __init__(self, title: str, rows: list[Line]) -> None:
        super().__init__()
        self._title = title
        self._choices = Choices(rows)

    def compose(self) -> ComposeResult:
        """A heading, a line to type on, the rows."""
        with Vertical(id="pick"):
            yield Heading(self._title, "enter takes it  esc leaves")
            yield Input(placeholder="type to narrow", id="pick-text", compact=True, select_on_focus=False)
            yield self._choices

    def on_mount(self) -> None:
        """The line has the keys."""
        line = self.query_one(Input)
        line.cursor_blink = False
        line.focus()
        self._choices.redraw()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow."""
        event.stop()
        self._choices.narrow(event.value)

    def on_click(self, event: events.Click) -> None:
        """A click takes the row under it."""
        if event.widget is self._choices:
            y = event.y + int(self._choices.scroll_offset.y)
            if y < len(self._choices.shown):
                self.dismiss(self._choices.shown[y])

    def action_move(self, delta: int) -> None:
        """Another row."""
        if self._choices.shown:
            self._choices.put_cursor((self._choices.cursor or 0) + delta)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the chosen row."""
        event.stop()
        shown = self._choices.shown
        self.dismiss(shown[self._choices.cursor or 0] if shown else None)

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)
