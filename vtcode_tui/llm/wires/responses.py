"""OpenAI Responses, without anything stored at the provider: reasoning travels encrypted, there and back."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from vtcode_tui.llm.assembly import Assembly, WireError, arguments_object
from vtcode_tui.llm.endpoint import Endpoint
from vtcode_tui.llm.failure import error_words, kind_of, shortened
from vtcode_tui.llm.framing import ServerSentEvents
from vtcode_tui.llm.messages import Image, Message, Request, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.llm.shape import entry, items, number, text
from vtcode_tui.llm.wire import Outgoing, Wire, bearer, by_role, compact, data_url, joined, with_headers

_REASONING = re.compile(r"(o\d|gpt-[5-9]|codex)")
"""Models that reason; the others refuse to be asked about it."""


def compose(request: Request, endpoint: Endpoint) -> Outgoing:
    """The POST for one answer."""
    body: dict[str, Any] = {
        "model": request.model,
        "input": [item for message in by_role(request.messages) for item in _items(message)],
        "stream": True,
        "store": False,
        "max_output_tokens": request.max_output_tokens,
    }
    if request.system:
        body["instructions"] = request.system
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.schema),
                "strict": False,
            }
            for tool in request.tools
        ]
    if _REASONING.match(request.model.rpartition("/")[2]) and "-chat" not in request.model:
        body["include"] = ["reasoning.encrypted_content"]
        if request.effort is not None:
            body["reasoning"] = {"effort": request.effort}
    elif request.temperature is not None:
        body["temperature"] = request.temperature
    bare = not urlsplit(endpoint.base_url).path.strip("/")
    url = joined(endpoint.base_url, "responses", version="v1" if bare else "")
    return Outgoing(url, with_headers(endpoint, authorization=bearer(endpoint)), body)


def _items(message: Message) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    content: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case ToolResult():
                made.append({"type": "function_call_output", "call_id": part.id, "output": part.text})
            case ToolUse():
                arguments = compact(arguments_object(part.arguments))
                made.append(
                    {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": arguments}
                )
            case Thinking() if item := _reasoning(part):
                made.append(item)
            case Text(words) if words and message.role == "assistant":
                made.append({"type": "message", "role": "assistant", "content": words})
            case Text(words) if words:
                content.append({"type": "input_text", "text": words})
            case Image():
                content.append({"type": "input_image", "image_url": data_url(part), "detail": "auto"})
            case _:
                pass
    return [*made, {"type": "message", "role": "user", "content": content}] if content else made


def _reasoning(part: Thinking) -> dict[str, Any] | None:
    try:
        item = json.loads(part.signature)
    except ValueError:
        return None
    return {"type": "reasoning", **item} if isinstance(item, dict) else None


class ResponsesReader:
    """Reads `response.created` to `response.completed`."""

    def __init__(self) -> None:
        self.ended = False

    def read(self, event: object, into: Assembly) -> None:
        """Take one event."""
        index = number(event, "output_index")
        match text(event, "type"):
            case "response.output_text.delta" | "response.refusal.delta":
                into.text(("text", index), text(event, "delta"))
            case "response.function_call_arguments.delta":
                into.tool(("tool", index), arguments=text(event, "delta"))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                into.thinking(("reasoning", index), text(event, "delta"))
            case "response.reasoning_summary_part.added" if number(event, "summary_index"):
                into.thinking(("reasoning", index), "\n\n")
            case "response.output_item.added":
                self._begun(index, entry(event, "item"), into)
            case "response.output_item.done":
                self._done(index, entry(event, "item"), into)
            case "response.created" | "response.in_progress":
                into.response_id = text(entry(event, "response"), "id")
            case "response.completed" | "response.incomplete" | "response.done":
                self._ended(entry(event, "response"), into)
            case "response.failed" | "error":
                said = shortened(error_words(entry(event, "response", event)) or text(event, "message"))
                raise WireError(said or "an error in its stream", kind_of(200, said))
            case "" if not isinstance(event, dict) or "error" in event:
                said = shortened(error_words(event))
                raise WireError(
                    said or "an event that is not a JSON object", kind_of(200, said) if said else "transient"
                )

    def _begun(self, index: int, item: object, into: Assembly) -> None:
        match text(item, "type"):
            case "function_call":
                into.tool(("tool", index), id=text(item, "call_id"), name=text(item, "name"))
            case "reasoning":
                into.thinking(("reasoning", index), "")

    def _done(self, index: int, item: object, into: Assembly) -> None:
        """Take what is final of an item; also called for all of them at the end, so it must not repeat anything."""
        match text(item, "type"):
            case "function_call":
                slot = ("tool", index)
                if not into.has(slot):
                    into.tool(slot, id=text(item, "call_id"), name=text(item, "name"))
                into.set_arguments(slot, text(item, "arguments"))
            case "reasoning":
                known = {name: entry(item, name) for name in ("id", "encrypted_content") if text(item, name)}
                if "encrypted_content" in known:
                    into.sign(("reasoning", index), compact({**known, "summary": list(items(item, "summary"))}))
            case "message" if not into.has(("text", index)):
                for content in items(item, "content"):
                    into.text(("text", index), text(content, "text") or text(content, "refusal"))

    def _ended(self, response: object, into: Assembly) -> None:
        into.response_id = into.response_id or text(response, "id")
        for index, item in enumerate(items(response, "output")):
            self._done(index, item, into)
        match text(entry(response, "incomplete_details"), "reason"):
            case "max_output_tokens":
                into.finish = "length"
            case "content_filter":
                into.finish = "refusal"
            case _:
                into.finish = "stop"
        usage = entry(response, "usage")
        cached = number(entry(usage, "input_tokens_details"), "cached_tokens")
        into.count(
            input=max(0, number(usage, "input_tokens") - cached),
            output=number(usage, "output_tokens"),
            cache_read=cached,
            reasoning=number(entry(usage, "output_tokens_details"), "reasoning_tokens"),
        )
        self.ended = True


WIRE = Wire(compose, ResponsesReader, ServerSentEvents)
