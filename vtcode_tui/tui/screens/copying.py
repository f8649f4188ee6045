"""Going on in a copy of a session that is not open: what the copy would begin with, then the person's word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Line, Style
from vtcode_tui.tui.screens.question import Answer, Question, keys_of, session_facts, words

if TYPE_CHECKING:
    from vtcode_tui.sessions import Listed

_NAMED = 6


class Copying(Question):
    """`make` the copy, or `stay`."""

    TITLE_WORD = "go on in a copy"
    ANSWERS = (Answer("ctrl+r", "make", "make the copy"), Answer("escape", "stay", "stay in the list"))
    BINDINGS = keys_of(ANSWERS)

    def __init__(self, listed: Listed, staged: Sequence[str]) -> None:
        super().__init__()
        self._listed, self._staged = listed, staged

    def lay(self, cells: int) -> list[Line]:
        """What it is a copy of, and what is staged there."""
        rows = [
            Line(),
            *words("The copy has all of the conversation; the session stays as it is", cells, Style("heading")),
            Line(),
            *session_facts(self._listed.meta, cells, "none"),
            Line(),
        ]
        if not self._staged:
            return [*rows, *words("Nothing is staged there.", cells, MUTED)]
        rows += words("What is staged there comes along when the copy is opened, as far as it still fits:", cells)
        for path in self._staged[:_NAMED]:
            rows += words(f"· {path}", cells, Style("accent"))
        more = len(self._staged) - _NAMED
        return rows + (words(f"and {more} more", cells, MUTED) if more > 0 else [])
