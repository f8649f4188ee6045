"""Going back to before a prompt: first what it would change, then the person's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Line, Span
from vtcode_tui.tui.screens.outlook import Outlook, OutlookScreen, Rows

if TYPE_CHECKING:
    from vtcode_tui.agent.rewinding import RewindPreview


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person decided: files too, and which real files."""

    files: bool
    undo: tuple[str, ...]


class Preview(Outlook):
    """What going back would change."""

    def __init__(self, preview: RewindPreview) -> None:
        super().__init__()
        self.preview = preview
        self.undo: set[str] = set()

    def rows_at(self, cells: int) -> Rows:
        """The prompt, the messages, the files that runs see, and the real ones."""
        preview = self.preview
        rows = self.quoted(preview.prompt, cells)
        many = f"{preview.messages} message{'s' * (preview.messages != 1)}"
        rows.append((Line(), ""))
        rows += self.sentence(f"{many} will not be given to the model any more;", cells)
        rows += self.sentence("the journal keeps them, and so does the chat.", cells, MUTED)
        rows += [
            (Line(), ""),
            (self.box(self.files, "files too: the agent sees them as they were"), "files"),
        ]
        if not preview.files.files:
            rows.append((Line((Span("      nothing of it has changed since", MUTED),)), ""))
        rows += [(self.file(file), "") for file in preview.files.files]
        if preview.real.files:
            rows += [
                (Line(), ""),
                *self.sentence("Your real files, changed since by what was accepted:", cells),
            ]
        for file in preview.real.files:
            if file.conflict:
                rows.append((self.file(file), ""))
            else:
                box = self.box(file.path in self.undo and self.files, "take back ")
                rows.append((Line((*box.spans, *self.named(file))), f"undo {file.path}"))
        return rows + self.diffs([*preview.files.files, *preview.real.files], cells)

    def ticked(self, box: str) -> None:
        """A real file, or all that runs see; real files only go with those."""
        if box.startswith("undo "):
            self.undo ^= {box.removeprefix("undo ")}
            self.files = self.files or bool(self.undo)
        else:
            super().ticked(box)


class Rewind(OutlookScreen):
    """Gives the `Wish` of the person, or None."""

    TITLE_TEXT = "go back to before this prompt"
    DO_TEXT = "go back"

    def __init__(self, preview: RewindPreview) -> None:
        self.asked = Preview(preview)
        super().__init__(self.asked)

    def wish(self) -> Wish:
        """Files too, and which real files."""
        files = self.asked.files
        return Wish(files, tuple(sorted(self.asked.undo)) if files else ())
