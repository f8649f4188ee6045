"""The cells of one screen (main or alternate), with the operations that move them.

A row is two strings of the same length: its characters, one to a cell, and the ids of their pens. Rows are as
long as what was written to them; what is missing is blank. The cell right of a wide character holds NUL; a cell of
several code points holds a stand-in (`Clusters`). Strings are replaced and never changed, so that whoever kept a
row has it still: a snapshot, the last picture drawn.
"""

from __future__ import annotations

from collections import deque
from itertools import chain

from vtcode_tui.terminal.pens import PLAIN_ID

SPACER = "\0"
_SHARED = 300
_PLAIN_ROWS = [PLAIN_ID * size for size in range(_SHARED + 1)]

Row = tuple[str, str, bool]
"""Characters, pens, and whether the row goes on in the next one."""


class Clusters:
    """Stand-ins for cells that hold several code points (letters with marks, joined emoji)."""

    _FIRST = 0x100000
    _MOST = 4096

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._known: dict[str, str] = {}
        self.table: dict[int, str] = {0: ""}
        """For `str.translate`: stand-in -> text; NUL disappears."""

    def copy(self) -> Clusters:
        """Other stand-ins for the same texts."""
        new = Clusters()
        new._texts, new._known, new.table = self._texts.copy(), self._known.copy(), self.table.copy()
        return new

    def joined(self, cell: str, mark: str) -> str:
        """The stand-in for what a cell holds with `mark` added; the cell as it was where that would be too much."""
        text = self.text_of(cell) + mark
        known = self._known.get(text)
        if known is not None:
            return known
        if len(text) > 12 or len(self._texts) >= self._MOST:
            return cell
        new = self._known[text] = chr(self._FIRST + len(self._texts))
        self.table[ord(new)] = text
        self._texts.append(text)
        return new

    def text_of(self, cell: str) -> str:
        """The text of one cell."""
        index = ord(cell) - self._FIRST
        return self._texts[index] if 0 <= index < len(self._texts) else cell


class Grid:
    """Rows of cells. `history` takes the rows that leave at the top of the main screen; None on the alternate."""

    def __init__(self, columns: int, rows: int, history: deque[Row] | None) -> None:
        self.columns = columns
        self.rows = rows
        self.texts = [""] * rows
        self.pens = [""] * rows
        self.wraps = [False] * rows
        self.history = history
        self.scrolled = 0
        """How many rows have left at the top, ever."""

    def write(self, y: int, x: int, text: str, inks: str) -> None:
        """Put narrow characters into cells, each in its pen; they must fit."""
        old = self.texts[y]
        size = len(old)
        if x == size:
            self.texts[y] = old + text
            self.pens[y] += inks
            return
        pens = self.pens[y]
        if x > size:
            self.texts[y] = old + " " * (x - size) + text
            self.pens[y] = pens + PLAIN_ID * (x - size) + inks
            return
        end = x + len(text)
        if SPACER in old:
            old = _parted(_parted(old, x), end)
        self.texts[y] = old[:x] + text + old[end:]
        self.pens[y] = pens[:x] + inks + pens[end:]

    def erase(self, y: int, start: int, end: int, pen: str) -> None:
        """Blank the cells from `start` up to `end`."""
        if end >= self.columns and pen == PLAIN_ID:
            old = self.texts[y]
            if start < len(old):
                if SPACER in old:
                    old = _parted(old, start)
                self.texts[y] = old[:start]
                self.pens[y] = self.pens[y][:start]
        elif start < end:
            self.write(y, start, " " * (end - start), pen * (end - start))
        if end >= self.columns:
            self.wraps[y] = False

    def clear(self, top: int, bottom: int, pen: str) -> None:
        """Blank whole rows, from `top` up to `bottom`."""
        count = bottom - top
        blank = pen != PLAIN_ID
        self.texts[top:bottom] = [" " * self.columns if blank else ""] * count
        self.pens[top:bottom] = [pen * self.columns if blank else ""] * count
        self.wraps[top:bottom] = [False] * count

    def insert_cells(self, y: int, x: int, count: int, pen: str) -> None:
        """Shift the rest of a row right; what is pushed over the edge is gone."""
        old, pens = self._parted_row(y, x)
        if x >= len(old):
            if pen != PLAIN_ID:
                room = min(count, self.columns - x)
                self.write(y, x, " " * room, pen * room)
            return
        text = old[:x] + " " * count + old[x:]
        if len(text) > self.columns and text[self.columns] == SPACER:
            text = text[: self.columns - 1] + " "
        self.texts[y] = text[: self.columns]
        self.pens[y] = (pens[:x] + pen * count + pens[x:])[: self.columns]

    def delete_cells(self, y: int, x: int, count: int, pen: str) -> None:
        """Shift the rest of a row left; blanks come in at the right."""
        old, pens = self._parted_row(y, x)
        if SPACER in old:
            old = _parted(old, x + count)
        if x < len(old):
            self.texts[y] = old[:x] + old[x + count :]
            self.pens[y] = pens[:x] + pens[x + count :]
        if pen != PLAIN_ID:
            begin = max(x, self.columns - count)
            self.write(y, begin, " " * (self.columns - begin), pen * (self.columns - begin))
        self.wraps[y] = False

    def _parted_row(self, y: int, x: int) -> tuple[str, str]:
        old = self.texts[y]
        return (_parted(old, x) if SPACER in old else old), self.pens[y]

    def scroll_up(self, top: int, bottom: int, count: int, pen: str, *, keep: bool = True) -> None:
        """Rows `top` up to `bottom` move up; those at the top go to the history when they leave the screen."""
        count = min(count, bottom - top)
        texts, pens, wraps = self.texts, self.pens, self.wraps
        if keep and top == 0 and self.history is not None:
            self.scrolled += count
            for text, ids, wrap in zip(texts[:count], pens[:count], wraps[:count], strict=True):
                # Most rows have one pen: they share its string instead of keeping one each.
                plain = len(ids) <= _SHARED and not ids.strip(PLAIN_ID)
                self.history.append((text, _PLAIN_ROWS[len(ids)] if plain else ids, wrap))
        del texts[top : top + count], pens[top : top + count], wraps[top : top + count]
        at = bottom - count
        texts[at:at] = [""] * count
        pens[at:at] = [""] * count
        wraps[at:at] = [False] * count
        if pen != PLAIN_ID:
            self.clear(at, bottom, pen)

    def scroll_down(self, top: int, bottom: int, count: int, pen: str) -> None:
        """Rows `top` up to `bottom` move down; those at the bottom are gone."""
        count = min(count, bottom - top)
        for rows in (self.texts, self.pens):
            del rows[bottom - count : bottom]
            rows[top:top] = [""] * count
        del self.wraps[bottom - count : bottom]
        self.wraps[top:top] = [False] * count
        if pen != PLAIN_ID:
            self.clear(top, top + count, pen)

    def resize(self, columns: int, rows: int, y: int) -> int:
        """Take another size; returns the cursor's row. Rows are cut, not wrapped anew: programs redraw."""
        if columns < self.columns:
            for at, text in enumerate(self.texts):
                if len(text) > columns:
                    self.texts[at] = (_parted(text, columns) if SPACER in text else text)[:columns]
                    self.pens[at] = self.pens[at][:columns]
        self.columns = columns
        while self.rows > rows:
            if y < self.rows - 1:
                del self.texts[-1], self.pens[-1], self.wraps[-1]
            else:
                self.scroll_up(0, self.rows, 1, PLAIN_ID)
                del self.texts[-1], self.pens[-1], self.wraps[-1]
                y -= 1
            self.rows -= 1
        while self.rows < rows:
            if self.history:
                text, pens, wrap = self.history.pop()
                text = (_parted(text, columns) if SPACER in text else text)[:columns]
                self.texts.insert(0, text)
                self.pens.insert(0, pens[:columns])
                self.wraps.insert(0, wrap)
                self.scrolled -= 1
                y += 1
            else:
                self.texts.append("")
                self.pens.append("")
                self.wraps.append(False)
            self.rows += 1
        return y

    def used_pens(self) -> set[str]:
        """The ids of all pens in cells."""
        return set().union(*self.pens, *(row[1] for row in self.history or ()))

    def translate_pens(self, table: dict[int, str]) -> None:
        """Rename pens in all cells."""
        self.pens = [pens.translate(table) for pens in self.pens]
        if self.history is not None:
            rows = [(text, pens.translate(table), wrap) for text, pens, wrap in self.history]
            self.history.clear()
            self.history.extend(rows)

    def size_in_cells(self) -> int:
        """How many cells are held, history included."""
        return sum(map(len, chain(self.texts, (row[0] for row in self.history or ()))))


def _parted(text: str, x: int) -> str:
    """The row with the wide character that lies across the left edge of cell `x` replaced by blanks."""
    if 0 < x < len(text) and text[x] == SPACER:
        return text[: x - 1] + "  " + text[x + 1 :]
    return text
