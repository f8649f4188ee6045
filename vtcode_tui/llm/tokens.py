"""How many tokens a text will be, without a download: one expression, corrected by what providers report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from vtcode_tui.llm.messages import (
    Image,
    Message,
    Part,
    Request,
    Text,
    Thinking,
    ToolResult,
    ToolSpec,
    ToolUse,
    Usage,
)
from vtcode_tui.llm.wire import compact

PER_MESSAGE = 4
PER_PICTURE = 1_600
_PLAUSIBLE = 0.5

# Measured against o200k_base on code, prose, JSON and logs: medians 1.02 to 1.16, fifth percentiles 0.92 to 1.10.
_PIECE = re.compile(
    r" ?[A-Z]?[a-z]{1,7}|[A-Z]{1,3}|\d{1,3}|\n+[ \t]*|[ \t]{2,}"
    r"|[^\sA-Za-z0-9\x80-\U0010ffff]{1,2}|[\x80-\u2fff]{1,2}|[^\x00-\x7f]"
)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is; errs on the high side."""
    return len(_PIECE.findall(text))


def estimate_message(message: Message) -> int:
    """About how many tokens a message is."""
    return PER_MESSAGE + sum(map(_estimate_part, message.parts))


def estimate_messages(messages: Iterable[Message]) -> int:
    """About how many tokens a history is; each part is counted once, however often it is asked about."""
    return sum(map(estimate_message, messages))


def estimate_request(request: Request) -> int:
    """About how many tokens a whole request is: system, tools and history."""
    tools = sum(map(_estimate_tool, request.tools))
    return _estimate_text(request.system) + tools + estimate_messages(request.messages)


@lru_cache(maxsize=16_384)
def _estimate_part(part: Part) -> int:
    match part:
        case Text(text) | ToolResult(text=text):
            return estimate_tokens(text) + 2
        case Thinking():
            # An encrypted reasoning counts as what it says, which is about half the length of its base64.
            return estimate_tokens(part.text) or len(part.signature) // 8
        case ToolUse():
            return estimate_tokens(part.arguments) + estimate_tokens(part.name) + 8
        case Image():
            return PER_PICTURE


@lru_cache(maxsize=16)
def _estimate_text(text: str) -> int:
    return estimate_tokens(text)


def _estimate_tool(tool: ToolSpec) -> int:
    return _estimate_text(f"{tool.name} {tool.description} {compact(dict(tool.schema))}") + 8


@dataclass(frozen=True, slots=True)
class Calibration:
    """A model's own tokenizer, seen from outside: the factor between its counts and our estimate."""

    factor: float = 1.0
    samples: int = 0

    def learned(self, estimated: int, usage: Usage) -> Calibration:
        """With one more answer: what we estimated for its request, and what the provider counted."""
        counted = usage.input + usage.cache_read + usage.cache_write
        # Some servers count only what their cache did not hold: believing them would overfill the window.
        if estimated < 200 or counted < _PLAUSIBLE * estimated:
            return self
        seen = min(3.0, max(0.7, counted / estimated))
        # The first count says nearly all; later ones smooth what differs from turn to turn.
        weight = 1.0 if self.samples == 0 else 0.3
        return replace(self, factor=self.factor + weight * (seen - self.factor), samples=self.samples + 1)

    def corrected(self, estimated: int) -> int:
        """An estimate in this model's own tokens."""
        return round(estimated * self.factor)
