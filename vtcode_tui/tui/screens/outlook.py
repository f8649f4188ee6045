"""What something would change, shown before it is done: rows to read, boxes to tick, Enter does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import DiffView, Line, Span, Style, fold, plain, plain_line, spans_of
from vtcode_tui.tui.keys import Hint
from vtcode_tui.tui.panes.files import MARKS, counts_of
from vtcode_tui.tui.panes.heading import Keys, Row, hinted
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.workspace.changes import FileChange

PROMPT_ROWS = 4
Rows: TypeAlias = "list[tuple[Line, str]]"
"""Rows, and the name of the box that each is, if it is one."""


class Outlook(Sheet):
    """What would change, and the boxes to tick."""

    def __init__(self) -> None:
        super().__init__(id="outlook-rows")
        self.files = True
        """The box for files; there is always one."""
        self.boxes: list[tuple[Line, str]] = []
        self.cursor = 0

    def rows_at(self, cells: int) -> Rows:
        """The rows for a width."""
        raise NotImplementedError

    def lay(self) -> None:
        """Make the rows for the present width."""
        self.boxes = self.rows_at(self.text_width)
        self.redraw()

    def quoted(self, prompt: str, cells: int) -> Rows:
        """The first rows of a prompt of the person's."""
        texts = plain(prompt).split("\n")[:PROMPT_ROWS]
        return [(row, "") for text in texts for row in fold(spans_of(text, Style("human", "human")), cells - 2)]

    def sentence(self, text: str, cells: int, style: Style | None = None) -> Rows:
        """A sentence, wrapped."""
        return [(row, "") for row in fold(spans_of(plain_line(text), style or Style()), cells)]

    def box(self, ticked: bool, text: str) -> Line:
        """A box and what it stands for."""
        mark = Span("[x] " if ticked else "[ ] ", Style("accent", bold=True))
        return Line((Span("  "), mark, Span(text)))

    def file(self, file: FileChange) -> Line:
        """A file that would change, and why it cannot."""
        mark, style = MARKS.get(file.op, ("M", "muted"))
        why = (Span(f"  stays: {plain_line(file.conflict)}", Style("caution")),) if file.conflict else ()
        return Line((Span("      "), Span(f"{mark} ", Style(style)), *self.named(file), *why))

    def named(self, file: FileChange) -> tuple[Span, ...]:
        """Its path and how many lines."""
        return (*spans_of(plain_line(file.path), Style("accent")), *counts_of(file))

    def diffs(self, changes: Sequence[FileChange], cells: int) -> Rows:
        """The changes line by line."""
        if not changes:
            return []
        return [(Line(), ""), *((row.line, "") for row in DiffView(changes, cells, wrap=True))]

    def row_count(self) -> int:
        """All rows."""
        return len(self.boxes)

    def row(self, y: int) -> Line:
        """One of them."""
        return self.boxes[y][0]

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self.lay()

    def ticked(self, box: str) -> None:
        """A box was ticked, or unticked."""
        self.files = not self.files

    def tick(self) -> None:
        """Change the box under the cursor; elsewhere the box for files."""
        self.ticked(self.boxes[self.cursor or 0][1] if self.boxes else "")
        self.lay()

    def on_click(self, event: events.Click) -> None:
        """A click on a box ticks it, or unticks it."""
        if (y := self.row_under(event)) is not None:
            self.put_cursor(y)
            if self.boxes[y][1]:
                self.tick()

    def next_box(self, delta: int) -> None:
        """To the next or previous box."""
        boxes = [y for y, (_, what) in enumerate(self.boxes) if what]
        here = self.cursor or 0
        after = [y for y in boxes if (y > here if delta > 0 else y < here)]
        if after:
            self.put_cursor(after[0] if delta > 0 else after[-1])


class OutlookScreen(ModalScreen[Any]):
    """Shows an outlook; gives what the person decided, or None."""

    TITLE_TEXT: ClassVar[str] = ""
    DO_TEXT: ClassVar[str] = ""
    BINDINGS: ClassVar[list[Any]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "go", show=False),
        Binding("space", "tick", show=False),
        Binding("f", "files", show=False),
        Binding("tab", "box(1)", show=False, priority=True),
        Binding("shift+tab", "box(-1)", show=False, priority=True),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(12)", show=False),
        Binding("pageup", "scroll(-12)", show=False),
    ]

    def __init__(self, preview: Outlook) -> None:
        super().__init__()
        self.preview = preview

    def wish(self) -> Any:
        """What the person decided."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """A title, what would change, what the keys do."""
        with Vertical(id="outlook"):
            yield Row(id="outlook-title")
            yield self.preview
            yield Keys(id="outlook-keys")

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one("#outlook-title", Row).show((Span(f" {self.TITLE_TEXT}", Style("heading")),))
        keys = (("enter", self.DO_TEXT), ("tab", "next box"), ("space", "tick it"), ("esc", "stay"))
        hints = [Hint(key, text, "escape" if key == "esc" else key) for key, text in keys]
        spans, clicks = hinted(hints)
        self.query_one("#outlook-keys", Row).show((Span(" "), *spans), actions=clicks)
        self.preview.focus()
        self.call_after_refresh(self.preview.lay)

    def action_go(self) -> None:
        """Do it."""
        self.dismiss(self.wish())

    def action_tick(self) -> None:
        """Change the box under the cursor."""
        self.preview.tick()

    def action_files(self) -> None:
        """Files too, or the conversation only."""
        self.preview.files = not self.preview.files
        self.preview.lay()

    def action_box(self, delta: int) -> None:
        """To another box."""
        self.preview.next_box(delta)

    def action_scroll(self, delta: int) -> None:
        """Read on or back."""
        self.preview.move_cursor(delta)

    def action_leave(self) -> None:
        """Stay."""
        self.dismiss(None)
