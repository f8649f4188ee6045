"""The recovery screen: the last session in this folder was cut off; go on with it, or begin a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Line, Style
from vtcode_tui.tui.screens.question import Answer, Question, keys_of, session_facts, words

if TYPE_CHECKING:
    from vtcode_tui.sessions import Interrupted


class Recover(Question):
    """`go on` with that session, or `stay` in the new one."""

    TITLE_WORD = "recovery"
    ANSWERS = (Answer("ctrl+r", "go on", "go on with it"), Answer("escape", "stay", "stay in the new session"))
    BINDINGS = keys_of(ANSWERS)

    def __init__(self, found: Interrupted) -> None:
        super().__init__()
        self._found = found

    def lay(self, cells: int) -> list[Line]:
        """What is known of the session that was cut off."""
        rows = [
            Line(),
            *words("The last session here was cut off", cells, Style("heading")),
            Line(),
            *session_facts(self._found.listed.meta, cells, "none yet"),
            Line(),
        ]
        if unknown := len(self._found.unknown):
            calls = "1 call was" if unknown == 1 else f"{unknown} calls were"
            told = (
                f"{calls} under way. Nothing runs a second time by itself: the outcome is unknown, and the model "
                "is told to look first."
            )
            rows += words(told, cells, Style("caution"))
        kept = "Its conversation, its staged changes and its journal are as they were."
        return [*rows, *words(kept, cells, MUTED)]
