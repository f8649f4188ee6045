"""Lines of a file in an editor over the screen: the person's own text in place of the agent's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import TextArea

from vtcode_tui.render import Span, Style, plain, plain_line, spans_of
from vtcode_tui.tui.keys import Hint
from vtcode_tui.tui.panes.heading import Row, hinted

if TYPE_CHECKING:
    from vtcode_tui.tui.app import VtcodeApp


class Lines(TextArea):
    """Where they are written; what is pasted is made visible first."""

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = plain(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        self.replace(text, *sorted(self.selection))


class Rewrite(ModalScreen[str | None]):
    """Gives the text as it was left, or None. `line` is the number of its first line."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+s", "give", show=False, priority=True),
        Binding("escape", "leave", show=False, priority=True),
    ]

    def __init__(self, title: str, text: str, *, line: int = 1, hint: str = "") -> None:
        super().__init__()
        self._title, self._text, self._line, self._hint = title, text, line, hint
        self._asked = False

    def compose(self) -> ComposeResult:
        """A title, the lines, what the keys do."""
        with Vertical(id="rewrite"):
            yield Row(id="rewrite-title")
            yield Lines(
                self._text, id="rewrite-text", show_line_numbers=True, line_number_start=max(1, self._line),
                soft_wrap=True, tab_behavior="indent", highlight_cursor_line=True, compact=True,
            )  # fmt: skip
            yield Row(id="rewrite-hint")

    def on_mount(self) -> None:
        """The cursor stands at the beginning."""
        title = spans_of(plain_line(self._title), Style("heading"))
        keys, clicks = hinted((Hint("^S", self._hint, "ctrl+s"), Hint("esc", "leaves it as it was", "escape")))
        self.query_one("#rewrite-title", Row).show((Span(" "), *title))
        self.query_one("#rewrite-hint", Row).show((Span(" "), *keys), actions=clicks)
        lines = self.query_one(Lines)
        lines.cursor_blink = False
        lines.focus()

    def action_give(self) -> None:
        """Take what is written, unless the key came in a burst of others, as in a paste: then it stays open."""
        if cast("VtcodeApp", self.app).typed_alone:
            self._in_turn(self._give)
        else:
            what = "not taken yet: ^S came together with other keys; press it again"
            self.app.notify(what, severity="warning", markup=False, timeout=3)

    def action_leave(self) -> None:
        """Take nothing; what was changed is asked about once."""
        self._in_turn(self._leave)

    def _in_turn(self, act: Callable[[], None]) -> None:
        """Act when all that was typed before is in the text: a key with priority overtakes letters."""
        self.query_one(Lines).call_later(lambda: act() if self.is_current else None)

    def _give(self) -> None:
        self.dismiss(self.query_one(Lines).text)

    def _leave(self) -> None:
        if self.query_one(Lines).text != self._text and not self._asked:
            self._asked = True
            self.app.notify("esc again throws your changes away", severity="warning", markup=False, timeout=3)
            return
        self.dismiss(None)
