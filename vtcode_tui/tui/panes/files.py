"""The files of a change set as a tree with counts, beside the diff: a click leads to a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

from vtcode_tui.render import MUTED, Line, Span, Style, StyleName, cut, plain_line, spans_of, width_of
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.workspace.changes import ChangeSet, FileChange

MARKS: dict[str, tuple[str, StyleName]] = {
    "create": ("A", "added"),
    "delete": ("D", "removed"),
    "rename": ("R", "caution"),
    "mode": ("M", "caution"),
    "symlink": ("L", "caution"),
    "update": ("M", "muted"),
}


def counts_of(file: FileChange) -> tuple[Span, ...]:
    """What changed, in a few cells: `+3 -1`, `binary`, `conflict`."""
    spans: list[Span] = []
    if file.conflict:
        spans.append(Span(" conflict", Style("bad", bold=True)))
    if file.protected:
        spans.append(Span(" protected", Style("caution")))
    if file.binary:
        spans.append(Span(" binary", MUTED))
    if file.added:
        spans.append(Span(f" +{file.added:,}", Style("added")))
    if file.removed:
        spans.append(Span(f" -{file.removed:,}", Style("removed")))
    return tuple(spans)


@dataclass(frozen=True, slots=True)
class Twig:
    """A row of the tree: a folder (no file) or a file, and how deep it stands."""

    name: str
    depth: int
    file: FileChange | None = None


def tree_of(changes: ChangeSet) -> list[Twig]:
    """The files below their folders; a folder that holds nothing but a folder is one row with it."""
    root: dict[str, Any] = {}
    for file in changes.files:
        folder = root
        *parents, name = file.path.split("/")
        for parent in parents:
            folder = folder.setdefault(f"{parent}/", {})
        folder[name] = file
    return _twigs(root, 0)


def _twigs(folder: dict[str, Any], depth: int) -> list[Twig]:
    twigs: list[Twig] = []
    for name, inside in folder.items():
        if not isinstance(inside, dict):
            twigs.append(Twig(name, depth, inside))
            continue
        while len(inside) == 1 and isinstance(only := next(iter(inside.values())), dict):
            name, inside = name + next(iter(inside)), only
        twigs += [Twig(name, depth), *_twigs(inside, depth + 1)]
    return twigs


class FileTree(Sheet, can_focus=False):
    """Every changed file, one row each."""

    WIDTH = 30

    class Chosen(Message):
        """The person wants to see a file."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self) -> None:
        super().__init__(id="files")
        self.display = False
        self._twigs: list[Twig] = []
        self._changes: ChangeSet | None = None
        self.here = ""
        """The path of the file that the diff is at."""

    def show(self, changes: ChangeSet, here: str) -> None:
        """Other changes, or another place in them."""
        if changes is not self._changes:
            self._changes, self._twigs = changes, tree_of(changes)
        elif here == self.here:
            return
        self.here = here
        self.redraw()
        place = next((y for y, twig in enumerate(self._twigs) if twig.file and twig.file.path == here), None)
        if place is not None:
            self.show_row(place)

    def row_count(self) -> int:
        """Folders and files."""
        return len(self._twigs)

    def row(self, y: int) -> Line:
        """One of them; the file that is looked at stands on a ground of its own."""
        return twig_row(self._twigs[y], self.text_width, here=self.here)

    def on_click(self, event: events.Click) -> None:
        """A click leads there."""
        y = event.y + int(self.scroll_offset.y)
        if y < len(self._twigs) and (file := self._twigs[y].file) is not None:
            self.post_message(self.Chosen(file.path))


def twig_row(twig: Twig, cells: int, *, here: str = "") -> Line:
    """A row of the tree in so many cells."""
    indent = "  " * twig.depth
    if twig.file is None:
        return Line((Span(f" {indent}"), *spans_of(cut(plain_line(twig.name), cells - len(indent) - 2), MUTED)))
    mark, style = MARKS.get(twig.file.op, ("M", "muted"))
    counts = counts_of(twig.file)
    room = max(4, cells - len(indent) - 4 - width_of(counts))
    name = cut(plain_line(twig.name), room)
    chosen = twig.file.path == here
    head = (Span(f" {indent}{mark} ", Style(style)), *spans_of(name, Style("accent" if chosen else "text")))
    gap = Span(" " * max(0, cells - width_of(head) - width_of(counts) - 1))
    spans = (*head, gap, *counts)
    if chosen:
        spans = tuple(span._replace(style=span.style._replace(ground="human")) for span in spans)
    return Line(spans, fill="human" if chosen else "")
