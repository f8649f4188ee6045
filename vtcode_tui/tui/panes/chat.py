"""The chat pane: what was said and done, and what a person does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from vtcode_tui.tui.keys import CHAT, PANE, bindings
from vtcode_tui.tui.panes.block_sheet import BlockSheet
from vtcode_tui.tui.panes.blocks import Block, Said
from vtcode_tui.tui.panes.origin import Origin

if TYPE_CHECKING:
    from vtcode_tui.render import CodeBlock


class ChatPane(BlockSheet):
    """What was said and done, in order."""

    BINDINGS = bindings(PANE, CHAT)

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

    class ChooseLink(Message):
        """Where the links of a message lead; one may be copied."""

        def __init__(self, addresses: tuple[str, ...]) -> None:
            super().__init__()
            self.addresses = addresses

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

    def action_links(self) -> None:
        """Show where the links of the block lead: what is copied has been read."""
        block = self._here()
        rows = block.lay(self.text_width) if block is not None else ()
        found = dict.fromkeys(span.style.link for row in rows for span in row.spans if span.style.link)
        if found:
            self.post_message(self.ChooseLink(tuple(found)))
        else:
            self.app.notify("no link stands in this message", markup=False, timeout=2)

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

    def on_click(self, event: events.Click) -> None:
        """A click on a folded row opens it; one on a link says where it leads."""
        if event.chain == 1 and event.style.link and self.text_selection is None:
            self.post_message(self.ChooseLink((event.style.link,)))
        elif event.chain == 1 and self.blocks and self.text_selection is None:
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
            self.post_message(Origin(seq=block.seq, call="" if block.seq else block.call))

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
