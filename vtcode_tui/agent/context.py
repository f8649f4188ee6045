"""What of the history a model is given: old outputs masked in one cut, then a summary; tool pairs stay whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from vtcode_tui.llm.messages import Message, Part, Text, ToolResult, ToolSpec, ToolUse, Usage
from vtcode_tui.llm.tokens import Calibration, estimate_message
from vtcode_tui.sessions.conversation import Compaction, Conversation

KEEP_MESSAGES = 20
"""The last messages, about ten rounds, whose tool outputs are never masked."""
KEEP_TOKENS = 20_000
KEEP_SHARE = 0.3
"""What is kept as it was when the rest is summarised: at most so many tokens, and this share of the window."""
DEEPEST = 32
"""How many objects and lists may lie within each other in arguments that are recorded as they are."""
_MASK_OVER = 400


class History:
    """The whole conversation, and the view of it that fits a window."""

    def __init__(
        self,
        estimate: Callable[[str], int],
        conversation: Conversation | None = None,
    ) -> None:
        conversation = conversation or Conversation()
        self.messages: list[Message] = list(conversation.messages)
        self.summary, self.kept_from = conversation.summary, conversation.kept_from
        self.prompts: dict[int, int] = dict(conversation.prompts)
        """Of each turn, the place of its prompt among the messages."""
        self._compactions: list[Compaction] = list(conversation.compactions)
        self.masked_before = 0
        self._calibration = Calibration()
        self._estimate = estimate
        self._sizes: list[tuple[int, int]] = []
        """Of each message: its tokens, and those of its masked form."""
        self._fixed = 0
        self._summarised = ("", 0)
        """The summary that was counted last, and its tokens."""

    def fix(self, system: str, tools: Sequence[ToolSpec]) -> None:
        """Count what every request carries besides the messages."""
        text = "".join(t.name + t.description + json.dumps(t.schema) for t in tools)
        self._fixed = self._estimate(system) + self._estimate(text)

    def add(self, message: Message, turn: int | None = None) -> None:
        """Append a message; `turn` is given with the prompt that begins one."""
        if turn is not None:
            self.prompts[turn] = len(self.messages)
        self.messages.append(message)

    def rewind(self, messages: int) -> None:
        """Go back to the first so many messages, and to the summary that stood for some of them then."""
        whole = Conversation(tuple(self.messages), tuple(self._compactions), self.prompts)
        left = whole.before(messages)
        self.messages, self._compactions, self.prompts = (
            list(left.messages),
            list(left.compactions),
            dict(left.prompts),
        )
        self.summary, self.kept_from = left.summary, left.kept_from
        self.masked_before = min(self.masked_before, messages)
        del self._sizes[messages:]

    def view(self) -> tuple[Message, ...]:
        """The messages as the model is given them."""
        kept = self.messages[self.kept_from :]
        masked = max(0, self.masked_before - self.kept_from)
        shown = [_masked(message) if i < masked else message for i, message in enumerate(kept)]
        if self.summary:
            opening = Text(
                f"[What came before: kept by vtcode word for word, then summed up by you]\n{self.summary}",
                "vtcode",
            )
            if shown and shown[0].role == "user":
                shown[0] = Message("user", (opening, *shown[0].parts))
            else:
                shown.insert(0, Message("user", (opening,)))
        return tuple(shown)

    def tokens(self) -> int:
        """How many tokens the next request will carry, estimated and calibrated."""
        while len(self._sizes) < len(self.messages):
            message = self.messages[len(self._sizes)]
            shorter = _masked(message)
            whole = estimate_message(message)
            self._sizes.append((whole, whole if shorter is message else estimate_message(shorter)))
        masked = max(self.masked_before, self.kept_from)
        size = sum(whole for whole, _ in self._sizes[masked:])
        size += sum(short for _, short in self._sizes[self.kept_from : masked])
        if self._summarised[0] is not self.summary:
            self._summarised = (self.summary, self._estimate(self.summary))
        return self._calibration.corrected(self._fixed + size + self._summarised[1])

    def within(self, room: int) -> tuple[Message, ...]:
        """The view, with as many old outputs masked as it takes to fit into `room` tokens, where that is enough."""
        before = self.masked_before
        try:
            for keep in (KEEP_MESSAGES, 8, 4, 2, 0):
                self.masked_before = max(before, len(self.messages) - keep)
                if self.tokens() <= room:
                    break
            return self.view()
        finally:
            self.masked_before = before

    def calibrate(self, estimated: int, usage: Usage) -> None:
        """Learn from what the provider counted for a request that `tokens` had estimated before."""
        self._calibration = self._calibration.learned(round(estimated / self._calibration.factor), usage)

    def mask(self) -> bool:
        """Mask the outputs of all but the last rounds, in one cut; False when there was nothing left to mask."""
        cut = max(0, len(self.messages) - KEEP_MESSAGES)
        if cut <= max(self.masked_before, self.kept_from):
            return False
        before, self.masked_before = self.tokens(), cut
        return self.tokens() < before

    def cut_point(self, window: int) -> int:
        """The message from which on everything is kept when the rest is summarised: a prompt of the human's."""
        budget, point = min(KEEP_TOKENS, int(window * KEEP_SHARE)), len(self.messages)
        for i in range(len(self.messages) - 1, self.kept_from, -1):
            budget -= self._calibration.corrected(estimate_message(self.messages[i]))
            if budget < 0:
                break
            if _begins_a_turn(self.messages[i]):
                point = i
        return point

    @property
    def is_fresh(self) -> bool:
        """Whether the model gets no message beside the summary, if there is one."""
        return self.kept_from >= len(self.messages)

    def compact(self, summary: str, kept_from: int) -> None:
        """Give the model `summary` instead of everything before message `kept_from`."""
        self._compactions.append(Compaction(len(self.messages), summary, kept_from))
        self.summary, self.kept_from = summary, kept_from


def _begins_a_turn(message: Message) -> bool:
    return message.role == "user" and not any(
        isinstance(part, ToolResult) or (isinstance(part, Text) and part.by == "cut") for part in message.parts
    )


def _masked(message: Message) -> Message:
    if not any(isinstance(part, ToolResult) and len(part.text) > _MASK_OVER for part in message.parts):
        return message
    return replace(message, parts=tuple(_masked_part(part) for part in message.parts))


def _masked_part(part: Part) -> Part:
    if isinstance(part, ToolResult) and len(part.text) > _MASK_OVER:
        size = f"{len(part.text):,} characters of older output left out"
        note = f"[{size}: run the tool again if you need them, or read_output with call {part.id!r}.]"
        return replace(part, text=note)
    return part


def arguments_of(use: ToolUse) -> dict[str, Any]:
    """The arguments of a tool use as an object for the record; what is no object, or nested so deep that whoever
    reads the record would fail on it, is kept as text."""
    try:
        value = json.loads(use.arguments or "{}")
    except (ValueError, RecursionError):
        return {"text": use.arguments[:4096]}
    if not _shallow(value, DEEPEST):
        return {"text": use.arguments[:4096]}
    return value if isinstance(value, dict) else {"value": value}


def _shallow(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    return depth > 0 and all(
        _shallow(one, depth - 1) for one in (value.values() if isinstance(value, dict) else value)
    )
