"""Any number of blocks in one sheet. Only what is on the screen is laid out.

Blocks keep the height they had last; those that come near the screen are laid out at the present width, and the
block at the top of the screen stays where it is while heights above it change.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate

from textual import events
from textual.message import Message

from vtcode_tui.render import Line
from vtcode_tui.tui.panes.blocks import GUTTER, Block, Said
from vtcode_tui.tui.panes.gone import Gone
from vtcode_tui.tui.sheet import Sheet

FRAME = 1 / 30
SOON, SELDOM = 1 / 250, 1 / 6
"""Seconds until the next part of a long answer is laid out, and between two paintings meanwhile."""
MANY = 200
"""Rows of a block that stay as they are while another width is painted first."""
CODE_MARGIN = 2
"""Cells that listings and results are set in by."""
KEPT = 96
"""Blocks whose rows are kept."""


class BlockSheet(Sheet):
    """Blocks from top to bottom, with their rows."""

    follow_at_start = True

    class News(Message):
        """How much came while the person reads further up."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.blocks: list[Block] = []
        self._heights: list[int] = []
        self._widths: list[int] = []
        self._starts: list[int] = [0]
        self._stale = False
        self._rows: OrderedDict[int, Sequence[Line]] = OrderedDict()
        self._pending = False
        self._late: list[Block] = []  # more of these is to be laid out, one after the other
        self._drawn = 0.0
        self.news = 0

    def lead(self, row: Line) -> int:
        """The mark of the block, and what code is set in by."""
        return GUTTER + CODE_MARGIN if row.fill == "code" else GUTTER

    # What is in it.

    def add(self, block: Block) -> None:
        """Put a block at the end."""
        self.blocks.append(block)
        self._heights.append(1)
        self._widths.append(-1)
        self._stale = True
        if not self.following:
            self.news += 1
            self.post_message(self.News(self.news))
        self.soon()

    def changed(self, block: Block) -> None:
        """A block looks different now."""
        index = self._place(block)
        if index is not None:
            self._widths[index] = -1
            if not self.following and not self.news and index == len(self.blocks) - 1 and self._ends_below():
                self.news = 1
                self.post_message(self.News(1))
            self.soon()

    def _ends_below(self) -> bool:
        return self.row_count() > int(self.scroll_offset.y) + self.size.height

    def _place(self, block: Block) -> int | None:
        # Live blocks are near the end: looking for them from there is quick however long the chat is.
        places = range(len(self.blocks) - 1, -1, -1)
        return next((index for index in places if self.blocks[index] is block), None)

    def clear(self) -> None:
        """Forget everything (the viewer goes back in time)."""
        self.blocks.clear()
        self._heights.clear()
        self._widths.clear()
        self._rows.clear()
        self._stale = True
        self._late.clear()
        self.news = 0
        self.following = True
        self.soon()

    def restore(self, blocks: list[Block]) -> None:
        """Show other blocks, from their end (the viewer goes to another time)."""
        self.clear()
        self.blocks.extend(blocks)
        self._heights.extend([1] * len(blocks))
        self._widths.extend([-1] * len(blocks))

    def soon(self, seconds: float = FRAME) -> None:
        """Draw with the next frame: a thousand pieces of an answer are thirty paintings a second."""
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(seconds, self._frame)

    def now(self) -> None:
        """Draw what waits for the next frame with what is drawn next."""
        self._frame()

    def _frame(self) -> None:
        if not self._pending:
            return
        self._pending = False
        late = self._late.pop(0) if self._late else None
        index = self._place(late) if late is not None else None
        if index is not None:
            self._widths[index] = -1
        if late is not None and time.monotonic() < self._drawn + SELDOM:
            if index is not None:
                self._lay(index)
            if late.behind:
                return
        self._drawn = time.monotonic()
        self.redraw()
        if self._late:
            self.soon(SOON)

    def _later(self, block: Block) -> None:
        if not any(each is block for each in self._late):
            self._late.append(block)
        self.soon(SOON)

    # Rows.

    def row_count(self) -> int:
        """All rows, some of them estimated."""
        if self._stale:
            self._starts = [0, *accumulate(self._heights)]
            self._stale = False
        return self._starts[-1]

    def _lay(self, index: int) -> Sequence[Line]:
        width = self.text_width
        rows = self._rows.get(index)
        if rows is not None and self._widths[index] not in (width, -1) and len(rows) > MANY:
            # For another width: not within the painting that asks for its rows, which holds everything else.
            self._later(self.blocks[index])
        elif rows is None or self._widths[index] != width:
            block, before = self.blocks[index], rows
            rows = block.lay_part(width)
            if block.behind:
                self._later(block)
                if block.again:
                    # As it was, or its room, until the whole is there: nothing jumps.
                    rows = before or [*rows, *[Line()] * (self._heights[index] - len(rows))]
            self._rows[index] = rows
            while len(self._rows) > KEPT:
                self._rows.popitem(last=False)
            self._widths[index] = width
            if self._heights[index] != len(rows):
                self._heights[index] = len(rows)
                self._stale = True
        else:
            self._rows.move_to_end(index)
        return rows

    def _block_at(self, y: int) -> int:
        self.row_count()
        return min(max(0, bisect_right(self._starts, y) - 1), len(self.blocks) - 1)

    def row(self, y: int) -> Line:
        """One row, from its block."""
        return next(self.rows(y, y + 1), Line())

    def rows(self, first: int, last: int) -> Iterator[Line]:
        """Several rows; each block is asked for its own once."""
        while first < last:
            index = self._block_at(first)
            inside = first - self._starts[index]
            laid = self._lay(index) if self.blocks else ()
            if self._stale:
                # It has another height than was reckoned with: what is below it, and the end, are elsewhere now.
                self.soon()
            here = laid[inside : inside + last - first] or (Line(),)
            yield from here
            first += len(here)

    def redraw(self) -> None:
        """Lay out what is near the screen, then draw."""
        if not self.is_mounted or not self.size.height:
            return
        # By the screen and not by the pane: what is laid out is the same whatever else took room meanwhile.
        height = self.app.size.height
        if self.following:
            index = len(self.blocks) - 1
            missing = height * 2
            while index >= 0 and missing > 0:
                missing -= len(self._lay(index))
                index -= 1
        else:
            self._lay_around(height)
        super().redraw()

    def _lay_around(self, height: int) -> None:
        if not self.blocks:
            return
        top = int(self.scroll_offset.y)
        first = self._block_at(top)
        inside = top - self._starts[first]
        index, room = first, height * 2 + inside
        while index < len(self.blocks) and room > 0:
            room -= len(self._lay(index))
            index += 1
        index, room = first - 1, height
        while index >= 0 and room > 0:
            room -= len(self._lay(index))
            index -= 1
        count = self.row_count()
        moved = self._starts[first] + inside
        if moved != top:
            self.virtual_size = self.virtual_size.with_height(count)
            self.scroll_to(y=moved, animate=False, immediate=True, force=True)

    def on_resize(self, event: events.Resize) -> None:
        """Another width: rows near the screen are laid out anew, the others when they are seen."""
        self.redraw()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """What comes onto the screen must have its true height."""
        super().watch_scroll_y(old_value, new_value)
        if self.following:
            if self.news:
                self.news = 0
                self.post_message(self.News(0))
        elif round(old_value) != round(new_value) and not self._pending:
            self._pending = True
            self.call_after_refresh(self._frame)

    def take_back(self, seq: int, turn: int) -> None:
        """A prompt and all after it were taken back: one quiet row, which can be opened.

        It is told by its turn, or by its event where that is not known.
        """
        for index, block in enumerate(self.blocks):
            if not isinstance(block, Said) or block.origin == "steer":
                continue
            if block.turn == turn if turn else block.seq == seq:
                gone = Gone(blocks=tuple(self.blocks[index:]), seq=seq)
                self.blocks[index:] = [gone]
                self._heights[index:], self._widths[index:] = [1], [-1]
                self._rows.clear()
                self._stale = True
                self.cursor = None
                self.soon()
                return
