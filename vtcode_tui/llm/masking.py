"""Old tool outputs taken out of the context in one cut: the prompt cache is lost once, not every turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vtcode_tui.llm.messages import Message, ToolResult, ToolUse
from vtcode_tui.llm.tokens import estimate_tokens

_MARK = "[older output of "


@dataclass(frozen=True, slots=True)
class Masked:
    """A history with old outputs masked; pairs stay whole."""

    messages: tuple[Message, ...]
    results: int
    tokens: int


def masked(messages: Sequence[Message], *, keep: int = 10, least: int = 100) -> Masked:
    """Replace tool results that are older than the last `keep` answers of the model, if of at least `least` tokens.

    The note says which tool it was and how long the output: the model can call it again. Errors stay, they are
    short and what was learnt from them matters.
    """
    answers = [place for place, message in enumerate(messages) if message.role == "assistant"]
    border = answers[-keep] if len(answers) > keep > 0 else 0
    names = {part.id: part.name for m in messages for part in m.parts if isinstance(part, ToolUse)}
    made: list[Message] = []
    results = tokens = 0
    for place, message in enumerate(messages):
        if place < border and message.role == "user":
            parts = list(message.parts)
            for index, part in enumerate(parts):
                if isinstance(part, ToolResult) and not part.is_error and not part.text.startswith(_MARK):
                    size = estimate_tokens(part.text)
                    if size >= least:
                        name = names.get(part.id, "a tool")
                        note = f"{_MARK}{name}: {len(part.text)} characters, left out to save room]"
                        parts[index] = replace(part, text=note)
                        results, tokens = results + 1, tokens + size - estimate_tokens(note)
            message = replace(message, parts=tuple(parts))
        made.append(message)
    return Masked(tuple(made), results, tokens)
