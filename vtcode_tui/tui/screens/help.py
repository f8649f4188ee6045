"""The help screen: every key, from the table that the bindings are made of."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, Line, Span, Style
from vtcode_tui.tui.commands import COMMANDS
from vtcode_tui.tui.keys import PANE, bindings, rows
from vtcode_tui.tui.panes.heading import Heading
from vtcode_tui.tui.sheet import Sheet


def help_rows(chosen: dict[str, str]) -> list[Line]:
    """Groups of keys, then the /commands."""
    shown: list[Line] = []
    last = ""
    for group, keys, text in rows(chosen=chosen):
        if group != last:
            shown += [Line(), Line((Span(f"  {group}", Style("heading")),))]
            last = group
        shown.append(Line((Span(f"  {keys:<26} ", Style("accent")), Span(text))))
    shown += [Line(), Line((Span("  Commands of the prompt", Style("heading")),))]
    for command in COMMANDS:
        words = f"/{command.name} {command.argument}".strip()
        shown.append(Line((Span(f"  {words:<26} ", Style("accent")), Span(command.text))))
    shown += [
        Line((Span(f"  {'!command':<26} ", Style("accent")), Span("run it in the sandbox, in the terminal pane"))),
        Line((Span(f"  {'@path':<26} ", Style("accent")), Span("name a file; tab completes"))),
        Line(),
        Line(
            (Span("  Keys can be changed in vtcode.toml: [interface.keys], by the names in docs/keys.md.", MUTED),)
        ),
    ]
    return shown[1:]


class HelpText(Sheet):
    """The rows of help."""

    BINDINGS: ClassVar[list[Any]] = bindings(PANE)

    def __init__(self, shown: list[Line]) -> None:
        super().__init__(id="help-text")
        self._rows = shown

    def row_count(self) -> int:
        """All of them."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]


class Help(ModalScreen[None]):
    """All keys on one sheet."""

    BINDINGS: ClassVar[list[Any]] = [Binding("escape,q,f1", "app.pop_screen", "close", priority=True, show=False)]

    def __init__(self, chosen: dict[str, str]) -> None:
        super().__init__()
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """A heading and the sheet."""
        with Vertical(id="help"):
            yield Heading("keys and commands", "esc closes")
            yield HelpText(help_rows(self._chosen))

    def on_mount(self) -> None:
        """The sheet has the keys."""
        sheet = self.query_one(HelpText)
        sheet.redraw()
        sheet.focus()
