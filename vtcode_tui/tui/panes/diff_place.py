"""Where in a diff somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtcode_tui.render import plain_bytes

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


def place_at(view: DiffView, y: int) -> Place:
    """Where a row of the view is."""
    at = view[y]
    file = view.files[at.file]
    if at.kind in {"clash", "yours", "agents"}:
        clash = next(clash for clash in file.clashes if clash.index == at.hunk)
        return Place(file.path, None, clash.start, at.line.text.strip(), at.hunk)
    number = at.new or at.old
    lines = (file.new_text if at.new else file.old_text).split(b"\n")
    text = plain_bytes(lines[number - 1]) if 0 < number <= len(lines) else at.line.text.strip()
    return Place(file.path, at.hunk if at.hunk >= 0 else None, number, text)


def first_change(view: DiffView, y: int) -> Place:
    """The first changed line of its file below a row that is none; where nothing is a line, the file alone."""
    file, below = view[y].file, y
    while below < len(view) and view[below].file == file:
        if view[below].kind in {"added", "removed", "pair", "clash"}:
            return place_at(view, below)
        below += 1
    return Place(view.files[file].path)
