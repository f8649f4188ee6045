"""The help screen: every key, from the table that the bindings are made of."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, Line, Span, Style, fold
from vtcode_tui.tui.commands import COMMANDS
from vtcode_tui.tui.keys import PANE, bindings, rows
from vtcode_tui.tui.panes.heading import CLOSES, Heading
from vtcode_tui.tui.sheet import Sheet

NAMES = 26
"""Cells of the keys in a wide window."""


def help_rows(chosen: dict[str, str], cells: int = 200) -> list[Line]:
    """Groups of keys, then the /commands, in rows of so many cells."""
    names = min(NAMES, max(10, cells // 3))
    shown: list[Line] = []
    last = ""
    for group, keys, text in rows(chosen=chosen):
        if group != last:
            shown += [Line(), Line((Span(f"  {group}", Style("heading")),))]
            last = group
        shown += _pair(keys, text, names, cells)
    shown += [Line(), Line((Span("  Commands of the prompt", Style("heading")),))]
    for command in COMMANDS:
        shown += _pair(f"/{command.name} {command.argument}".strip(), command.text, names, cells)
    shown += _pair("!command", "run it in the sandbox, in the terminal pane", names, cells)
    shown += _pair("@path", "name a file; tab completes", names, cells)
    note = "Keys can be changed in vtcode.toml: [interface.keys], by the names in docs/keys.md."
    indent = (Span("  "),)
    return [*shown, Line(), *fold((Span(note, MUTED),), cells, first=indent, rest=indent)][1:]


def _pair(keys: str, text: str, names: int, cells: int) -> list[Line]:
    """Keys and what they do; long words go on below, under themselves."""
    first = (Span(f"  {keys:<{names}} ", Style("accent")),)
    rest = (Span(" " * (names + 3)),)
    if len(keys) > names:
        return [Line(first), *fold((Span(text),), cells, first=rest, rest=rest)]
    return fold((Span(text),), cells, first=first, rest=rest)


class HelpText(Sheet):
    """The rows of help."""

    BINDINGS: ClassVar[list[Any]] = bindings(PANE)

    def __init__(self, chosen: dict[str, str]) -> None:
        super().__init__(id="help-text")
        self._chosen = chosen
        self._rows: list[Line] = []

    def redraw(self) -> None:
        """Lay the rows out for the width, once there is one: a screen of single letters would be seen before."""
        if not self.size.width:
            return
        self._rows = help_rows(self._chosen, self.text_width)
        super().redraw()

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
            yield Heading("keys and commands", CLOSES)
            yield HelpText(self._chosen)

    def on_mount(self) -> None:
        """The sheet has the keys."""
        sheet = self.query_one(HelpText)
        sheet.redraw()
        sheet.focus()
