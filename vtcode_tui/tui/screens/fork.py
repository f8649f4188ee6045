"""Going on in a copy of the session: first what it would begin with, then the person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Line, Span, Style
from vtcode_tui.tui.screens.outlook import Outlook, OutlookScreen, Rows

if TYPE_CHECKING:
    from vtcode_tui.agent.forking import ForkPreview


class Beginning(Outlook):
    """What a copy would begin with."""

    def __init__(self, preview: ForkPreview, prompt: str) -> None:
        super().__init__()
        self.preview, self.prompt = preview, prompt

    def rows_at(self, cells: int) -> Rows:
        """Where the conversation ends, and the files that come along."""
        preview, until = self.preview, "The copy has all of the conversation"
        rows: Rows = []
        if preview.turn is not None:
            rows += [*self.quoted(self.prompt, cells), (Line(), "")] if self.prompt else []
            until = "The copy ends before this prompt" if self.prompt else "The copy ends after this turn"
        rows += self.sentence(f"{until}; this session stays as it is.", cells)
        rows.append((Line(), ""))
        if preview.unknown:
            return rows + self.sentence(f"No staged file comes along: {preview.unknown}.", cells, Style("caution"))
        rows.append((self.box(self.files, "staged files too, as they were there"), "files"))
        rows += [(self.file(file), "") for file in preview.files.files]
        if any(file.conflict for file in preview.files.files):
            rows.append((Line((Span("      what stays is not in the copy", MUTED),)), ""))
        return rows + self.diffs(preview.files.files, cells)


class ForkScreen(OutlookScreen):
    """Gives whether staged files are to come along, or None."""

    TITLE_TEXT = "go on in a copy of the session"
    DO_TEXT = "make the copy"

    def __init__(self, preview: ForkPreview, prompt: str) -> None:
        super().__init__(Beginning(preview, prompt))

    def wish(self) -> bool:
        """Files too."""
        return self.preview.files
