"""Conflicts as the person decides them, clash by clash. Nothing of it is written before the file is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from vtcode_tui.workspace.changes import ChangeSet, Choice, Clash, FileChange, Overwrite, Selection, Settled

Side: TypeAlias = Literal["workspace", "agent"]


class Decisions:
    """What was decided so far: path -> clash -> a side, or bytes of the person's own."""

    def __init__(self) -> None:
        self._made: dict[str, dict[int, Side | bytes]] = {}

    def __getitem__(self, path: str) -> Mapping[int, Side | bytes]:
        return self._made.get(path, {})

    def all(self) -> Mapping[str, Mapping[int, Side | bytes]]:
        """Every decision, for drawing."""
        return self._made

    def forget(self) -> None:
        """Other changes came: the decisions were about the ones before."""
        self._made.clear()

    def make(self, path: str, clash: int, choice: Side | bytes) -> None:
        """Decide one clash."""
        self._made.setdefault(path, {})[clash] = choice

    def open(self, file: FileChange) -> list[Clash]:
        """The clashes of a file that nobody decided yet."""
        made = self[file.path]
        return [clash for clash in file.clashes if clash.index not in made]

    def undecided(self, file: FileChange) -> str:
        """Why a file with clashes, or a hunk of it, cannot be decided as others are."""
        left = len(self.open(file))
        if not left:
            return f"{file.path}: its conflicts are decided. f accepts the file so, X rejects it"
        many = f"{left} conflicts are" if left > 1 else "a conflict is"
        return f"{file.path}: {many} open. m keeps yours, t takes the agent's, e writes your own"

    def selection(self, changes: ChangeSet, wanted: Selection) -> tuple[Selection, list[str]]:
        """What of the wanted can be accepted, conflicts as they were decided, and a sentence for what cannot.

        A conflict that has no clashes (a binary file, one that is gone) is an `Overwrite`, which is asked about.
        """
        kept: dict[str, Choice] = {}
        complaints: list[str] = []
        files = {file.path: file for file in changes.files}
        for path, choice in wanted.items():
            file = files[path]
            if not file.conflict:
                kept[path] = choice
            elif not file.clashes:
                kept[path] = Overwrite()
            elif self.open(file):
                complaints.append(self.undecided(file))
            else:
                kept[path] = Settled(dict(self[path]))
        return kept, complaints
