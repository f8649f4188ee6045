"""What a model said, without the secrets in it: a model may have got one from elsewhere, or put one together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vtcode_tui.llm.messages import Message, Part, Text, Thinking, ToolUse


def without_secrets(message: Message, redact: Callable[[str], str], *, exact: bool) -> Message:
    """A message of a model with the secrets replaced in words, reasoning and arguments of calls.

    `exact`: reasoning that is signed stays as it is, because its author takes it back byte for byte and nobody else
    is given it. Otherwise it loses its signature where it held a secret.
    """
    if message.role != "assistant":
        return message

    def clean(part: Part) -> Part:
        match part:
            case Text():
                return replace(part, text=redact(part.text))
            case ToolUse():
                return replace(part, arguments=redact(part.arguments))
            case Thinking() if not (exact and part.signature):
                text = redact(part.text)
                return part if text == part.text else replace(part, text=text, signature="")
            case _:
                return part

    return replace(message, parts=tuple(map(clean, message.parts)))
