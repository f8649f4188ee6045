"""What a diff view is made of, as one value: small ones are made at once, large ones beside the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtcode_tui.workspace.changes import ChangeSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtcode_tui.render import DiffView, FileDiff
    from vtcode_tui.render.diff import Settlements

AT_ONCE = 1_000
"""Hunks and hundreds of lines up to which a view is made at once: a few milliseconds."""


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
        return given, view
