"""The trust screen: what in this folder would influence vtcode, and the question whether to let it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Line, Span, Style, fold, plain_line, spans_of
from vtcode_tui.tui.screens.question import Answer, Question, keys_of, words

if TYPE_CHECKING:
    from vtcode_tui.workspace import Influence

SHOWN = 8
"""How many files below the top of the folder are named; the rest is counted."""
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


def influences(root: Path, deeper: tuple[Influence, ...] = ()) -> list[tuple[str, str]]:
    """What there is in a folder that others act upon, by name, and what has a say `deeper` in it."""
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
    meanings, here = dict(INFLUENCES), {name for name, _ in found}
    below = [one.path for one in deeper if one.path not in here]
    found += [(path, meanings.get(path.rpartition("/")[2], "has a say here")) for path in below[:SHOWN]]
    if len(below) > SHOWN:
        found.append((f"and {len(below) - SHOWN} more", "`vtcode trust` lists them all"))
    return found


class Trust(Question):
    """`trust` or `look`: work in this folder, or look around without tools."""

    TITLE_WORD = "trust"
    ANSWERS = (
        Answer("ctrl+t", "trust", "trust this folder"),
        Answer("escape", "look", "look around without tools"),
    )
    BINDINGS = keys_of(ANSWERS)

    def __init__(self, root: Path, shown: tuple[Influence, ...] = ()) -> None:
        super().__init__()
        self._root = root
        self._found = influences(root, shown)

    def lay(self, cells: int) -> list[Line]:
        """The folder, what in it would have an influence, and what trust means."""
        name = fold(spans_of(plain_line(str(self._root)), Style("code", bold=True)), cells - 4)
        rows = [
            Line(),
            *words("Work in this folder?", cells, Style("heading")),
            Line(),
            *(Line((Span("    "), *row.spans)) for row in name),
            Line(),
            *words("Until you trust it, no tool runs here and nothing in it is read as configuration.", cells),
        ]
        if self._found:
            rows += [Line(), *words("In it, these would have an influence:", cells, MUTED), Line()]
            rows += [
                Line((Span("    "), *spans_of(f"{plain_line(name):<22} ", Style("accent")), Span(meaning, MUTED)))
                for name, meaning in self._found
            ]
        promise = (
            "Trust is recorded outside the folder and bound to what its own configuration says now: "
            "when that changes, you are asked again."
        )
        return [*rows, Line(), *words(promise, cells, MUTED)]
