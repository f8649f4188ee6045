"""What the tests of this room say to models, and how they hear them out."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from vtcode_tui.config.settings import Wire
from vtcode_tui.llm import Chain, Endpoint, Key, Link, TimeLimits
from vtcode_tui.llm.messages import (
    Completed,
    Delta,
    Message,
    Request,
    Restarted,
    Text,
    TextPiece,
    ThinkingPiece,
    ToolPiece,
    ToolSpec,
)

READ = ToolSpec(
    "read_file",
    "Read a file.",
    {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)


def request(*messages: Message, **changes: object) -> Request:
    """A request with one prompt and one tool, unless told otherwise."""
    said = messages or (Message("user", (Text("Read a.py and b.py."),)),)
    return Request("m", "You are a test.", said, (READ,), **changes)  # type: ignore[arg-type]  # keyword pass-through


def endpoint(url: str, wire: Wire = "openai-chat", provider: str = "acme") -> Endpoint:
    """A provider at a test's server."""
    return Endpoint(provider, wire, url, Key("sk-test-1234567890"), data_class="local")


async def no_wait(seconds: float) -> None:
    """Passes the time at once."""


def chain_to(url: str, wire: Wire = "openai-chat", **limits: float) -> Chain:
    """A chain of one link; a local one, which is given ten times the time for its first byte."""
    return Chain([Link(endpoint(url, wire), "m")], limits=TimeLimits(**limits), sleep=no_wait, chance=lambda: 0.0)


@dataclass
class Heard:
    """A stream, taken to its end."""

    text: str = ""
    thinking: str = ""
    tools: list[ToolPiece] = field(default_factory=list)
    restarts: list[Restarted] = field(default_factory=list)
    completed: Completed | None = None

    @property
    def whole(self) -> Completed:
        assert self.completed is not None
        return self.completed


async def hear(chain: Chain, asked: Request | None = None) -> Heard:
    """Everything that a chain answers; the connections are closed afterwards."""
    heard = Heard()
    try:
        async with aclosing(chain.stream(asked or request())) as deltas:
            async for delta in deltas:
                _take(heard, delta)
    finally:
        await chain.aclose()
    return heard


def _take(heard: Heard, delta: Delta) -> None:
    assert heard.completed is None, "nothing comes after Completed"
    match delta:
        case TextPiece(text):
            heard.text += text
        case ThinkingPiece(text):
            heard.thinking += text
        case ToolPiece():
            heard.tools.append(delta)
        case Restarted():
            heard.restarts.append(delta)
            heard.text = heard.thinking = ""
            heard.tools = []
        case Completed():
            heard.completed = delta
