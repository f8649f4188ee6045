"""Change sets as rows, with the file, hunk and line that each row belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from vtcode_tui.render import MUTED, Line, Span, Style, hard_fold, plain_bytes, plain_line, spans_of
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Hunk


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is: file, hunk (None: the file's heading), line number in the new file, and its text."""

    path: str
    hunk: int | None = None
    line: int = 0
    text: str = ""


class DiffRows:
    """All rows of a change set at one width."""

    def __init__(self, changes: ChangeSet) -> None:
        self.changes = changes
        self.width = 0
        self._rows: list[Line] = []
        self._places: list[Place] = []

    def lay(self, cells: int, *, split: bool, wrapped: bool) -> None:
        """Make the rows for a width."""
        self._rows, self._places = [], []
        for file in self.changes.files:
            self._file(file, cells)

    def _add(self, row: Line, place: Place) -> None:
        self._rows.append(row)
        self._places.append(place)

    def _file(self, file: FileChange, cells: int) -> None:
        if self._rows:
            self._add(Line(), Place(file.path))
        head = (Span(f" {file.op} ", MUTED), *spans_of(plain_line(file.path), Style("accent", bold=True)),
                Span(f"  +{file.added}", Style("added")), Span(f" -{file.removed}", Style("removed")))  # fmt: skip
        self._add(Line(head), Place(file.path))
        for text in (
            file.conflict,
            "protected: asks by name" if file.protected else "",
            "binary" if file.binary else "",
        ):
            if text:
                self._add(Line((Span(f"   {plain_line(text)}", Style("caution")),)), Place(file.path))
        for hunk in file.hunks:
            self._hunk(file, hunk, cells)

    def _hunk(self, file: FileChange, hunk: Hunk, cells: int) -> None:
        head = f"   @@ -{hunk.old_start},{len(hunk.old_lines)} +{hunk.new_start},{len(hunk.new_lines)} @@"
        self._add(Line((Span(head, Style("hunk")),)), Place(file.path, hunk.index, hunk.new_start))
        for sign, name, start, lines in (
            ("-", "removed", hunk.old_start, hunk.old_lines),
            ("+", "added", hunk.new_start, hunk.new_lines),
        ):
            for offset, raw in enumerate(lines):
                text = plain_bytes(raw.rstrip(b"\n"))
                style = Style(name, name)  # type: ignore[arg-type]
                for index, row in enumerate(hard_fold(spans_of(text, style), max(8, cells - 8))):
                    number = f"{start + offset:>5} " if index == 0 else "      "
                    front = (
                        Span(number, MUTED._replace(ground=style.ground)),
                        Span(f"{sign} " if index == 0 else "  ", style),
                    )
                    place = Place(file.path, hunk.index, start + offset, text)
                    self._add(Line((*front, *row.spans), joined=index > 0, fill=style.ground), place)

    def count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]

    def place(self, y: int) -> Place | None:
        """Where a row is."""
        return self._places[y] if 0 <= y < len(self._places) else None

    def find(self, path: str, hunk: int | None) -> int | None:
        """The first row of a hunk, or of a file."""
        found = None
        for y, place in enumerate(self._places):
            if place.path == path:
                if place.hunk == hunk:
                    return y
                found = y if found is None else found
        return found

    def step(self, y: int, delta: int, *, files: bool) -> int | None:
        """The first row of the next hunk or file."""

        def start(row: int) -> bool:
            place, before = self._places[row], self._places[row - 1] if row else None
            if files:
                return before is None or before.path != place.path
            return place.hunk is not None and (
                before is None or (before.path, before.hunk) != (place.path, place.hunk)
            )

        rows = range(y + 1, len(self._rows)) if delta > 0 else range(y - 1, -1, -1)
        return next((row for row in rows if start(row)), None)
