"""One question with a line to write the answer on, at the bottom of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, Span, Style, plain, plain_line, spans_of
from vtcode_tui.tui.keys import Hint
from vtcode_tui.tui.panes.heading import Keys, Row, hinted
from vtcode_tui.tui.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable


class AnswerLine(Writing):
    """Where the answer is written."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("enter", "screen.give", "give the answer", show=False),
        Binding("ctrl+j,shift+enter,alt+enter", "screen.newline", "a new line", show=False),
    ]


class Ask(ModalScreen[str | None]):
    """Asks for a text; Enter gives it, Escape gives None.

    `take` is handed the text first and answers with what is wrong about it, or with nothing: what cannot be taken
    stays where it was written, with that sentence below it. What is typed takes the place of a text that is
    only `suggested`.
    """

    BINDINGS: ClassVar[list[Any]] = [
        Binding("escape", "leave", "leave it", show=False),
    ]

    def __init__(
        self,
        title: str,
        text: str = "",
        *,
        hint: str = "",
        several: bool = False,
        suggested: bool = False,
        take: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._text, self._hint, self._several, self._take = title, text, hint, several, take
        self._suggested = suggested

    def compose(self) -> ComposeResult:
        """A title, a hint, and the line."""
        with Vertical(id="ask"):
            yield Row(id="ask-title")
            yield AnswerLine(plain(self._text), id="ask-text")
            yield Keys(id="ask-hint")

    def on_mount(self) -> None:
        """Show the question; the cursor stands at the end of what is there already."""
        title = spans_of(plain_line(self._title), Style("heading"))
        keys, clicks = hinted((Hint("enter", "gives it", "enter"), Hint("esc", "leaves it", "escape")))
        self.query_one("#ask-title", Row).show((Span(" "), *title), (*keys, Span(" ")), actions=clicks)
        self._below(self._hint, MUTED)
        area = self.query_one(AnswerLine)
        area.move_cursor(area.document.end)
        if self._suggested:
            area.select_all()
        area.focus()

    def _below(self, text: str, style: Style) -> None:
        row = self.query_one("#ask-hint", Keys)
        row.show((Span(" "), *(Span(f"{word} ", style) for word in plain_line(text).split())))
        row.display = bool(text)

    def action_give(self) -> None:
        """Take what is written."""
        text = self.query_one(AnswerLine).text
        if self._take is not None and (complaint := self._take(text)):
            self._below(complaint, Style("bad"))
            return
        self.dismiss(text)

    def action_newline(self) -> None:
        """Begin a new line, where several make sense."""
        if self._several:
            self.query_one(AnswerLine).insert("\n")

    def action_leave(self) -> None:
        """Take nothing."""
        self.dismiss(None)
