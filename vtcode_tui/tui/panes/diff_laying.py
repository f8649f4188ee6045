"""What a diff view is made of, as one value: small ones are made at once, large ones beside the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtcode_tui.tui.panes.diff_place import Place, row_of
from vtcode_tui.workspace.changes import ChangeSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtcode_tui.render import DiffView, FileDiff
    from vtcode_tui.render.diff import Settlements

AT_ONCE = 60
"""Hunks and pieces of 10 kB up to which a view is made at once: about ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Laying:
    """Changes, and how they are to be shown."""

    changes: ChangeSet
    given: Sequence[FileDiff]
    """The same with their lines numbered, where that has been done."""
    cells: int
    split: bool
    wrap: bool
    settled: Settlements
    place: Place | None = None
    """Where the cursor is to stand again."""
    rows: int = 0
    """How many rows will be on the screen."""

    @property
    def large(self) -> bool:
        """Whether it takes long enough to be noticed."""
        files = self.changes.files
        size = sum(len(file.hunks) + (len(file.old_text) + len(file.new_text)) // 10_000 for file in files)
        return size > AT_ONCE

    def make(self) -> tuple[list[FileDiff], DiffView]:
        """The numbered lines and the view over them."""
        from vtcode_tui.render import DiffView, FileDiff  # loaded with the first change, not the first paint

        given = list(self.given) or [FileDiff.of(change) for change in self.changes.files]
        view = DiffView(given, self.cells, side_by_side=self.split, wrap=self.wrap, settled=self.settled)
        if self.large:
            # Colouring a screenful takes longer than all else, the first one most: the view keeps what was drawn.
            place = self.place
            top = (row_of(view, place.path, place.hunk, place.clash) if place is not None else 0) or 0
            for row in range(max(0, top - self.rows), min(len(view), top + self.rows)):
                _ = view[row]
        return given, view
