"""Where in a diff somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.render import DiffView


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is: file, hunk or clash (None: between them), line number, and the line's text."""

    path: str
    hunk: int | None = None
    line: int = 0
    text: str = ""
    clash: int | None = None


def row_of(view: DiffView, path: str, hunk: int | None, clash: int | None = None) -> int | None:
    """The row at which a file, or a hunk or clash of it, begins; None where the file is not in the view."""
    for index, file in enumerate(view.files):
        if file.path == path:
            if hunk is None and clash is None:
                return view.file_lines[index]
            which = clash if hunk is None else hunk
            return view.line_of_hunk(index, which or 0, clash=hunk is None)
    return None
