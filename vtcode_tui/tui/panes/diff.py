"""The diff preview: what is staged, file by file and hunk by hunk, accepted or rejected from here.

The rows come from `render`; this pane knows which row belongs to which file and hunk, and what the person decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from textual.message import Message

from vtcode_tui.render import Span
from vtcode_tui.render.telling import plural
from vtcode_tui.tui.keys import DIFF, PANE, bindings, key_on
from vtcode_tui.tui.own_text import own_text
from vtcode_tui.tui.panes.diff_laying import Laying
from vtcode_tui.tui.panes.diff_place import Place, first_change, place_at, row_of
from vtcode_tui.tui.panes.diff_sheet import DiffSheet
from vtcode_tui.tui.panes.diff_summary import KEYS_SAID, summary_of
from vtcode_tui.tui.panes.origin import Origin
from vtcode_tui.tui.settling import Decisions, Side
from vtcode_tui.workspace.changes import ChangeSet, Edited, FileChange, Overwrite, Rewritten, Selection

if TYPE_CHECKING:
    from textual import events
    from textual.worker import Worker

    from vtcode_tui.render import DiffView, FileDiff

What: TypeAlias = Literal["hunk", "file", "all"]
SPLIT_FROM = 110
"""Cells from which `auto` shows old and new side by side."""


class DiffPane(DiffSheet):
    """Staged changes."""

    BINDINGS = bindings(PANE, DIFF)
    click_moves = True

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

    class Editing(Message):
        """The person wants to write some lines themselves; `done` takes them."""

        def __init__(self, title: str, text: str, line: int, done: Callable[[str], None]) -> None:
            super().__init__()
            self.title, self.text, self.line, self.done = title, text, line, done

    class Complaint(Message):
        """Something cannot be done, and why."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Moved(Message):
        """The cursor is at another file."""

    class Tree(Message):
        """The person wants to see the tree of files, or not."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.changes = ChangeSet()
        self.mode: Literal["auto", "unified", "split"] = "auto"
        self.wrapped = True
        self.editable = True
        """Whether accepting and rejecting is possible here (not in the viewer)."""
        self.staged = True
        """Whether changes wait in a layer; otherwise the files have them already, and the review is afterwards."""
        self._view: DiffView | None = None
        self._diffs: list[FileDiff] = []
        self._given: list[FileDiff] = []
        """What is drawn, with its lines numbered once."""
        self._at = ""
        self.decisions = Decisions()

    # What is in it.

    def show(self, changes: ChangeSet) -> None:
        """Other changes; the cursor stays at the same file and hunk where they are still there."""
        if changes == self.changes:
            return
        self.changes, self._given = changes, []
        self.decisions.forget()
        self._lay()
        self.post_message(self.Counted())

    def show_diffs(self, diffs: list[FileDiff]) -> None:
        """Changes as the journal has them: unified texts without the whole files (the viewer)."""
        if [diff.change for diff in diffs] == [diff.change for diff in self._diffs]:
            return
        self._diffs, self._given = diffs, []
        self.changes = ChangeSet(tuple(diff.change for diff in diffs))
        self._lay()
        self.post_message(self.Counted())

    @property
    def split(self) -> bool:
        """Whether old and new stand side by side."""
        return self.mode == "split" or (self.mode == "auto" and self.text_width >= SPLIT_FROM)

    def _lay(self) -> None:
        """Make the view anew, at once or beside the loop, and put the cursor where it is."""
        if not self.changes.files:
            self._view, self.cursor = None, None
            self._laid(None)
            return
        given = self._given or self._diffs
        place, rows = self.place() if self.cursor is not None else None, self.size.height
        decided = self.decisions.all()
        wish = Laying(self.changes, given, self.text_width, self.split, self.wrapped, decided, place, rows)
        self.workers.cancel_node(self)
        if wish.large:
            self._wish = wish
            self._laying: Worker[None] = self.run_worker(
                self._lay_aside, group="laying", exclusive=True, exit_on_error=True
            )
        else:
            self._laid(wish.make())

    async def _lay_aside(self) -> None:
        self._laid(await asyncio.to_thread(self._wish.make))

    def _laid(self, made: tuple[list[FileDiff], DiffView] | None) -> None:
        if made is not None:
            place, left = self.place(), self._view.left if self._view is not None else 0
            self._given, self._view = made
            self._view.left = 0 if self.wrapped else left
            if place is not None and self.cursor is not None:
                self.cursor = self.find(place.path, place.hunk, place.clash) or 0
        self.redraw()
        self._tell_place()

    def _tell_place(self) -> None:
        place = self.place()
        if (path := place.path if place is not None else "") != self._at:
            self._at = path
            self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self._lay()

    def place(self) -> Place | None:
        """Which file, hunk and line the cursor is on; without a cursor, the row at the top of the screen."""
        y = self.cursor if self.cursor is not None else int(self.scroll_offset.y)
        if self._view is None or not 0 <= y < len(self._view):
            return None
        return place_at(self._view, y)

    def find(self, path: str, hunk: int | None, clash: int | None = None) -> int | None:
        """The row at which a file, or a hunk or clash of it, begins."""
        return row_of(self._view, path, hunk, clash) if self._view is not None else None

    def file_at(self, path: str) -> FileChange | None:
        """The change of a file, by its path."""
        return next((file for file in self.changes.files if file.path == path), None)

    def summary(self) -> tuple[Span, ...]:
        """How much there is to review."""
        keys = {name: key_on(self.app, f"diff.{name}") for name in KEYS_SAID}
        return summary_of(self.changes, self.decisions, keys, staged=self.staged)

    def show_path(self, path: str) -> bool:
        """Bring a file onto the screen."""
        y = self.find(path, None)
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
        self._tell_place()

    def action_origin(self) -> None:
        """Show the event of the file."""
        if (place := self.place()) is not None:
            self.post_message(Origin(path=place.path))

    def action_tree(self) -> None:
        """The tree of files beside the diff, or a list of them to jump to."""
        self.post_message(self.Tree())

    def action_hunk(self, delta: int) -> None:
        """To the next or previous hunk."""
        if self._view is not None:
            self._step(self._view.hunk_lines, delta, above=2)

    def action_file(self, delta: int) -> None:
        """To the next or previous file."""
        if self._view is not None:
            self._step(self._view.file_lines, delta, above=0)

    def _step(self, places: list[int], delta: int, *, above: int) -> None:
        if self._view is None or not places:
            return
        here = self.cursor or 0
        y = self._view.after(places, here) if delta > 0 else self._view.before(places, here)
        self.put_cursor(y)
        self.scroll_to(y=max(0, y - above), animate=False, immediate=True)

    def action_split(self) -> None:
        """Side by side, or one below the other."""
        self.mode = "unified" if self.split else "split"
        self._again()

    def action_wrap(self) -> None:
        """Wrap long lines, or let them leave the pane."""
        self.wrapped = not self.wrapped
        self._again()

    def action_sideways(self, delta: int) -> None:
        """Look further right or left along lines that are not wrapped."""
        if self._view is not None and not self.wrapped:
            self._view.left = max(0, min(self._view.left + 8 * delta, max(0, self._view.widest - 8)))
            self.redraw()

    def _again(self) -> None:
        self._lay()
        if self.cursor is not None:
            self.put_cursor(self.cursor)

    @property
    def decidable(self) -> bool:
        """Whether there is something to accept or to reject."""
        return self.editable and bool(self.changes.files)

    def action_accept(self, what: What) -> None:
        """Accept what the cursor is on."""
        self._decide(True, what)

    def action_reject(self, what: What) -> None:
        """Reject what the cursor is on."""
        self._decide(False, what)

    def _decide(self, accept: bool, what: What) -> None:
        place = self.place()
        if place is None or not self.decidable:
            return
        if not accept and what == "hunk" and self.staged and self._in_conflict(place):
            return
        selection: Selection
        words: str
        if what == "all":
            files = self.changes.files
            selection = dict.fromkeys([file.path for file in files])
            words = f"all {plural(len(selection), 'file')}" if len(selection) > 1 else f"all of {files[0].path}"
        elif what == "file" or (place.hunk is None and place.clash is None):
            selection, words = {place.path: None}, place.path
        elif place.hunk is None:
            selection, words = {place.path: None}, f"{place.path}: yours stays"
        else:
            selection, words = {place.path: frozenset({place.hunk})}, f"a hunk of {place.path}"
        if accept:
            selection, complaints = self.decisions.selection(self.changes, selection)
            for text in complaints:
                self.post_message(self.Complaint(text))
        elif not self.staged:
            files = self.changes.files
            clashing = {file.path for file in files if file.conflict}
            selection = {path: Overwrite() if path in clashing else choice for path, choice in selection.items()}
        if selection:
            self.post_message(self.Decided(accept, selection, self.changes.digest, words))

    def _in_conflict(self, place: Place) -> bool:
        """Whether no hunk is decided here, its file being in conflict; what can be done is done or said."""
        file = self.file_at(place.path)
        if file is None or not file.clashes:
            return False
        if place.clash is not None:
            self.action_settle("workspace")
        elif place.hunk is not None:
            self.post_message(self.Complaint(self.decisions.undecided(file)))
        return place.clash is not None or place.hunk is not None

    # The person's own text.

    def action_settle(self, side: Side) -> None:
        """Decide the conflict under the cursor: yours stays, or the agent's is taken."""
        place = self.place()
        if place is None or not self.editable:
            return
        file = self.file_at(place.path)
        if file is None or not file.clashes:
            self.post_message(self.Complaint("there is no conflict here: a accepts a hunk, x rejects it"))
            return
        which = [place.clash] if place.clash is not None else [clash.index for clash in self.decisions.open(file)]
        for clash in which:
            self.decisions.make(place.path, clash, side)
        self._settled()
        if left := self.decisions.open(file):
            self.put_cursor(self.find(place.path, None, left[0].index) or 0)

    def _settled(self) -> None:
        self._again()
        self.post_message(self.Counted())

    def action_edit(self, what: Literal["hunk", "file"]) -> None:
        """Write the hunk, the conflict or the file as it should be; it is accepted so."""
        place = self.place()
        file = self.file_at(place.path) if place is not None else None
        if place is None or file is None or not self.editable:
            return
        try:
            if not self.staged:
                raise ValueError("these changes are in your files already: edit them there, or reject them")
            if what == "hunk" and place.clash is not None:
                self._edit_clash(file, place.clash)
            elif what == "hunk" and place.hunk is not None:
                if file.clashes:
                    raise ValueError(self.decisions.undecided(file))
                self._edit_hunk(file, place.hunk)
            else:
                self._edit_file(file)
        except ValueError as error:
            self.post_message(self.Complaint(str(error)))

    def _edit_hunk(self, file: FileChange, index: int) -> None:
        hunk = next(hunk for hunk in file.hunks if hunk.index == index)
        own = own_text(b"".join(hunk.new_lines), f"this hunk of {file.path}")
        digest = self.changes.digest

        def done(text: str) -> None:
            choice = Edited({index: own.back(text)})
            self.post_message(self.Decided(True, {file.path: choice}, digest, f"your hunk of {file.path}"))

        title = f"{file.path}, a hunk at line {hunk.new_start}: what you write is accepted in its place"
        self.post_message(self.Editing(title, own.text, hunk.new_start, done))

    def _edit_clash(self, file: FileChange, index: int) -> None:
        clash = next(clash for clash in file.clashes if clash.index == index)
        made = self.decisions[file.path].get(index)
        raw = made if isinstance(made, bytes) else b"".join(clash.workspace + clash.agent)
        own = own_text(raw, f"this conflict of {file.path}")

        def done(text: str) -> None:
            self.decisions.make(file.path, index, own.back(text))
            self._settled()

        title = f"leave what should stand: your lines, then the agent's  {file.path}, line {clash.start}"
        self.post_message(self.Editing(title, own.text, clash.start, done))

    def _edit_file(self, file: FileChange) -> None:
        if file.binary or file.kind != "file" or file.op == "delete" or (file.size and not file.new_text):
            raise ValueError(f"{file.path} has no text that could be edited here")
        own = own_text(file.new_text, file.path)
        digest = self.changes.digest

        def done(text: str) -> None:
            choice = Rewritten(own.back(text))
            self.post_message(self.Decided(True, {file.path: choice}, digest, f"{file.path} as you wrote it"))

        self.post_message(self.Editing(f"{file.path}: accepted as you leave it", own.text, 1, done))

    def action_comment(self) -> None:
        """Say something about the line under the cursor; on a heading, about the first change below it."""
        place = self.place()
        if place is not None and self._view is not None:
            if not place.line:
                place = first_change(self._view, self.cursor or int(self.scroll_offset.y))
            self.post_message(self.Comment(place.path, place.line, place.text))
