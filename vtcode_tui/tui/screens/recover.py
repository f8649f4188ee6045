"""The recovery screen: the last session in this folder was cut off; go on with it, or begin a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, Line, Span, Style, cut, fold, plain_line, spans_of
from vtcode_tui.tui.panes.heading import Heading, facts
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from vtcode_tui.sessions import Interrupted


class RecoverText(Sheet):
    """What is known of the session that was cut off."""

    def __init__(self, found: Interrupted) -> None:
        super().__init__(id="recover-text")
        self._found = found
        self._rows: list[Line] = []

    def redraw(self) -> None:
        """Lay the words out."""
        meta, cells = self._found.listed.meta, self.text_width - 2
        front = (Span("  "),)

        def words(text: str, style: Style = MUTED) -> list[Line]:
            return fold(spans_of(text, style), cells, first=front, rest=front)

        rows = [Line(), *words("The last session here was cut off", Style("heading")), Line()]
        rows += [
            facts("prompt", *spans_of(cut(plain_line(meta.title or "none yet"), max(8, cells - 12)))),
            facts("begun", *spans_of(plain_line(meta.started[:19].replace("T", " ")))),
            facts("turns", *spans_of(str(meta.turns))),
            Line(),
        ]
        unknown = len(self._found.under_way)
        if unknown:
            calls = "1 call was" if unknown == 1 else f"{unknown} calls were"
            rows += words(
                f"{calls} under way. Nothing runs a second time by itself: the outcome is unknown, and the model "
                "is told to look first.",
                Style("caution"),
            )
        rows += words("Its conversation, its staged changes and its journal are as they were.")
        self._rows = rows
        super().redraw()

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]


class Recover(ModalScreen[bool]):
    """True: go on with that session. The key is a chord, so that nothing typed ahead answers."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+r", "answer(True)", priority=True, show=False),
        Binding("escape", "answer(False)", priority=True, show=False),
        Binding("ctrl+q", "app.leave", priority=True, show=False),
    ]

    def __init__(self, found: Interrupted) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        """A heading, the words, the answers."""
        with Vertical(id="recover"):
            yield Heading("recovery", "")
            yield RecoverText(self._found)
            yield Heading("", "")

    def on_mount(self) -> None:
        """Show the keys."""
        first, last = self.query(Heading)
        first.tell("", "")
        go_on, stay = " ^R go on with it ", " esc stay in the new session "
        last.show(
            (Span("  "), Span(go_on, Style("good", "human", bold=True)), Span("  "), Span(stay, MUTED)),
            actions={go_on: "screen.answer(True)", stay: "screen.answer(False)"},
        )
        self.query_one(RecoverText).focus()

    def action_answer(self, go_on: bool) -> None:
        """Take the answer."""
        self.dismiss(go_on)
