"""What was taken back: one row in the chat, opened to what was said there. The journal keeps all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vtcode_tui.render import MUTED, Line, Span, Style, cut, plain_line, spans_of
from vtcode_tui.tui.panes.blocks import GUTTER, Block


@dataclass(slots=True, kw_only=True)
class Gone(Block):
    """A prompt and all that came after it, which the model is not given any more."""

    blocks: tuple[Block, ...]
    folded: bool = True
    foldable: bool = True

    def lay(self, cells: int) -> Sequence[Line]:
        """The rows for a width; opened, everything in it is quiet."""
        first = plain_line(self.blocks[0].copy_text()) if self.blocks else ""
        rest = len(self.blocks) - 1
        tail = f"  and {rest} more" if rest > 0 else ""
        text = cut(first, max(4, cells - GUTTER - 13 - len(tail)))
        head = Line(
            (Span("⟲ ", Style("caution")), Span("taken back  ", MUTED), *spans_of(text, MUTED), Span(tail, MUTED))
        )
        if self.folded:
            return [Line(), head]
        rows = [Line(), head]
        for block in self.blocks:
            rows += [_quiet(row) for row in block.lay(cells)]
        return rows

    def copy_text(self) -> str:
        """What the copy key takes: the prompt."""
        return self.blocks[0].copy_text() if self.blocks else ""


def _quiet(row: Line) -> Line:
    spans = tuple(span if span.style.name == "escape" else span._replace(style=MUTED) for span in row.spans)
    return row._replace(spans=spans, fill="")
