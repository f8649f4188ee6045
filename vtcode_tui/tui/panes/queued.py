"""What was written while a turn ran and has not been sent: seen above the prompt until it goes, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message

from vtcode_tui.render import MUTED, Line, Span, Style, cut, plain_line, spans_of
from vtcode_tui.render import width as width_of
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.tui.intents import Saying

HINT = "↑ takes the last one back"


class Queued(Sheet, can_focus=False):
    """One row for each prompt that waits, the next one first."""

    ROWS = 3

    class TakeBack(Message):
        """The person clicked on one of them."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self) -> None:
        super().__init__(id="queued")
        self.waiting: tuple[Saying, ...] = ()
        self.display = False

    def show(self, waiting: Sequence[Saying]) -> None:
        """Others wait now."""
        self.waiting = tuple(waiting)
        self.display = bool(self.waiting)
        self.styles.height = max(1, min(self.ROWS, len(self.waiting)))
        self.redraw()

    def row_count(self) -> int:
        """One per prompt."""
        return len(self.waiting)

    def row(self, y: int) -> Line:
        """One prompt in one line; the last row says how to change it."""
        saying = self.waiting[y]
        head = f" {'next' if y == 0 else 'then'}  "
        hint = HINT if y == len(self.waiting) - 1 and self.text_width >= 60 else ""
        room = max(4, self.text_width - len(head) - width_of(hint) - 3)
        text = cut(plain_line(saying.text), room)
        gap = " " * max(1, self.text_width - len(head) - width_of(text) - width_of(hint) - 1)
        return Line((Span(head, Style("caution")), *spans_of(text), Span(gap), Span(hint, MUTED)))

    def on_click(self, event: events.Click) -> None:
        """A click takes that one back."""
        y = event.y + int(self.scroll_offset.y)
        if y < len(self.waiting):
            self.post_message(self.TakeBack(y))
