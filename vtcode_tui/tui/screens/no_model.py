"""The no-model screen: where a model was looked for, how to have one, and what works without."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, TEXT, Line, Span, Style, fold, plain_line, spans_of
from vtcode_tui.tui.panes.heading import Heading
from vtcode_tui.tui.sheet import Sheet

LOOKED = (
    "environment: OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY and their _BASE_URL",
    "LM Studio on 127.0.0.1:1234",
    "Ollama on 127.0.0.1:11434",
    "llama.cpp on 127.0.0.1:8080",
)


class NoModelText(Sheet):
    """The words."""

    def __init__(self, looked: tuple[str, ...]) -> None:
        super().__init__(id="no-model-text")
        # The first sentence of the core repeats the others after its first clause.
        self._looked = (looked[0].split(";")[0], *looked[1:]) if looked else LOOKED
        self._rows: list[Line] = []

    def redraw(self) -> None:
        """Lay the words out."""
        cells = self.text_width - 2
        front = (Span("  "),)

        def words(text: str, style: Style = TEXT) -> list[Line]:
            return fold(spans_of(plain_line(text), style), cells, first=front, rest=front)

        rows = [Line(), *words("No model answers yet", Style("heading")), Line(), *words("Looked for:", MUTED)]
        for text in self._looked:
            rows += fold(spans_of(plain_line(text)), cells, first=(Span("    · ", MUTED),), rest=(Span("      "),))
        rows += [
            Line(),
            *words("To have one: start a local server, or set a key and start vtcode again:", MUTED),
            Line(),
        ]
        rows += [Line((Span("    export OPENAI_API_KEY=…", Style("code")),)), Line()]
        rows += words(
            "Without one: !command runs in the sandbox with its policy, @ finds files, and the demo shows "
            "everything with a built-in scripted model, without key and network."
        )
        self._rows = rows
        super().redraw()

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]


class NoModel(ModalScreen[bool]):
    """True: show the demo."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+d", "answer(True)", priority=True, show=False),
        Binding("escape", "answer(False)", priority=True, show=False),
        Binding("ctrl+q", "app.leave", priority=True, show=False),
    ]

    def __init__(self, looked: tuple[str, ...]) -> None:
        super().__init__()
        self._looked = looked

    def compose(self) -> ComposeResult:
        """A heading, the words, the answers."""
        with Vertical(id="no-model"):
            yield Heading("model", "")
            yield NoModelText(self._looked)
            yield Heading("", "")

    def on_mount(self) -> None:
        """Show the keys."""
        first, last = self.query(Heading)
        first.tell("", "")
        demo, stay = " ^D show the demo ", " esc go on without "
        last.show(
            (Span("  "), Span(demo, Style("good", "human", bold=True)), Span("  "), Span(stay, MUTED)),
            actions={demo: "screen.answer(True)", stay: "screen.answer(False)"},
        )
        self.query_one(NoModelText).focus()

    def action_answer(self, demo: bool) -> None:
        """Take the answer."""
        self.dismiss(demo)
