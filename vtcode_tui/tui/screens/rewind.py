"""Going back to before a prompt: first what it would change, then the person's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, DiffView, Line, Span, Style, fold, plain, plain_line, spans_of
from vtcode_tui.tui.panes.files import MARKS, counts_of
from vtcode_tui.tui.panes.heading import Row
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.agent.rewinding import RewindPreview
    from vtcode_tui.workspace.changes import FileChange

PROMPT_ROWS = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person decided: files too, and which real files."""

    files: bool
    undo: tuple[str, ...]


class Preview(Sheet):
    """What would change, and the boxes to tick."""

    def __init__(self, preview: RewindPreview) -> None:
        super().__init__(id="rewind-rows")
        self.preview = preview
        self.files = True
        self.undo: set[str] = set()
        self._rows: list[tuple[Line, str]] = []
        self.cursor = 0

    def lay(self) -> None:
        """Make the rows for the present width."""
        preview, cells = self.preview, self.text_width
        rows: list[tuple[Line, str]] = []
        for text in plain(preview.prompt).split("\n")[:PROMPT_ROWS]:
            rows += [(row, "") for row in fold(spans_of(text, Style("human", "human")), cells - 2)]
        many = f"{preview.messages} message{'s' * (preview.messages != 1)}"
        rows += [(Line(), ""), (Line((Span(f"{many} will not be given to the model any more;"),)), "")]
        rows.append((Line((Span("the journal keeps them, and so does the chat.", MUTED),)), ""))
        rows += [
            (Line(), ""),
            (self._box(self.files, "files too: what the agent sees becomes what it was"), "files"),
        ]
        if not preview.files.files:
            rows.append((Line((Span("      nothing of it has changed since", MUTED),)), ""))
        rows += [(self._file(file), "") for file in preview.files.files]
        if preview.real.files:
            rows += [(Line(), ""), (Line((Span("Your real files, changed since by what was accepted:"),)), "")]
        for file in preview.real.files:
            if file.conflict:
                why = Span(f"  stays: {plain_line(file.conflict)}", Style("caution"))
                rows.append((Line((*self._file(file).spans, why)), ""))
            else:
                ticked = file.path in self.undo and self.files
                box = self._box(ticked, "take back ")
                rows.append((Line((*box.spans, *self._named(file))), f"undo {file.path}"))
        changed = [*preview.files.files, *preview.real.files]
        if changed:
            rows.append((Line(), ""))
            rows += [(row.line, "") for row in DiffView(changed, cells, wrap=True)]
        self._rows = rows
        self.redraw()

    def _box(self, ticked: bool, text: str) -> Line:
        mark = Span("[x] " if ticked else "[ ] ", Style("accent", bold=True))
        return Line((Span("  "), mark, Span(text)))

    def _file(self, file: FileChange) -> Line:
        mark, style = MARKS.get(file.op, ("M", "muted"))
        return Line((Span("      "), Span(f"{mark} ", Style(style)), *self._named(file)))

    def _named(self, file: FileChange) -> tuple[Span, ...]:
        return (*spans_of(plain_line(file.path), Style("accent")), *counts_of(file))

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y][0]

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self.lay()

    def tick(self) -> None:
        """Change the box under the cursor; elsewhere the box for files."""
        what = self._rows[self.cursor or 0][1] if self._rows else ""
        if what.startswith("undo "):
            self.undo ^= {what.removeprefix("undo ")}
            self.files = self.files or bool(self.undo)
        else:
            self.files = not self.files
        self.lay()

    def next_box(self, delta: int) -> None:
        """To the next or previous box."""
        boxes = [y for y, (_, what) in enumerate(self._rows) if what]
        here = self.cursor or 0
        after = [y for y in boxes if (y > here if delta > 0 else y < here)]
        if after:
            self.put_cursor(after[0] if delta > 0 else after[-1])


class Rewind(ModalScreen[Wish | None]):
    """Gives what the person decided, or None."""

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

    def __init__(self, preview: RewindPreview) -> None:
        super().__init__()
        self.preview = Preview(preview)

    def compose(self) -> ComposeResult:
        """A title, what would change, what the keys do."""
        with Vertical(id="rewind"):
            yield Row(id="rewind-title")
            yield self.preview
            yield Row(id="rewind-keys")

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one("#rewind-title", Row).show((Span(" go back to before this prompt", Style("heading")),))
        keys = (("enter", "go back"), ("tab", "next box"), ("space", "tick it"), ("esc", "stay"))
        spans = [
            part for key, text in keys for part in (Span(f" {key} ", Style("accent")), Span(f"{text} ", MUTED))
        ]
        self.query_one("#rewind-keys", Row).show(tuple(spans))
        self.preview.focus()
        self.call_after_refresh(self.preview.lay)

    def action_go(self) -> None:
        """Go back."""
        undo = tuple(sorted(self.preview.undo)) if self.preview.files else ()
        self.dismiss(Wish(self.preview.files, undo))

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
