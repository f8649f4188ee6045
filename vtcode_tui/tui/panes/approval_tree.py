"""How far the policy's explanation is opened in the approval widget, and which row belongs to which command.

It begins folded: one row that names every program with its verdict. A step opens the commands with what is not
allowed in each, another one the role of every word; a click does the same for one command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vtcode_tui.render import MUTED, Line, Span, cut_spans, fold, spans_of
from vtcode_tui.render.explanation import Node, branches, changes_of, details_of, notes_of, outline
from vtcode_tui.tui.panes.approval_rows import LABELS, labelled

LEVELS = 3
FOLDED, COMMANDS, WORDS = range(LEVELS)
_INDENT = LABELS + 4


class Tree:
    """The rows of one explanation at a time."""

    def __init__(self) -> None:
        self.level = FOLDED
        self._flipped: frozenset[Node] = frozenset()

    @property
    def state(self) -> str:
        """What is opened: another state means other rows."""
        return f"{self.level} {sorted(self._flipped)}"

    def step(self) -> None:
        """Open it further; from the last step back to one row."""
        self.level, self._flipped = (self.level + 1) % LEVELS, frozenset()

    def flip(self, node: Node) -> None:
        """Open or fold the words of one command; the heading's own row takes a step."""
        if node and self.level != FOLDED:
            self._flipped ^= {node}
        else:
            self.step()

    def forget(self) -> None:
        """Another request: its commands are others."""
        self._flipped = frozenset()

    def _opened(self, node: Node) -> bool:
        return (self.level == WORDS) != (node in self._flipped)

    def tells(self, explanation: Mapping[str, Any] | None) -> frozenset[str]:
        """The details that stand in the rows, which need not stand anywhere else."""
        return details_of(explanation) if self.level != FOLDED else frozenset()

    def rows(self, explanation: Mapping[str, Any] | None, cells: int, key: str) -> list[tuple[Line, Node]]:
        """Every row with the command that a click on it opens; `key` is the key that opens all of them."""
        if not explanation or not explanation.get("commands"):
            return []
        room = max(1, cells - 1)
        hint = Span(f"  {key} {('open', 'open further', 'fold')[self.level]}", MUTED)
        mark = Span("▸ " if self.level == FOLDED else "▾ ", MUTED)
        head = labelled("parts", mark)
        space = max(8, room - _INDENT - 2 - len(hint.text))
        rows: list[tuple[Line, Node]] = [(Line((*head, *cut_spans(outline(explanation), space), hint)), ())]
        if self.level == FOLDED:
            return rows
        for note in notes_of(explanation):
            rows += [(line, ()) for line in fold(spans_of(note), room, first=labelled(""), rest=labelled(""))]
        for line, node in branches(explanation, max(8, room - _INDENT), opened=self._opened):
            rows.append((line._replace(spans=(*labelled(""), *line.spans)), node))
        for number, change in enumerate(changes_of(explanation)):
            first = labelled("change" if not number else "")
            rows += [(line, ()) for line in fold(spans_of(change), room, first=first, rest=labelled(""))]
        return rows
