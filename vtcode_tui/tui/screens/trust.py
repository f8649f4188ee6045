"""The trust screen: what in this folder would influence vtcode, and the question whether to let it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, Line, Span, Style, fold, plain_line, spans_of
from vtcode_tui.tui.panes.heading import Heading
from vtcode_tui.tui.sheet import Sheet

INFLUENCES: tuple[tuple[str, str], ...] = (
    ("vtcode.toml", "settings; a workspace can only tighten them"),
    ("tool-policy.json", "policy; a workspace can only tighten it"),
    ("AGENTS.md", "instructions that the model will read"),
    ("CLAUDE.md", "instructions for other agents"),
    (".git/hooks", "programs that git runs by itself"),
    (".envrc", "environment that direnv loads"),
    (".vscode/tasks.json", "tasks that an editor runs"),
    (".github/workflows", "what CI runs"),
    ("Makefile", "what `make` runs"),
    ("package.json", "scripts that npm runs"),
    ("conftest.py", "code that pytest runs"),
    (".env", "secrets; hidden from every run"),
)


def influences(root: Path) -> list[tuple[str, str]]:
    """What there is in a folder that others act upon; looked up by name, nothing is read."""
    found = []
    for name, meaning in INFLUENCES:
        path = root / name
        try:
            present = (
                any(not p.name.endswith(".sample") for p in path.iterdir()) if path.is_dir() else path.exists()
            )
        except OSError:
            present = True
        if present:
            found.append((name, meaning))
    return found


class TrustText(Sheet):
    """The words of the question."""

    def __init__(self, root: Path) -> None:
        super().__init__(id="trust-text")
        self._root = root
        self._found = influences(root)
        self._rows: list[Line] = []

    def redraw(self) -> None:
        """Lay the words out."""
        cells = self.text_width - 2
        front = (Span("  "),)

        def words(*spans: Span) -> list[Line]:
            return fold(spans, cells, first=front, rest=front)

        rows = [Line(), *words(Span("Work in this folder?", Style("heading"))), Line()]
        rows += [
            Line((Span("    "), *row.spans))
            for row in fold(spans_of(plain_line(str(self._root)), Style("code", bold=True)), cells - 4)
        ]
        rows += [
            Line(),
            *words(Span("Until you trust it, no tool runs here and nothing in it is read as configuration.")),
        ]
        if self._found:
            rows += [Line(), *words(Span("In it, these would have an influence:", MUTED)), Line()]
            rows += [
                Line((Span(f"    {name:<22} ", Style("accent")), Span(meaning, MUTED)))
                for name, meaning in self._found
            ]
        rows += [
            Line(),
            *words(
                Span(
                    "Trust is recorded outside the folder and bound to what its own configuration says now: "
                    "when that changes, you are asked again.",
                    MUTED,
                )
            ),
        ]
        self._rows = rows
        super().redraw()

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]


class Trust(ModalScreen[bool]):
    """True: trust it. The key is a chord, so that nothing typed ahead answers."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+t", "answer(True)", priority=True, show=False),
        Binding("escape", "answer(False)", priority=True, show=False),
        Binding("ctrl+q", "app.leave", priority=True, show=False),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    def compose(self) -> ComposeResult:
        """A heading, the words, the answers."""
        with Vertical(id="trust"):
            yield Heading("trust", "")
            yield TrustText(self._root)
            yield Heading("", "")

    def on_mount(self) -> None:
        """Show the keys."""
        first, last = self.query(Heading)
        first.tell("", "")
        last.show(
            (Span("  "), Span(" ^T trust this folder ", Style("good", "human", bold=True)), Span("  "),
             Span(" esc look around without tools ", MUTED), Span(" ^Q leave ", MUTED)),
            actions={" ^T trust this folder ": "screen.answer(True)",
                     " esc look around without tools ": "screen.answer(False)", " ^Q leave ": "app.leave"},
        )  # fmt: skip
        self.query_one(TrustText).focus()

    def action_answer(self, trust: bool) -> None:
        """Take the answer."""
        self.dismiss(trust)
