"""Anthropic Messages: typed blocks, signed thinking, explicit marks for the prompt cache.

The API no longer takes a temperature, so a request's is not sent.
"""

from __future__ import annotations

import re
from typing import Any

from vtcode_tui.llm.assembly import Assembly, Finish, WireError, arguments_object
from vtcode_tui.llm.endpoint import Endpoint
from vtcode_tui.llm.failure import error_words, kind_of, shortened
from vtcode_tui.llm.framing import ServerSentEvents
from vtcode_tui.llm.messages import Image, Message, Part, Request, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.llm.shape import entry, number, text
from vtcode_tui.llm.wire import Outgoing, Wire, base64_of, by_role, compact, joined, with_headers

_CACHED = {"cache_control": {"type": "ephemeral"}}
_BUDGETS = {"low": 4_096, "medium": 10_240, "high": 24_576}
_LEAST_BUDGET = 1_024
_ADAPTIVE = re.compile(r"claude-[a-z]+-(4[-.]([6-9]|1\d)|[5-9]|preview)(\D|$)")
"""Models that decide themselves how long to think, and are told only how hard to try."""

_FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


def compose(request: Request, endpoint: Endpoint) -> Outgoing:
    """The POST for one answer."""
    history = by_role(request.messages)
    messages: list[dict[str, Any]] = [
        {"role": message.role, "content": blocks}
        for message in history
        if (blocks := [block for part in _ordered(message) if (block := _block(part))])
    ]
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_output_tokens,
        "stream": True,
        "messages": messages,
    }
    if request.system:
        body["system"] = [{"type": "text", "text": request.system, **_CACHED}]
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}
            for tool in request.tools
        ]
        body["tools"][-1].update(_CACHED)
    # The next request repeats all of this one: the last mark writes what the one before it reads.
    for message in [m for m in messages if m["role"] == "user"][-2:]:
        message["content"][-1].update(_CACHED)
    body.update(_thinking(request, history))
    headers = with_headers(endpoint, x_api_key=endpoint.key.reveal(), anthropic_version="2023-06-01")
    return Outgoing(joined(endpoint.base_url, "messages", version="v1"), headers, body)


def _thinking(request: Request, history: list[Message]) -> dict[str, Any]:
    if request.effort in {None, "none"} or not _may_think(history):
        return {}
    assert request.effort is not None
    if _ADAPTIVE.search(request.model):
        return {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": request.effort},
        }
    budget = min(_BUDGETS[request.effort], request.max_output_tokens // 2)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= _LEAST_BUDGET else {}


def _may_think(history: list[Message]) -> bool:
    """Whether the tool calls of the running turn begin with thinking: the API refuses to think otherwise."""
    for message in reversed(history):
        if message.role == "user":
            if not any(isinstance(part, ToolResult) for part in message.parts):
                return True
        elif not isinstance(message.parts[0], Thinking):
            return False
    return True


def _ordered(message: Message) -> list[Part]:
    """The parts with tool results in front, where the API wants them."""
    return sorted(message.parts, key=lambda part: not isinstance(part, ToolResult))


def _block(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(words):
            return {"type": "text", "text": words} if words.strip() else None
        case Thinking(redacted=True):
            return {"type": "redacted_thinking", "data": part.signature}
        case Thinking():
            known = {"type": "thinking", "thinking": part.text, "signature": part.signature}
            return known if part.signature else None
        case ToolUse():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": arguments_object(part.arguments),
            }
        case ToolResult():
            failed = {"is_error": True} if part.is_error else {}
            return {"type": "tool_result", "tool_use_id": part.id, "content": part.text, **failed}
        case Image():
            source = {"type": "base64", "media_type": part.media_type, "data": base64_of(part)}
            return {"type": "image", "source": source}


class AnthropicReader:
    """Reads `message_start` to `message_stop`."""

    def __init__(self) -> None:
        self.ended = False
        self._signatures: dict[int, str] = {}
        self._inputs: dict[int, str] = {}

    def read(self, event: object, into: Assembly) -> None:
        """Take one event."""
        match text(event, "type"):
            case "content_block_delta":
                self._delta(number(event, "index"), entry(event, "delta"), into)
            case "content_block_start":
                self._start(number(event, "index"), entry(event, "content_block"), into)
            case "content_block_stop":
                index = number(event, "index")
                if given := self._inputs.pop(index, ""):
                    into.set_arguments(index, given)
            case "message_start":
                message = entry(event, "message")
                into.response_id = text(message, "id")
                self._count(entry(message, "usage"), into)
            case "message_delta":
                if reason := text(entry(event, "delta"), "stop_reason"):
                    into.finish = _FINISHES.get(reason, "stop")
                self._count(entry(event, "usage"), into)
            case "message_stop":
                self.ended = True
            case "error":
                said = shortened(error_words(event))
                raise WireError(said or "an error in its stream", kind_of(200, said))
            case "" if not isinstance(event, dict):
                raise WireError("an event that is not a JSON object")

    def _start(self, index: int, block: object, into: Assembly) -> None:
        match text(block, "type"):
            case "text":
                into.text(index, text(block, "text"))
            case "thinking":
                into.thinking(index, text(block, "thinking"))
                self._sign(index, text(block, "signature"), into)
            case "redacted_thinking":
                into.sign(index, text(block, "data"), redacted=True)
            case "tool_use":
                into.tool(index, id=text(block, "id"), name=text(block, "name"))
                if given := entry(block, "input"):
                    self._inputs[index] = compact(given)

    def _delta(self, index: int, delta: object, into: Assembly) -> None:
        match text(delta, "type"):
            case "text_delta":
                into.text(index, text(delta, "text"))
            case "input_json_delta":
                if piece := text(delta, "partial_json"):
                    self._inputs.pop(index, None)
                    if not into.has(index):
                        raise WireError("arguments of a tool call that never began")
                    into.tool(index, arguments=piece)
            case "thinking_delta":
                into.thinking(index, text(delta, "thinking"))
            case "signature_delta":
                self._sign(index, text(delta, "signature"), into)

    def _sign(self, index: int, piece: str, into: Assembly) -> None:
        if piece:
            self._signatures[index] = self._signatures.get(index, "") + piece
            into.sign(index, self._signatures[index])

    @staticmethod
    def _count(usage: object, into: Assembly) -> None:
        into.count(
            input=number(usage, "input_tokens"),
            output=number(usage, "output_tokens"),
            cache_read=number(usage, "cache_read_input_tokens"),
            cache_write=number(usage, "cache_creation_input_tokens"),
        )


WIRE = Wire(compose, AnthropicReader, ServerSentEvents)
