"""A history made fit for another model: what only its author can read is dropped and said, nothing else lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vtcode_tui.llm.messages import Image, Message, Part, Text, Thinking, ToolUse
from vtcode_tui.llm.pairing import paired

_UNSEEN = "[a picture that this model cannot see]"
_OPENING = "(the conversation goes on)"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A history that a model's wire takes, and what had to be dropped or repaired for it, one phrase each."""

    messages: tuple[Message, ...]
    dropped: tuple[str, ...] = ()


def fitted(messages: Sequence[Message], provider: str, model: str, *, images: bool = True) -> Fitted:
    """The history as `model` at `provider` may read it.

    Reasoning and signatures of other models go, for they are encrypted or mean nothing there; pictures become a
    note where the model cannot see; tool pairs are made whole; roles alternate, beginning with the user.
    """
    dropped: Counter[str] = Counter()
    kept = [Message(m.role, tuple(_parts(m.parts, provider, model, images, dropped))) for m in messages]
    whole = paired(_alternating(kept))
    notes = [f"{count} × {what}" if count > 1 else what for what, count in dropped.items()]
    return Fitted(_alternating(whole.messages), (*notes, *whole.repairs))


def _parts(parts: Sequence[Part], provider: str, model: str, images: bool, dropped: Counter[str]) -> list[Part]:
    kept: list[Part] = []
    for part in parts:
        match part:
            case Thinking() if (part.provider, part.model) != (provider, model):
                dropped[f"reasoning of {part.provider or '?'}/{part.model or '?'}"] += 1
            case ToolUse() if part.signature and (part.provider, part.model) != (provider, model):
                dropped[f"signature of {part.provider or '?'}/{part.model or '?'}"] += 1
                kept.append(replace(part, signature="", provider="", model=""))
            case Image() if not images:
                dropped["picture"] += 1
                kept.append(Text(_UNSEEN))
            case Text(text=""):
                pass
            case _:
                kept.append(part)
    return kept


def _alternating(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Neighbours of one role joined, empty messages left out, the user first."""
    made: list[Message] = []
    for message in messages:
        if not message.parts:
            continue
        if made and made[-1].role == message.role:
            made[-1] = Message(message.role, made[-1].parts + message.parts)
        else:
            made.append(message)
    if made and made[0].role == "assistant":
        made.insert(0, Message("user", (Text(_OPENING),)))
    return tuple(made)
