"""The chat pane: any number of blocks in one sheet. Only what is on the screen is laid out.

Blocks keep the height they had last; those that come near the screen are laid out at the present width, and the
block at the top of the screen stays where it is while heights above it change.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from vtcode_tui.render import Line
from vtcode_tui.tui.keys import CHAT, PANE, bindings
from vtcode_tui.tui.panes.blocks import Block, Said
from vtcode_tui.tui.panes.gone import Gone
from vtcode_tui.tui.panes.origin import Origin
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from vtcode_tui.render import CodeBlock

FRAME = 1 / 30
SOON, SELDOM = 1 / 250, 1 / 6
"""Seconds until the next part of a long answer is laid out, and between two paintings meanwhile."""
KEPT = 96
"""Blocks whose rows are kept."""


class ChatPane(Sheet):
    """What was said and done, in order."""

    BINDINGS = bindings(PANE, CHAT)
    follow_at_start = True

    class Copied(Message):
        """Text for the clipboard."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text, self.what = text, what

    class Resend(Message):
        """A prompt to be edited and sent again."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Rewind(Message):
        """The person wants to go back to before the prompt of a turn."""

        def __init__(self, turn: int) -> None:
            super().__init__()
            self.turn = turn

    class Fork(Message):
        """The person wants to go on in a copy that ends before a turn (None: at its end)."""

        def __init__(self, before_turn: int | None, prompt: str) -> None:
            super().__init__()
            self.before_turn, self.prompt = before_turn, prompt

    class ChooseCode(Message):
        """One of several code blocks is to be copied."""

        def __init__(self, blocks: tuple[CodeBlock, ...]) -> None:
            super().__init__()
            self.blocks = blocks

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
        self._late: Block | None = None  # more of it is to be laid out
        self._drawn = 0.0
        self.news = 0

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
            self._rows.pop(index, None)
            self.soon()

    def _place(self, block: Block) -> int | None:
        # Live blocks are near the end: looking for them from there is quick however long the chat is.
        return next((at for at in range(len(self.blocks) - 1, -1, -1) if self.blocks[at] is block), None)

    def clear(self) -> None:
        """Forget everything (the viewer goes back in time)."""
        self.blocks.clear()
        self._heights.clear()
        self._widths.clear()
        self._rows.clear()
        self._stale = self.following = True
        self._late, self.news = None, 0
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
        late, self._late = self._late, None
        if late is not None:
            self.changed(late)
        self._pending = False
        if late is not None and time.monotonic() < self._drawn + SELDOM:
            if (index := self._place(late)) is not None:
                self._lay(index)
            if late.behind:
                return
        self._drawn = time.monotonic()
        self.redraw()

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
        if rows is None or self._widths[index] != width:
            rows = self.blocks[index].lay(width)
            if self.blocks[index].behind:
                self._late = self.blocks[index]
                self.soon(SOON)
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
        index = self._block_at(y)
        start = self._starts[index]
        rows = self._lay(index)
        if self._stale:
            # It has another height than was reckoned with: what is below it, and the end, are elsewhere now.
            self.soon()
        return rows[y - start] if 0 <= y - start < len(rows) else Line()

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
        index, room = first, height * 2
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
        self._rows.clear()
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

    # Keys.

    def on_focus(self) -> None:
        """Show a cursor on the last thing that is on the screen."""
        if self.cursor is None and self.blocks:
            last = self._block_at(self.row_count() - 1)
            start = self._starts[last] + (0 if self.blocks[last].call else 1)
            self.cursor = min(self.row_count() - 1, max(start, int(self.scroll_offset.y)))
        self._strips.clear()
        self.refresh()

    def on_blur(self) -> None:
        """Without the keys there is no cursor."""
        self._strips.clear()
        self.refresh()

    def _here(self) -> Block | None:
        return self.blocks[self._block_at(self.cursor or 0)] if self.blocks else None

    def action_fold(self) -> None:
        """Open or fold the block under the cursor."""
        block = self._here()
        if block is not None and block.foldable:
            index = self._block_at(self.cursor or 0)
            block.folded = not block.folded
            self._widths[index] = -1
            self._rows.pop(index, None)
            self.following = False
            self.redraw()
            self.put_cursor(self._starts[index] + (0 if block.call else 1))

    def action_fold_all(self) -> None:
        """Open everything that is folded, or fold everything."""
        fold = not any(block.folded for block in self.blocks if block.foldable)
        for index, block in enumerate(self.blocks):
            if block.foldable and block.folded != fold:
                block.folded = fold
                self._widths[index] = -1
        self._rows.clear()
        self.redraw()

    def action_copy(self) -> None:
        """Copy the block, or the code in it where it holds one fence only."""
        block = self._here()
        if len(getattr(block, "code", tuple)()) == 1:
            self.action_copy_code()
        elif block is not None and (text := block.copy_text()):
            self.post_message(self.Copied(text, "message"))

    def action_copy_code(self) -> None:
        """Copy a code block of the message: the only one, or the one that is chosen from a list."""
        block = self._here()
        fences: tuple[CodeBlock, ...] = getattr(block, "code", tuple)()
        if len(fences) == 1:
            self.post_message(self.Copied(fences[0].text, "code"))
        elif fences:
            self.post_message(self.ChooseCode(fences))

    def action_resend(self) -> None:
        """Put the prompt under the cursor (or the last before it) into the prompt again."""
        start = self._block_at(self.cursor or 0) if self.blocks else -1
        for block in self.blocks[start::-1] if start >= 0 else ():
            if getattr(block, "origin", ""):
                self.post_message(self.Resend(block.copy_text()))
                return

    def _prompt_at(self, start: int) -> Said | None:
        """The prompt of the person at a block or before it; what was said during a turn is none of its own."""
        for block in reversed(self.blocks[: start + 1]):
            if isinstance(block, Said) and block.origin != "steer" and block.turn:
                return block
        return None

    def action_rewind(self) -> None:
        """Go back to before the prompt at the cursor, after a look at what that would change."""
        prompt = self._prompt_at(self._block_at(self.cursor or 0)) if self.blocks else None
        if prompt is None:
            self.app.notify(
                "no prompt stands here or above: there is nothing to go back to", markup=False, timeout=3
            )
            return
        self.post_message(self.Rewind(prompt.turn))

    def action_fork(self) -> None:
        """Go on in a copy: on a prompt it ends before it, on anything else after the turn it belongs to."""
        block = self._here()
        if block is None:
            return
        if isinstance(block, Said) and block.origin != "steer" and block.turn:
            self.post_message(self.Fork(block.turn, block.text))
            return
        after = [b for b in self.blocks if isinstance(b, Said) and b.origin != "steer" and b.turn > block.turn]
        self.post_message(self.Fork(after[0].turn if after and block.turn else None, ""))

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

    def on_click(self, event: events.Click) -> None:
        """A click on a folded row opens it."""
        if event.chain == 1 and self.blocks and self.text_selection is None:
            y = event.y + int(self.scroll_offset.y)
            if y < self.row_count():
                self.cursor = y
                index = self._block_at(y)
                if y == self._starts[index] or self.blocks[index].folded:
                    self.action_fold()

    def action_origin(self) -> None:
        """Show the event that the block under the cursor tells of."""
        block = self._here()
        if block is not None:
            self.post_message(Origin(seq=block.seq))

    def show_seq(self, seq: int, call: str = "") -> bool:
        """Bring the block that belongs to an event onto the screen."""
        told = [at for at, block in enumerate(self.blocks) if block.seq or block.call]
        of_call = [at for at in told if call and self.blocks[at].call == call]
        before = [at for at in told if self.blocks[at].seq <= seq]
        if not (of_call or before):
            return False
        index = (of_call or before)[-1]
        self.following = False
        self.row_count()
        # There first: rows that are laid out on arrival must not move what is looked for.
        self.scroll_to(y=self._starts[index], animate=False, immediate=True, force=True)
        self.redraw()
        self.put_cursor(self._starts[index] + (0 if self.blocks[index].call else 1))
        return True
