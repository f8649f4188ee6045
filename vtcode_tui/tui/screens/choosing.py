"""What every list on a screen of its own has in common: rows to choose from, and how keys and mouse choose."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import events
from textual.screen import ModalScreen
from textual.widgets import Input

from vtcode_tui.render import Line
from vtcode_tui.tui.sheet import Sheet

Result = TypeVar("Result")


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

    @property
    def shows_cursor(self) -> bool:
        """Always: the keys are in the line above."""
        return True

    def row(self, y: int) -> Line:
        """One of them; the chosen one stands on a ground of its own."""
        row = self.all[self.shown[y]]
        if y != self.cursor:
            return row
        spans = tuple(span._replace(style=span.style._replace(ground="human", bold=True)) for span in row.spans)
        return Line(spans, fill="human")


class Choosing(ModalScreen[Result]):
    """A screen with a line to type on and rows to choose from: Enter or a click takes one."""

    CLICKS: ClassVar[int] = 2
    """How many clicks take a row; fewer only look at it."""

    def __init__(self, rows: list[Line]) -> None:
        super().__init__()
        self._choices = Choices(rows)

    def action_take(self) -> None:
        """Do what the rows are for with the one under the cursor."""
        raise NotImplementedError

    def _looked_at(self) -> None:
        """The cursor stands on another row."""

    def _place(self) -> int | None:
        """Which of all rows the cursor is on; None where no row is shown."""
        shown, cursor = self._choices.shown, self._choices.cursor or 0
        return shown[cursor] if cursor < len(shown) else None

    def action_move(self, delta: int) -> None:
        """Another row."""
        if self._choices.shown:
            self._choices.put_cursor((self._choices.cursor or 0) + delta)
            self._looked_at()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the row under the cursor."""
        event.stop()
        self.action_take()

    def on_click(self, event: events.Click) -> None:
        """Look at the row under the mouse, or take it."""
        if event.widget is not self._choices:
            return
        y = event.y + int(self._choices.scroll_offset.y)
        if y < len(self._choices.shown):
            self._choices.put_cursor(y)
            self._looked_at()
            if event.chain >= self.CLICKS:
                self.action_take()
