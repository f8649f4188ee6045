"""Everything a terminal remembers, and the few motions that all sequences are made of."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import get_character_cell_size

from vtcode_tui.terminal.grid import SPACER, Clusters, Grid
from vtcode_tui.terminal.pens import PLAIN_ID, PenTable

# Characters that are one cell wide for certain; whatever else a text holds is measured one by one.
_UNUSUAL = re.compile(
    r"[^ -~\xa1-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2190-\u2199\u2500-\u25fc\u2800-\u28ff]"
)
# Characters that draw nothing and change how others are drawn: what a row shows must be what it holds.
_UNSEEN = re.compile(
    "[\xad\u034f\u061c\u070f\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0d\ufeff"
    "\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_GRAPHICS = str.maketrans("`abcdefghijklmnopqrstuvwxyz{|}~", "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")
_MOST_REPLY = 4096

Mouse = Literal["off", "press", "click", "drag", "motion"]


@dataclass(frozen=True, slots=True)
class Modes:
    """What the program has asked of whoever sends it keys."""

    application_cursor: bool = False
    application_keypad: bool = False
    bracketed_paste: bool = False
    focus_events: bool = False
    mouse: Mouse = "off"
    mouse_sgr: bool = False
    synchronized: bool = False
    """The program is in the middle of a frame (`?2026`): wait a moment before drawing."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What DECSC keeps and DECRC brings back."""

    x: int = 0
    y: int = 0
    pen: str = PLAIN_ID
    origin: bool = False
    charsets: tuple[bool, bool] = (False, False)
    shifted: bool = False


class State:
    """The terminal between two bytes. `x` equals `columns` when the next character will wrap."""

    def __init__(self, columns: int, rows: int, history: int) -> None:
        self.columns = columns
        self.rows = rows
        self.pens = PenTable()
        self.clusters = Clusters()
        self.counts: Counter[str] = Counter()
        self.main = Grid(columns, rows, deque(maxlen=history))
        self.reply = bytearray()
        self.modes = Modes()
        self.reset()

    def reset(self) -> None:
        """Everything but the history as it was in the beginning (RIS)."""
        self.main.clear(0, self.rows, PLAIN_ID)
        self.alternate: Grid | None = None
        self.grid = self.main
        self.soft_reset()
        self.x = self.y = 0
        self.modes = Modes()
        self.tabs = set(range(8, self.columns, 8))
        self.saved_main = Saved()
        self.last = ""
        """What was written last; REP repeats its last character."""

    def soft_reset(self) -> None:
        """Modes, margins and pen as in the beginning; the picture stays (DECSTR)."""
        self.pen = PLAIN_ID
        self.top, self.bottom = 0, self.rows
        self.origin = False
        self.autowrap = True
        self.inserting = False
        self.newline = False
        self.visible = True
        self.charsets = (False, False)
        self.shifted = False
        self.saved = Saved()
        self.modes = replace(self.modes, application_cursor=False, application_keypad=False)

    @property
    def blank(self) -> str:
        """The pen of cells that are erased now."""
        return PLAIN_ID if self.pen == PLAIN_ID else self.pens.erased(self.pen)

    @property
    def limit(self) -> int:
        """The column up to which plain ASCII may be written as it is; -1 when each character needs a look."""
        return self.columns if self.autowrap and not self.inserting and not self.charsets[self.shifted] else -1

    def put(self, text: str) -> None:
        """Write characters at the cursor."""
        if self.charsets[self.shifted]:
            text = text.translate(_GRAPHICS)
        if not text.isascii() and _UNUSUAL.search(text):
            self._put_unusual(text)
        elif self.inserting or not self.autowrap:
            for char in text:
                self._put_one(char, 1)
        else:
            self._put_narrow(text)

    def _put_narrow(self, text: str) -> None:
        columns, x = self.columns, self.x
        self.last = text
        while True:
            if x >= columns:
                self.grid.wraps[self.y] = True
                self.feed_line()
                x = 0
            if len(text) <= columns - x:
                self.grid.write(self.y, x, text, self.pen * len(text))
                self.x = x + len(text)
                return
            self.grid.write(self.y, x, text[: columns - x], self.pen * (columns - x))
            text = text[columns - x :]
            x = columns

    def _put_unusual(self, text: str) -> None:
        done = 0
        plain = not self.inserting and self.autowrap
        for found in _UNUSUAL.finditer(text):
            at = found.start()
            if at > done:
                if plain:
                    self._put_narrow(text[done:at])
                else:
                    for char in text[done:at]:
                        self._put_one(char, 1)
            char = found.group()
            done = found.end()
            if _UNSEEN.match(char):
                continue
            if char >= "\U00100000" or "\ud800" <= char <= "\udfff":
                char = "\ufffd"
            size = get_character_cell_size(char)
            if size == 0 or self._continues(char):
                self._combine(char)
            else:
                self._put_one(char, min(size, 2))
        if done < len(text):
            if plain:
                self._put_narrow(text[done:])
            else:
                for char in text[done:]:
                    self._put_one(char, 1)

    def _before(self) -> tuple[int, str] | None:
        """The column and the content of the cell that was written last."""
        row = self.grid.texts[self.y]
        at = self.x - 1
        if at > 0 and at < len(row) and row[at] == SPACER:
            at -= 1
        return (at, row[at]) if 0 <= at < len(row) else None

    def _continues(self, char: str) -> bool:
        before = self._before()
        return before is not None and char > "\u2000" and self.clusters.text_of(before[1]).endswith("\u200d")

    def _combine(self, mark: str) -> None:
        before = self._before()
        if before is None:
            return
        at, cell = before
        row, pens = self.grid.texts[self.y], self.grid.pens[self.y]
        wide = row[at + 1 : at + 2] == SPACER
        if mark in "\ufe0e\ufe0f\u200d" and not wide:
            return  # would make a narrow character wide where it is drawn
        joined = self.clusters.joined(cell, mark)
        self.grid.texts[self.y] = row[:at] + joined + row[at + 1 :]
        self.grid.pens[self.y] = pens

    def _put_one(self, char: str, size: int) -> None:
        if size > self.columns:
            return
        if self.x + size > self.columns:
            if self.autowrap:
                self.grid.wraps[self.y] = True
                self.feed_line()
                self.x = 0
            else:
                self.x = self.columns - size
        if self.inserting:
            self.grid.insert_cells(self.y, self.x, size, self.blank)
        self.grid.write(self.y, self.x, char if size == 1 else char + SPACER, self.pen * size)
        self.last = char
        self.x += size
        if not self.autowrap:
            self.x = min(self.x, self.columns - 1)

    def feed_line(self) -> None:
        """The cursor goes down one row; at the bottom margin the region moves up instead."""
        if self.y == self.bottom - 1:
            self.grid.scroll_up(self.top, self.bottom, 1, self.blank)
        elif self.y < self.rows - 1:
            self.y += 1

    def reverse_line(self) -> None:
        """The cursor goes up one row; at the top margin the region moves down instead."""
        if self.y == self.top:
            self.grid.scroll_down(self.top, self.bottom, 1, self.blank)
        elif self.y > 0:
            self.y -= 1

    def move(self, x: int, y: int) -> None:
        """Put the cursor somewhere on the screen."""
        self.x = max(0, min(x, self.columns - 1))
        self.y = max(0, min(y, self.rows - 1))

    def place(self, x: int, y: int) -> None:
        """Put the cursor at coordinates as programs give them: within the margins in origin mode."""
        if self.origin:
            self.x = max(0, min(x, self.columns - 1))
            self.y = max(self.top, min(self.top + y, self.bottom - 1))
        else:
            self.move(x, y)

    def tab(self, count: int) -> None:
        """Go to a tab stop further right, or further left for negative counts."""
        if count > 0 and self.x >= self.columns - 1:
            return  # nowhere to go; a wrap that is due stays due
        x = min(self.x, self.columns - 1)
        for _ in range(min(abs(count), self.columns)):
            if count > 0:
                x = min((stop for stop in self.tabs if stop > x), default=self.columns - 1)
            else:
                x = max((stop for stop in self.tabs if stop < x), default=0)
        self.x = x

    def save(self) -> Saved:
        """What DECSC keeps."""
        return Saved(self.x, self.y, self.pen, self.origin, self.charsets, self.shifted)

    def restore(self, saved: Saved) -> None:
        """What DECRC does."""
        self.origin = saved.origin
        self.x, self.y = min(saved.x, self.columns), min(saved.y, self.rows - 1)
        self.pen, self.charsets, self.shifted = saved.pen, saved.charsets, saved.shifted

    def use_alternate(self, on: bool) -> None:
        """Change between main and alternate screen; the alternate one is empty whenever it is entered."""
        if on and self.alternate is None:
            self.grid = self.alternate = Grid(self.columns, self.rows, None)
        elif not on:
            self.alternate = None
            self.grid = self.main

    def answer(self, text: str) -> None:
        """Queue an answer to a question of the program; dropped when nobody fetches them."""
        if len(self.reply) + len(text) <= _MOST_REPLY:
            self.reply += text.encode("ascii")

    def resize(self, columns: int, rows: int) -> None:
        """Take another size; margins go, tab stops come with new columns."""
        main_y = self.y if self.grid is self.main else self.saved_main.y
        main_y = self.main.resize(columns, rows, min(main_y, self.main.rows - 1))
        if self.alternate is not None:
            self.y = self.alternate.resize(columns, rows, self.y)
            self.saved_main = replace(self.saved_main, y=main_y)
        else:
            self.y = main_y
        self.tabs |= set(range(-(-self.columns // 8) * 8 or 8, columns, 8))
        self.tabs = {stop for stop in self.tabs if stop < columns}
        self.columns, self.rows = columns, rows
        self.top, self.bottom = 0, rows
        self.x = min(self.x, columns - 1)
        self.y = min(self.y, rows - 1)
