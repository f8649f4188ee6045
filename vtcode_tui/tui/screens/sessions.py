"""The session picker: earlier sessions, the newest first, narrowed by typing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtcode_tui.common.home import Home
from vtcode_tui.render import MUTED, Line, Span, Style, cut, pad, plain_line, spans_of
from vtcode_tui.sessions import Listed, sessions
from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    from textual.app import App


def row_of(listed: Listed) -> Line:
    """A session in one row: when, where, what about, how long."""
    meta = listed.meta
    when = plain_line((meta.updated or meta.started)[:16].replace("T", " "))
    where = pad(cut(plain_line(Path(meta.workspace).name or meta.workspace), 18), 18)
    title = cut(plain_line(meta.title or "no prompt yet"), 60)
    note = "" if meta.ended else "  not closed"
    return Line(
        (
            Span(f" {when}  ", MUTED),
            *spans_of(f"{where}  ", Style("accent")),
            *spans_of(title),
            Span(f"  {meta.turns} turns" if meta.turns != 1 else "  1 turn", MUTED),
            Span(note, Style("caution")),
        )
    )


def pick_session(app: App[Any], chosen: Callable[[Path], None]) -> None:
    """Show the list over the app and hand the chosen session's folder on."""
    found = sessions(Home.from_environment())

    def take(index: int | None) -> None:
        if index is not None:
            chosen(found[index].folder)

    app.push_screen(Pick("sessions", [row_of(one) for one in found]), take)


class PickerApp(BaseApp):
    """The list alone, for `vtcode resume` and `vtcode replay` without a name."""

    def __init__(self, found: tuple[Listed, ...], title: str) -> None:
        super().__init__()
        self._found, self._title = found, title
        self.chosen: Path | None = None

    def on_mount(self) -> None:
        """Show the list; leaving it leaves."""

        def take(index: int | None) -> None:
            self.chosen = None if index is None else self._found[index].folder
            self.exit(0)

        self.push_screen(Pick(self._title, [row_of(one) for one in self._found]), take)
