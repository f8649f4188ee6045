"""Ollama's native chat: JSON lines, tool calls in one piece, and a window that must be asked for."""

from __future__ import annotations

from typing import Any

from vtcode_tui.llm.assembly import Assembly, WireError, arguments_object
from vtcode_tui.llm.endpoint import Endpoint
from vtcode_tui.llm.failure import error_words, kind_of, shortened
from vtcode_tui.llm.framing import JsonLines
from vtcode_tui.llm.messages import Image, Message, Request, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.llm.shape import entry, items, number, text
from vtcode_tui.llm.wire import Outgoing, Wire, base64_of, bearer, by_role, compact, with_headers


def compose(request: Request, endpoint: Endpoint) -> Outgoing:
    """The POST for one answer."""
    names = {part.id: part.name for m in request.messages for part in m.parts if isinstance(part, ToolUse)}
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    for message in by_role(request.messages):
        messages += _assistant(message) if message.role == "assistant" else _user(message, names)
    options: dict[str, Any] = {"num_predict": request.max_output_tokens}
    if endpoint.context_window:
        options["num_ctx"] = endpoint.context_window
    if request.temperature is not None:
        options["temperature"] = request.temperature
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True, "options": options}
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)},
            }
            for tool in request.tools
        ]
    if request.effort is not None:
        # Only gpt-oss knows levels; the others think or do not.
        levels = "gpt-oss" in request.model and request.effort != "none"
        body["think"] = request.effort if levels else request.effort != "none"
    base = endpoint.base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")
    return Outgoing(f"{base}/api/chat", with_headers(endpoint, authorization=bearer(endpoint)), body)


def _assistant(message: Message) -> list[dict[str, Any]]:
    said = "".join(part.text for part in message.parts if isinstance(part, Text))
    thought = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    calls = [
        {"function": {"name": part.name, "arguments": arguments_object(part.arguments)}}
        for part in message.parts
        if isinstance(part, ToolUse)
    ]
    if not said and not calls:
        return []
    composed: dict[str, Any] = {"role": "assistant", "content": said}
    if calls:
        composed["tool_calls"] = calls
        if thought:
            composed["thinking"] = thought
    return [composed]


def _user(message: Message, names: dict[str, str]) -> list[dict[str, Any]]:
    composed: list[dict[str, Any]] = [
        {"role": "tool", "tool_name": names.get(part.id, "unknown"), "content": part.text}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    said = "\n\n".join(part.text for part in message.parts if isinstance(part, Text) and part.text)
    images = [base64_of(part) for part in message.parts if isinstance(part, Image)]
    if said or images:
        composed.append({"role": "user", "content": said, **({"images": images} if images else {})})
    return composed


class OllamaReader:
    """Reads chat responses up to the one that is `done`."""

    def __init__(self) -> None:
        self.ended = False
        self._calls = 0

    def read(self, event: object, into: Assembly) -> None:
        """Take one line."""
        if not isinstance(event, dict):
            raise WireError("an event that is not a JSON object")
        if "error" in event:
            said = shortened(error_words(event))
            raise WireError(said or "an error in its stream", kind_of(200, said))
        message = entry(event, "message")
        if thought := text(message, "thinking"):
            into.thinking("thinking", thought)
        into.text("text", text(message, "content"))
        for call in items(message, "tool_calls"):
            function = entry(call, "function")
            arguments = entry(function, "arguments", {})
            written = arguments if isinstance(arguments, str) else compact(arguments)
            into.tool(("tool", self._calls), id=text(call, "id"), name=text(function, "name"), arguments=written)
            self._calls += 1
        if entry(event, "done") is True:
            if text(event, "done_reason") in {"load", "unload"}:
                raise WireError("the server only loaded the model", "transient")
            into.finish = "length" if text(event, "done_reason") == "length" else "stop"
            into.count(input=number(event, "prompt_eval_count"), output=number(event, "eval_count"))
            self.ended = True


WIRE = Wire(compose, OllamaReader, JsonLines)
