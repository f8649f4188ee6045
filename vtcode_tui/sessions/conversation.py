"""Between the messages of a model and the items of session.md, both ways and without loss."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal, assert_never

from vtcode_tui.llm.messages import Image, Message, Part, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.sessions.items import Item, Role


def items_of(message: Message, *, number: int, first_seq: int, turn: int | None = None) -> list[Item]:
    """One item for each part of a message; the first of a prompt names the turn that it begins."""
    items = [_item(part, message.role, number, first_seq + i) for i, part in enumerate(message.parts)]
    if turn is not None and items:
        items[0] = replace(items[0], facts={**items[0].facts, "turn": turn})
    return items


def _item(part: Part, role: Role, number: int, seq: int) -> Item:
    match part:
        case Text(text=text, by=by):
            return Item(seq, role, "text", text, number, {} if by == "prompt" else {"by": by})
        case Thinking():
            facts = {
                "signature": part.signature,
                "provider": part.provider,
                "model": part.model,
                "redacted": part.redacted,
            }
            return Item(seq, role, "thinking", part.text, number, facts)
        case ToolUse():
            facts = {"id": part.id, "name": part.name}
            if part.signature or part.provider or part.model:
                facts |= {"signature": part.signature, "provider": part.provider, "model": part.model}
            return Item(seq, role, "tool_use", part.arguments, number, facts)
        case ToolResult():
            return Item(seq, "tool", "tool_result", part.text, number, {"id": part.id, "error": part.is_error})
        case Image():
            body = base64.b64encode(part.data).decode()
            return Item(seq, role, "image", body, number, {"media_type": part.media_type})
        case _:
            assert_never(part)


def author_of(item: Item) -> Literal["prompt", "steer", "vtcode", "cut"]:
    """Whose words an item of the user's side is."""
    match item.facts.get("by"):
        case "steer":
            return "steer"
        case "vtcode":
            return "vtcode"
        case "cut":
            return "cut"
        case _:
            return "prompt"


def _part(item: Item) -> Part | None:
    facts = item.facts
    match item.kind:
        case "text":
            return Text(item.body, author_of(item))
        case "thinking":
            return Thinking(
                item.body,
                str(facts.get("signature", "")),
                str(facts.get("provider", "")),
                str(facts.get("model", "")),
                bool(facts.get("redacted", False)),
            )
        case "tool_use":
            return ToolUse(
                str(facts.get("id", "")),
                str(facts.get("name", "")),
                item.body,
                str(facts.get("signature", "")),
                str(facts.get("provider", "")),
                str(facts.get("model", "")),
            )
        case "tool_result":
            return ToolResult(str(facts.get("id", "")), item.body, bool(facts.get("error", False)))
        case "image":
            try:
                return Image(base64.b64decode(item.body, validate=True), str(facts.get("media_type", "")))
            except (binascii.Error, ValueError):
                return Text("[an image that could not be read back]")
        case "summary" | "rewind" | "note":
            return None


@dataclass(frozen=True, slots=True)
class Compaction:
    """From now on, when there were `at` messages, a summary stands for those before `kept_from`."""

    at: int
    summary: str
    kept_from: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """The whole history as it stands after every compaction and rewind."""

    messages: tuple[Message, ...] = ()
    compactions: tuple[Compaction, ...] = ()
    prompts: Mapping[int, int] = field(default_factory=dict)
    """Of each turn, the place of its prompt among the messages."""

    @property
    def summary(self) -> str:
        """What the model is given instead of the messages before `kept_from`."""
        return self.compactions[-1].summary if self.compactions else ""

    @property
    def kept_from(self) -> int:
        """The first message that the model is given as it was."""
        return min(self.compactions[-1].kept_from, len(self.messages)) if self.compactions else 0

    def before(self, messages: int) -> Conversation:
        """The conversation as it was when it had so many messages."""
        return Conversation(
            self.messages[:messages],
            tuple(c for c in self.compactions if c.at <= messages),
            {turn: place for turn, place in self.prompts.items() if place < messages},
        )


def conversation_of(items: Iterable[Item]) -> Conversation:
    """The messages that the items hold, in order, with what was compacted and taken back since."""
    messages: list[Message] = []
    compactions: list[Compaction] = []
    prompts: dict[int, int] = {}
    for _, group in groupby(items, key=lambda item: item.message):
        members = list(group)
        for item in members:
            if item.kind == "summary":
                compactions.append(Compaction(len(messages), item.body, _count(item, "kept_from")))
            elif item.kind == "rewind":
                left = Conversation(tuple(messages), tuple(compactions), prompts).before(_count(item, "messages"))
                messages, compactions, prompts = list(left.messages), list(left.compactions), dict(left.prompts)
            elif "turn" in item.facts:
                prompts[_count(item, "turn")] = len(messages)
        parts = tuple(part for item in members if (part := _part(item)) is not None)
        if parts:
            role = "assistant" if members[0].role == "assistant" else "user"
            messages.append(Message("assistant" if role == "assistant" else "user", parts))
    return Conversation(tuple(messages), tuple(compactions), prompts)


def _count(item: Item, fact: str) -> int:
    value = item.facts.get(fact)
    return value if isinstance(value, int) and value >= 0 else 0


def unanswered(messages: Iterable[Message]) -> list[ToolUse]:
    """Tool uses without a result: what was under way when the session stopped."""
    open_uses: dict[str, ToolUse] = {}
    for message in messages:
        for part in message.parts:
            match part:
                case ToolUse(id=name):
                    open_uses[name] = part
                case ToolResult(id=name):
                    open_uses.pop(name, None)
                case _:
                    pass
    return list(open_uses.values())
