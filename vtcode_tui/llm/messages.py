"""The message model: what a conversation is, whatever wire carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Words. `by` says whose they are in a message of the user: the prompt itself, what the person said while the
    model worked, what vtcode adds, or its note that the answer before is `cut` short. No wire carries it."""

    text: str
    by: Literal["prompt", "steer", "vtcode", "cut"] = "prompt"


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning; `signature` is kept byte-exact and goes back only to the `provider` and `model` it came from."""

    text: str
    signature: str = ""
    provider: str = ""
    model: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model asks for a tool. `arguments` is the JSON text exactly as it arrived.

    A `signature` goes back only to the `provider` and `model` it came from, like that of Thinking.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""
    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to one ToolUse."""

    id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, as bytes of a media type such as image/png."""

    data: bytes
    media_type: str


Part: TypeAlias = Text | Thinking | ToolUse | ToolResult | Image


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Tool results travel in `user` messages, tool uses in `assistant` ones."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; `schema` is JSON Schema of an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a wire needs for one answer."""

    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int = 16_384
    temperature: float | None = None
    effort: Literal["none", "low", "medium", "high"] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; zero where the provider does not say."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingPiece:
    """A piece of reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolPiece:
    """A tool use is being written; for display only, never to act on."""

    index: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """All pieces so far are void: the answer is asked again, from this link or another."""

    reason: str
    from_provider: str
    from_model: str
    to_provider: str
    to_model: str
    attempts: int
    dropped: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The message is whole; only now may its tool uses be acted on."""

    message: Message
    finish: Literal["stop", "tools", "length", "refusal"]
    usage: Usage = field(default_factory=Usage)
    response_id: str = ""
    provider: str = ""
    model: str = ""
    first_byte_ms: int = 0
    duration_ms: int = 0
    cost_usd: float | None = None


Delta: TypeAlias = TextPiece | ThinkingPiece | ToolPiece | Restarted | Completed
"""What a stream yields: pieces, perhaps a restart, and one Completed at the end; or it raises ModelError."""
