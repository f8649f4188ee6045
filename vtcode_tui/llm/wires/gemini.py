"""Gemini generateContent: parts without ids of their own, signatures on the parts that they belong to."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from vtcode_tui.llm.assembly import Assembly, Finish, WireError, arguments_object
from vtcode_tui.llm.endpoint import Endpoint
from vtcode_tui.llm.failure import error_words, kind_of, shortened
from vtcode_tui.llm.framing import ServerSentEvents
from vtcode_tui.llm.messages import Image, Message, Request, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.llm.shape import entry, items, number, text
from vtcode_tui.llm.wire import Outgoing, Wire, base64_of, by_role, compact, joined, with_headers

_FINISHES: dict[str, Finish] = {"STOP": "stop", "MAX_TOKENS": "length"}
_REFUSALS = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "MODEL_ARMOR",
}
_MALFORMED = {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", "TOO_MANY_TOOL_CALLS"}
_BUDGETS = {"none": 0, "low": 1_024, "medium": 8_192, "high": 24_576}
_THINKS = re.compile(r"gemini-(2\.5|[3-9]|pro-latest|flash)")
_SIGNS = re.compile(r"gemini-([3-9]|pro-latest|flash)")
UNSIGNED = "skip_thought_signature_validator"
"""What Google documents for a history that another model wrote."""


def compose(request: Request, endpoint: Endpoint) -> Outgoing:
    """The POST for one answer."""
    names = {part.id: part.name for m in request.messages for part in m.parts if isinstance(part, ToolUse)}
    signs = bool(_SIGNS.search(request.model))
    contents = [
        {"role": "model" if message.role == "assistant" else "user", "parts": parts}
        for message in by_role(request.messages)
        if (parts := _parts(message, names, signs))
    ]
    settings: dict[str, Any] = {"maxOutputTokens": request.max_output_tokens}
    if request.temperature is not None:
        settings["temperature"] = request.temperature
    if _THINKS.search(request.model):
        settings["thinkingConfig"] = {"includeThoughts": True, **_effort(request, signs)}
    body: dict[str, Any] = {"contents": contents, "generationConfig": settings}
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    if request.tools:
        body["tools"] = [
            {
                "functionDeclarations": [
                    {
                        "name": tool.name,
                        "description": tool.description,
                        "parametersJsonSchema": dict(tool.schema),
                    }
                    for tool in request.tools
                ]
            }
        ]
    base = endpoint.base_url.rstrip("/")
    version = "" if base.endswith(("/v1", "/v1beta")) else "v1beta"
    path = f"models/{quote(request.model.removeprefix('models/'), safe='-._~')}:streamGenerateContent?alt=sse"
    headers = with_headers(endpoint, x_goog_api_key=endpoint.key.reveal())
    return Outgoing(joined(base, path, version=version), headers, body)


def _effort(request: Request, levels: bool) -> dict[str, Any]:
    if request.effort is None:
        return {}
    if levels:
        return {"thinkingLevel": "LOW" if request.effort == "none" else request.effort.upper()}
    # The Pro model cannot be told not to think at all.
    least = 128 if "pro" in request.model else 0
    return {"thinkingBudget": max(least, _BUDGETS[request.effort])}


def _parts(message: Message, names: dict[str, str], signs: bool) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    first_call = True
    for part in message.parts:
        match part:
            case Text(words) if words:
                made.append({"text": words})
            case Thinking(text="") if part.signature:
                made.append({"text": "", "thoughtSignature": part.signature})
            case Image():
                made.append({"inlineData": {"mimeType": part.media_type, "data": base64_of(part)}})
            case ToolUse():
                call = {"id": part.id, "name": part.name, "args": arguments_object(part.arguments)}
                # Of several calls in one message only the first carries a signature.
                signature = part.signature or (UNSIGNED if signs and first_call else "")
                made.append({"functionCall": call, **({"thoughtSignature": signature} if signature else {})})
                first_call = False
            case ToolResult():
                answer = {"error" if part.is_error else "output": part.text}
                response = {"id": part.id, "name": names.get(part.id, "unknown"), "response": answer}
                made.append({"functionResponse": response})
            case _:
                pass
    return made


class GeminiReader:
    """Reads GenerateContentResponse objects; a part continues the one before it if both are of one kind."""

    def __init__(self) -> None:
        self.ended = False
        self._part = 0
        self._kind = ""

    def read(self, event: object, into: Assembly) -> None:
        """Take one event."""
        if isinstance(event, list) and event:
            event = event[0]
        if not isinstance(event, dict):
            raise WireError("an event that is not a JSON object")
        if "error" in event:
            said = shortened(error_words(event))
            raise WireError(said, kind_of(number(entry(event, "error"), "code") or 200, said))
        into.response_id = into.response_id or text(event, "responseId")
        if blocked := text(entry(event, "promptFeedback"), "blockReason"):
            raise WireError(f"the prompt was blocked ({blocked})", "refusal")
        self._count(entry(event, "usageMetadata"), into)
        for candidate in items(event, "candidates")[:1]:
            for part in items(entry(candidate, "content"), "parts"):
                self._take(part, into)
            if reason := text(candidate, "finishReason"):
                self._finish(reason, candidate, into)

    def _take(self, part: object, into: Assembly) -> None:
        signature = text(part, "thoughtSignature")
        if call := entry(part, "functionCall"):
            slot = self._slot("call", new=True)
            arguments = compact(entry(call, "args", {}))
            into.tool(slot, id=text(call, "id"), name=text(call, "name"), arguments=arguments, signature=signature)
            return
        words = text(part, "text")
        if entry(part, "thought") is True:
            into.thinking(self._slot("thought"), words)
        elif words:
            into.text(self._slot("text"), words)
        if signature:
            into.sign(self._slot("signature", new=True), signature)

    def _slot(self, kind: str, *, new: bool = False) -> tuple[str, int]:
        if new or kind != self._kind:
            self._part += 1
        self._kind = kind
        return kind, self._part

    def _finish(self, reason: str, candidate: object, into: Assembly) -> None:
        if reason in _MALFORMED:
            said = text(candidate, "finishMessage")
            raise WireError(
                f"the model wrote a tool call that its provider cannot read ({shortened(said) or reason})"
            )
        into.finish = "refusal" if reason in _REFUSALS else _FINISHES.get(reason, "stop")
        self.ended = True

    @staticmethod
    def _count(usage: object, into: Assembly) -> None:
        cached, thought = number(usage, "cachedContentTokenCount"), number(usage, "thoughtsTokenCount")
        into.count(
            input=max(0, number(usage, "promptTokenCount") - cached),
            output=number(usage, "candidatesTokenCount") + thought,
            cache_read=cached,
            reasoning=thought,
        )


WIRE = Wire(compose, GeminiReader, ServerSentEvents)
