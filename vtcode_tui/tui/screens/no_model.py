"""The no-model screen: where a model was looked for, how to have one, and what works without."""

from __future__ import annotations

from vtcode_tui.render import MUTED, Line, Span, Style, fold, plain_line, spans_of
from vtcode_tui.tui.screens.question import Answer, Question, keys_of, words

LOOKED = (
    "environment: OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY and their _BASE_URL",
    "LM Studio on 127.0.0.1:1234",
    "Ollama on 127.0.0.1:11434",
    "llama.cpp on 127.0.0.1:8080",
)


class NoModel(Question):
    """`set up` a model, see the `demo`, or go on `without`."""

    TITLE_WORD = "model"
    ANSWERS = (
        Answer("ctrl+s", "set up", "set one up"),
        Answer("ctrl+d", "demo", "show the demo"),
        Answer("escape", "without", "go on without"),
    )
    BINDINGS = keys_of(ANSWERS)

    def __init__(self, looked: tuple[str, ...]) -> None:
        super().__init__()
        self._looked = looked or LOOKED

    def lay(self, cells: int) -> list[Line]:
        """Where was looked, and what can be done."""
        rows = [
            Line(),
            *words("No model answers yet", cells, Style("heading")),
            Line(),
            *words("Looked for:", cells, MUTED),
        ]
        for text in self._looked:
            rows += fold(spans_of(plain_line(text)), cells, first=(Span("    · ", MUTED),), rest=(Span("      "),))
        rows += [
            Line(),
            *words(
                "To have one: choose it here, or set a key such as OPENAI_API_KEY and start vtcode again.",
                cells,
                MUTED,
            ),
            Line(),
        ]
        without = (
            "Without one: !command runs in the sandbox with its policy, @ finds files, and the demo shows "
            "everything with a built-in scripted model, without key and network."
        )
        return [*rows, *words(without, cells)]
