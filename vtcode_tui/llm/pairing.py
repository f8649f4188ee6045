"""Tool pairs: every tool use is answered once, in the very next message; every wire refuses anything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vtcode_tui.llm.messages import Message, Part, ToolResult, ToolUse

_FIT = re.compile(r"[A-Za-z0-9_-]{1,64}")
UNANSWERED = "No result: the call did not run, or its outcome is not known."
"""What a model is told about a tool use that has no result."""


def broken_pairs(messages: Sequence[Message]) -> tuple[str, ...]:
    """What is wrong with the tool pairs of a history, one sentence each; empty when every wire would take it."""
    wrong: list[str] = []
    seen: set[str] = set()
    asked: list[str] = []
    for place, message in enumerate(messages):
        uses = [part.id for part in message.parts if isinstance(part, ToolUse)]
        answers = [part.id for part in message.parts if isinstance(part, ToolResult)]
        if (uses and message.role != "assistant") or (answers and message.role != "user"):
            wrong.append(f"message {place}: a tool part in a message of the other role")
        wrong += [
            f"message {place}: the tool use {id} has no result in the next message"
            for id in asked
            if id not in answers
        ]
        wrong += [
            f"message {place}: the result {id} answers no tool use of the message before"
            for id in answers
            if id not in asked
        ]
        wrong += [
            f"message {place}: two results for {id}" for id in {id for id in answers if answers.count(id) > 1}
        ]
        wrong += [
            f"message {place}: the id {id} was used before" for id in uses if id in seen or uses.count(id) > 1
        ]
        seen.update(uses)
        asked = uses
    wrong += [f"the tool use {id} has no result at the end" for id in asked]
    return tuple(wrong)


@dataclass(frozen=True, slots=True)
class Paired:
    """A history whose pairs are whole, and what had to be done for it."""

    messages: tuple[Message, ...]
    repairs: tuple[str, ...] = ()


def paired(messages: Sequence[Message]) -> Paired:
    """The history with every tool use answered: results in the order of their uses, ids unique, strays left out.

    A result is never moved to another use, and a use never lost: what has no result says so.
    """
    made: list[Message] = []
    asked: list[tuple[ToolUse, str]] = []
    used: dict[str, int] = {}
    renamed = unanswered = strays = 0
    for message in messages:
        results = {part.id: part for part in reversed(message.parts) if isinstance(part, ToolResult)}
        answers = [
            _answering(results.pop(old), use.id) if old in results else _unanswered(use) for use, old in asked
        ]
        unanswered += sum(answer.text is UNANSWERED for answer in answers)
        parts: list[Part] = [part for part in message.parts if not isinstance(part, ToolResult | ToolUse)]
        strays += len(results) + sum(isinstance(part, ToolUse) for part in message.parts if message.role == "user")
        asked = []
        if message.role == "user":
            made.append(Message("user", (*answers, *parts)))
            continue
        if answers:
            made.append(Message("user", tuple(answers)))
        kept: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolUse):
                id = _unique(part.id, used)
                renamed += id != part.id
                name = _named(part.name)
                renamed += name != part.name
                use = part if (id, name) == (part.id, part.name) else replace(part, id=id, name=name)
                asked.append((use, part.id))
                kept.append(use)
            elif not isinstance(part, ToolResult):
                kept.append(part)
        made.append(Message("assistant", tuple(kept)))
    if asked:
        unanswered += len(asked)
        made.append(Message("user", tuple(_unanswered(use) for use, _ in asked)))
    counted = (
        (unanswered, "tool use without a result"),
        (strays, "result without a tool use"),
        (renamed, "tool id or name renamed"),
    )
    return Paired(tuple(made), tuple(f"{count} × {what}" for count, what in counted if count))


def _unanswered(use: ToolUse) -> ToolResult:
    return ToolResult(use.id, UNANSWERED, is_error=True)


def _answering(result: ToolResult, id: str) -> ToolResult:
    return result if result.id == id else replace(result, id=id)


def _unique(id: str, used: dict[str, int]) -> str:
    """The id in the alphabet and the length that all wires take, different from every other.

    `used` has those that were given, each with the number that the next one of its name is tried with: servers that
    call every call `call_0` are asked with hundreds of them.
    """
    first = clean = _clean(id) or "call"
    while clean in used:
        used[first], clean = used[first] + 1, f"{first[:56]}_{used[first]}"
    used[clean] = 2
    return clean


def _named(name: str) -> str:
    """The name in the alphabet and the length that all wires take; a model may have made it up."""
    clean = _clean(name)
    return clean if clean[:1].isalpha() or clean[:1] == "_" else f"_{clean[:63]}"


def _clean(text: str) -> str:
    if _FIT.fullmatch(text):
        return text
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in text)[:64]
