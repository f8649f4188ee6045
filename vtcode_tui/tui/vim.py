"""A few vim keys for the prompt, as a choice (`[interface] vim = true`): normal and insert mode, motions, d and c.

A table from key to what it does; the text area keeps the text, the cursor and the undo.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.widgets import TextArea

MOTIONS: dict[str, Callable[[TextArea], None]] = {
    "h": lambda area: area.action_cursor_left(),
    "l": lambda area: area.action_cursor_right(),
    "j": lambda area: area.action_cursor_down(),
    "k": lambda area: area.action_cursor_up(),
    "w": lambda area: _next_word(area),
    "e": lambda area: _end_of_word(area),
    "b": lambda area: area.action_cursor_word_left(),
    "0": lambda area: area.move_cursor((area.cursor_location[0], 0)),
    "^": lambda area: _first_letter(area),
    "$": lambda area: area.action_cursor_line_end(),
    "g": lambda area: area.move_cursor((0, 0)),
    "G": lambda area: area.move_cursor(area.document.end),
}
EDITS: dict[str, Callable[[TextArea], None]] = {
    "x": lambda area: area.action_delete_right(),
    "X": lambda area: area.action_delete_left(),
    "D": lambda area: area.action_delete_to_end_of_line(),
    "u": lambda area: area.undo(),
    "p": lambda area: area.action_paste(),
}
INSERTS: dict[str, Callable[[TextArea], None]] = {
    "i": lambda area: None,
    "a": lambda area: area.action_cursor_right(),
    "I": lambda area: area.move_cursor((area.cursor_location[0], 0)),
    "A": lambda area: area.action_cursor_line_end(),
    "o": lambda area: _open_line(area),
    "O": lambda area: _open_line_above(area),
    "s": lambda area: area.action_delete_right(),
    "S": lambda area: area.action_delete_line(),
    "C": lambda area: area.action_delete_to_end_of_line(),
}


_WORD = re.compile(r"\w+\s*|[^\w\s]+\s*|\s+")
_END = re.compile(r"\w+|[^\w\s]+")


def _next_word(area: TextArea) -> None:
    row, column = area.cursor_location
    found = _WORD.match(area.document.get_line(row), column)
    if found is not None:
        area.move_cursor((row, found.end()))
    elif row + 1 < area.document.line_count:
        area.move_cursor((row + 1, 0))


def _end_of_word(area: TextArea) -> None:
    row, column = area.cursor_location
    found = _END.search(area.document.get_line(row), column + 1)
    if found is not None:
        area.move_cursor((row, found.end() - 1))
    elif row + 1 < area.document.line_count:
        first = _END.search(area.document.get_line(row + 1))
        area.move_cursor((row + 1, first.end() - 1 if first else 0))


def _first_letter(area: TextArea) -> None:
    row = area.cursor_location[0]
    line = area.document.get_line(row)
    area.move_cursor((row, len(line) - len(line.lstrip())))


def _open_line_above(area: TextArea) -> None:
    row = area.cursor_location[0]
    area.insert("\n", (row, 0))
    area.move_cursor((row, 0))


def _open_line(area: TextArea) -> None:
    area.action_cursor_line_end()
    area.insert("\n")


class Vim:
    """The mode, and an operator that waits for its motion."""

    def __init__(self) -> None:
        self.insert = True
        self._operator = ""

    def press(self, letter: str, area: TextArea) -> bool:
        """Handle a letter in normal mode; False in insert mode, where letters are text."""
        if self.insert:
            return False
        if self._operator:
            operator, self._operator = self._operator, ""
            self._operate(operator, letter, area)
            area.history.checkpoint()
        elif letter in "dc":
            self._operator = letter
        elif letter in INSERTS:
            INSERTS[letter](area)
            self.insert = True
        elif act := MOTIONS.get(letter) or EDITS.get(letter):
            act(area)
            area.history.checkpoint()
        return True

    def _operate(self, operator: str, letter: str, area: TextArea) -> None:
        if letter == operator:
            area.action_delete_line()
            _first_letter(area)
        elif motion := MOTIONS.get(letter):
            start = area.cursor_location
            motion(area)
            row, column = area.cursor_location
            end = (row, column + 1) if letter == "e" and (row, column) != start else (row, column)
            area.delete(start, end, maintain_selection_offset=False)
        else:
            return
        self.insert = operator == "c"
