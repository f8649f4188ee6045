"""OpenAI Chat Completions, and everything that speaks it: vLLM, llama.cpp, LM Studio, OpenRouter, gateways."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from vtcode_tui.llm.assembly import Assembly, Finish, WireError, arguments_object
from vtcode_tui.llm.endpoint import Endpoint
from vtcode_tui.llm.failure import error_words, kind_of, shortened
from vtcode_tui.llm.framing import ServerSentEvents
from vtcode_tui.llm.messages import Image, Message, Request, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.llm.shape import entry, items, number, text
from vtcode_tui.llm.wire import Outgoing, Wire, bearer, by_role, compact, data_url, joined, with_headers

_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "tool_calls": "tools",
    "function_call": "tools",
    "length": "length",
    "content_filter": "refusal",
}

REASONING_CONTENT = "reasoning_content"
"""The signature of reasoning that its vendor wants back under this name beside tool calls (DeepSeek, Kimi)."""


def compose(request: Request, endpoint: Endpoint) -> Outgoing:
    """The POST for one answer."""
    host = urlsplit(endpoint.base_url).hostname or ""
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    for message in by_role(request.messages):
        messages += _assistant(message) if message.role == "assistant" else _user(message)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)},
            }
            for tool in request.tools
        ]
    # OpenAI's own models refuse the old name, most of the others do not know the new one.
    limit = "max_completion_tokens" if host.endswith(("openai.com", "openai.azure.com")) else "max_tokens"
    body[limit] = request.max_output_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.effort is not None:
        body["reasoning_effort"] = request.effort
    if host.endswith("openrouter.ai") and request.model.startswith("anthropic/"):
        _mark_for_cache(messages)
    return Outgoing(chat_url(endpoint.base_url), with_headers(endpoint, authorization=bearer(endpoint)), body)


def chat_url(base_url: str) -> str:
    """The address of chat completions; a base address without a path gets the usual /v1."""
    bare = not urlsplit(base_url).path.strip("/")
    return joined(base_url, "chat/completions", version="v1" if bare else "")


def _assistant(message: Message) -> list[dict[str, Any]]:
    said = "".join(part.text for part in message.parts if isinstance(part, Text))
    calls = [
        {
            "id": part.id,
            "type": "function",
            # Servers parse the arguments of the history: what the model wrote wrongly must not break the next turn.
            "function": {"name": part.name, "arguments": compact(arguments_object(part.arguments))},
        }
        for part in message.parts
        if isinstance(part, ToolUse)
    ]
    if not said and not calls:
        return []
    composed: dict[str, Any] = {"role": "assistant"}
    if said or not calls:
        composed["content"] = said
    if calls:
        composed["tool_calls"] = calls
        composed.update(_reasoning(message))
    return [composed]


def _reasoning(message: Message) -> dict[str, Any]:
    for part in message.parts:
        if isinstance(part, Thinking) and part.signature:
            if part.signature == REASONING_CONTENT:
                return {REASONING_CONTENT: part.text}
            try:
                return {"reasoning_details": json.loads(part.signature)}
            except ValueError:
                return {}
    return {}


def _user(message: Message) -> list[dict[str, Any]]:
    composed: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": part.id, "content": part.text}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, Text) and part.text:
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, Image):
            content.append({"type": "image_url", "image_url": {"url": data_url(part)}})
    if not content:
        return composed
    # Small servers know text content only as a string.
    words = [part["text"] for part in content if part["type"] == "text"]
    return [*composed, {"role": "user", "content": "\n\n".join(words) if len(words) == len(content) else content}]


def _mark_for_cache(messages: list[dict[str, Any]]) -> None:
    marked = [m for m in messages if m["role"] == "system"][:1] + [m for m in messages if m["role"] == "user"][-2:]
    for message in marked:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        message["content"][-1] = {**message["content"][-1], "cache_control": {"type": "ephemeral"}}


class ChatReader:
    """Reads `chat.completion.chunk` events."""

    def __init__(self) -> None:
        self.ended = False
        self._details: dict[object, dict[str, Any]] = {}

    def read(self, event: object, into: Assembly) -> None:
        """Take one chunk."""
        if not isinstance(event, dict):
            raise WireError("an event that is not a JSON object")
        if event.get("error"):
            said = shortened(error_words(event))
            raise WireError(said or "an error in its stream", kind_of(_status(event), said))
        into.response_id = into.response_id or text(event, "id")
        if usage := event.get("usage"):
            self._count(usage, into)
        for choice in items(event, "choices")[:1]:
            # Some servers send the whole message once more in the last event: only deltas are read.
            if delta := entry(choice, "delta"):
                self._delta(delta, into)
            if reason := text(choice, "finish_reason"):
                if reason == "error":
                    raise WireError(shortened(error_words(choice)) or "an error in its stream", "transient")
                into.finish = _FINISHES.get(reason, "stop")
                self.ended = True

    def _delta(self, delta: object, into: Assembly) -> None:
        for name in (REASONING_CONTENT, "reasoning"):
            if thought := text(delta, name):
                into.thinking("thinking", thought)
                if name == REASONING_CONTENT:
                    into.sign("thinking", REASONING_CONTENT)
                break
        if details := items(delta, "reasoning_details"):
            self._detail(details, into)
        into.text("text", text(delta, "content") or text(delta, "refusal"))
        for place, call in enumerate(items(delta, "tool_calls")):
            self._call(place, call, into)

    def _call(self, place: int, call: object, into: Assembly) -> None:
        function = entry(call, "function")
        id, name = text(call, "id"), text(function, "name")
        index = entry(call, "index")
        # Some servers leave the index out, or write 0 for all; a new id is then a new call.
        slot = ("tool", index if isinstance(index, int) else id or place)
        if id and name and into.id_of(slot) not in ("", id):
            slot = ("tool", id)
        arguments = entry(function, "arguments", "")
        into.tool(slot, id=id, name=name, arguments=arguments if isinstance(arguments, str) else compact(arguments))

    def _detail(self, details: object, into: Assembly) -> None:
        """Put the pieces of OpenRouter's reasoning_details together; they go back as they are."""
        for place, detail in enumerate(details if isinstance(details, list | tuple) else ()):
            if not isinstance(detail, dict):
                continue
            key = (detail.get("index", place), detail.get("type"))
            if len(self._details) > 256:
                raise WireError("reasoning in more than 256 parts")
            known = self._details.setdefault(key, {})
            for name, value in detail.items():
                joinable = name in {"text", "summary", "data"} and isinstance(value, str) and known.get(name)
                known[name] = known[name] + value if joinable else value
        into.sign("thinking", compact(list(self._details.values())))

    @staticmethod
    def _count(usage: object, into: Assembly) -> None:
        prompt = entry(usage, "prompt_tokens_details")
        cached = number(prompt, "cached_tokens") or number(usage, "prompt_cache_hit_tokens")
        written = number(prompt, "cache_write_tokens")
        into.count(
            input=max(0, number(usage, "prompt_tokens") - cached - written),
            output=number(usage, "completion_tokens"),
            cache_read=cached,
            cache_write=written,
            reasoning=number(entry(usage, "completion_tokens_details"), "reasoning_tokens"),
        )


def _status(event: object) -> int:
    return number(entry(event, "error"), "code") or 200


WIRE = Wire(compose, ChatReader, ServerSentEvents)
