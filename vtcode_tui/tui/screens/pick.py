"""A list to choose one thing from: type to narrow it, Enter takes it."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input

from vtcode_tui.render import Line
from vtcode_tui.tui.panes.heading import LEAVES, TAKES, Heading
from vtcode_tui.tui.screens.choosing import Choosing


class Pick(Choosing[int | None]):
    """Gives the index of the chosen row, or None."""

    CLICKS = 1
    BINDINGS: ClassVar[list[Any]] = [
        Binding("escape", "leave", show=False),
        Binding("down,ctrl+n", "move(1)", show=False),
        Binding("up,ctrl+p", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]

    def __init__(self, title: str, rows: list[Line]) -> None:
        super().__init__(rows)
        self._title = title

    def compose(self) -> ComposeResult:
        """A heading, a line to type on, the rows."""
        with Vertical(id="pick"):
            yield Heading(self._title, TAKES, LEAVES)
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

    def action_take(self) -> None:
        """Give the row under the cursor."""
        self.dismiss(self._place())

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)
