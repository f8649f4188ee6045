"""The diff preview: what is staged, file by file and hunk by hunk, accepted or rejected from here.

The rows come from `render`; this pane knows which row belongs to which file and hunk, and what the person decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from textual.message import Message

from vtcode_tui.render import MUTED, Line, Span, Style
from vtcode_tui.tui.keys import DIFF, PANE, bindings
from vtcode_tui.tui.panes.diff_rows import DiffRows, Place
from vtcode_tui.tui.sheet import Sheet
from vtcode_tui.workspace.changes import ChangeSet, Selection

if TYPE_CHECKING:
    from textual import events

What: TypeAlias = Literal["hunk", "file", "all"]
SPLIT_FROM = 110
"""Cells from which `auto` shows old and new side by side."""


class DiffPane(Sheet):
    """Staged changes."""

    BINDINGS = bindings(PANE, DIFF)

    class Decided(Message):
        """The person accepted or rejected something of the change set that was on the screen."""

        def __init__(self, accept: bool, selection: Selection, digest: str, what: str) -> None:
            super().__init__()
            self.accept, self.selection, self.digest, self.what = accept, selection, digest, what

    class Comment(Message):
        """The person wants to say something about a line to the model."""

        def __init__(self, path: str, line: int, text: str) -> None:
            super().__init__()
            self.path, self.line, self.text = path, line, text

    class Counted(Message):
        """The heading must say something else."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.changes = ChangeSet()
        self.mode: Literal["auto", "unified", "split"] = "auto"
        self.wrapped = True
        self._model = DiffRows(self.changes)
        self.editable = True
        """Whether accepting and rejecting is possible here (not in the viewer)."""

    # What is in it.

    def show(self, changes: ChangeSet) -> None:
        """Other changes; the cursor stays at the same file and hunk where they are still there."""
        if changes.digest == self.changes.digest and changes.files == self.changes.files:
            return
        place = self.place()
        self.changes = changes
        self._model = DiffRows(changes)
        self._lay()
        if place is not None and self.cursor is not None:
            self.cursor = self._model.find(place.path, place.hunk)
        self.redraw()
        self.post_message(self.Counted())

    def _lay(self) -> None:
        width = self.text_width
        split = self.mode == "split" or (self.mode == "auto" and width >= SPLIT_FROM)
        self._model.lay(width, split=split, wrapped=self.wrapped)

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        place = self.place()
        self._lay()
        if place is not None:
            self.cursor = self._model.find(place.path, place.hunk)
        self.redraw()

    def row_count(self) -> int:
        """All rows of all files."""
        return self._model.count()

    def row(self, y: int) -> Line:
        """One of them."""
        return self._model.row(y)

    def widest(self) -> int:
        """Wider than the pane only when lines are not wrapped."""
        return self._model.width

    def place(self) -> Place | None:
        """Which file, hunk and line the cursor is on."""
        return self._model.place(self.cursor) if self.cursor is not None else self._model.place(0)

    def summary(self) -> tuple[Span, ...]:
        """How much there is to review."""
        files = self.changes.files
        if not files:
            return (Span("nothing to review", MUTED),)
        added, removed = sum(file.added for file in files), sum(file.removed for file in files)
        count = f"{len(files)} file{'s' if len(files) != 1 else ''}  "
        return (Span(count), Span(f"+{added} ", Style("added")), Span(f"-{removed}", Style("removed")))

    def show_path(self, path: str) -> bool:
        """Bring a file onto the screen."""
        y = self._model.find(path, None)
        if y is None:
            return False
        self.put_cursor(y)
        return True

    # Keys.

    def on_focus(self) -> None:
        """The cursor appears."""
        if self.cursor is None and self.row_count():
            self.put_cursor(int(self.scroll_offset.y))
        self._strips.clear()

    def on_blur(self) -> None:
        """Without the keys no cursor is drawn."""
        self._strips.clear()
        self.refresh()

    def put_cursor(self, y: int) -> None:
        """Move, and keep a few rows around the cursor on the screen."""
        super().put_cursor(y)
        if self.cursor is not None:
            self.show_row(self.cursor, margin=min(3, max(0, self.size.height // 4)))

    def action_hunk(self, delta: int) -> None:
        """To the next or previous hunk."""
        if (y := self._model.step(self.cursor or 0, delta, files=False)) is not None:
            self.put_cursor(y)
            self.scroll_to(y=max(0, y - 2), animate=False, immediate=True)

    def action_file(self, delta: int) -> None:
        """To the next or previous file."""
        if (y := self._model.step(self.cursor or 0, delta, files=True)) is not None:
            self.put_cursor(y)
            self.scroll_to(y=y, animate=False, immediate=True)

    def action_split(self) -> None:
        """Side by side, or one below the other."""
        width = self.text_width
        now = self.mode == "split" or (self.mode == "auto" and width >= SPLIT_FROM)
        self.mode = "unified" if now else "split"
        self._again()

    def action_wrap(self) -> None:
        """Wrap long lines, or let them leave the pane."""
        self.wrapped = not self.wrapped
        self._again()

    def _again(self) -> None:
        place = self.place()
        self._lay()
        if place is not None and self.cursor is not None:
            self.cursor = self._model.find(place.path, place.hunk)
        self.redraw()
        if self.cursor is not None:
            self.put_cursor(self.cursor)

    def action_accept(self, what: What) -> None:
        """Accept what the cursor is on."""
        self._decide(True, what)

    def action_reject(self, what: What) -> None:
        """Reject what the cursor is on."""
        self._decide(False, what)

    def _decide(self, accept: bool, what: What) -> None:
        place = self.place()
        if not self.editable or place is None or not self.changes.files:
            return
        selection: Selection
        words: str
        if what == "all":
            selection = {file.path: None for file in self.changes.files}
            words = f"all {len(selection)} files"
        elif what == "file" or place.hunk is None:
            selection, words = {place.path: None}, place.path
        else:
            selection, words = {place.path: frozenset({place.hunk})}, f"a hunk of {place.path}"
        self.post_message(self.Decided(accept, selection, self.changes.digest, words))

    def action_comment(self) -> None:
        """Say something about the line under the cursor."""
        place = self.place()
        if place is not None:
            self.post_message(self.Comment(place.path, place.line, place.text))
