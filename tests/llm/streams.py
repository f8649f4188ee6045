"""One answer as each vendor streams it: reasoning, a sentence, two parallel tool calls, usage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.llm.server import Reply
from vtcode_tui.config.settings import Wire

THOUGHT, WORDS = "Two files.", "I read both — a.py and b.py."
A, B = '{"path": "a.py"}', '{"path": "b.py", "note": "ü \\u2028 end"}'
SIGNATURE = "EqQBCkYIBBgCKkD+/sig=="


def _sse(events: Sequence[tuple[str, Any]], end: str = "") -> tuple[bytes, ...]:
    named = (f"event: {name}\n" if name else "" for name, _ in events)
    return (
        *(f"{head}data: {json.dumps(data)}\n\n".encode() for head, (_, data) in zip(named, events, strict=True)),
        end.encode(),
    )


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def chat() -> tuple[bytes, ...]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> tuple[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return "", {**_CHUNK, "choices": [choice]}

    def call(index: int, arguments: str, **first: Any) -> dict[str, Any]:
        return {
            "tool_calls": [
                {"index": index, "function": {"arguments": arguments, **first.pop("function", {})}, **first}
            ]
        }

    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    return _sse(
        [
            chunk({"role": "assistant", "content": "", "refusal": None}),
            chunk({"reasoning_content": THOUGHT}),
            *(chunk({"content": piece}) for piece in _halves(WORDS)),
            chunk(call(0, "", id="call_a", type="function", function={"name": "read_file"})),
            chunk(call(0, _halves(A)[0])),
            chunk(call(1, "", id="call_b", type="function", function={"name": "read_file"})),
            chunk(call(1, _halves(B)[0])),
            chunk(call(0, _halves(A)[1])),
            chunk(call(1, _halves(B)[1])),
            chunk({}, "tool_calls"),
            ("", {**_CHUNK, "choices": [], "usage": usage}),
        ],
        "data: [DONE]\n\n",
    )


_CHUNK = {"id": "resp_1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def anthropic() -> tuple[bytes, ...]:
    def event(**data: Any) -> tuple[str, Any]:
        return data["type"], data

    def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[tuple[str, Any]]:
        return [
            event(type="content_block_start", index=index, content_block=start),
            *(event(type="content_block_delta", index=index, delta=delta) for delta in deltas),
            event(type="content_block_stop", index=index),
        ]

    def tool(index: int, id: str, arguments: str) -> list[tuple[str, Any]]:
        pieces = ({"type": "input_json_delta", "partial_json": piece} for piece in ("", *_halves(arguments)))
        return block(index, {"type": "tool_use", "id": id, "name": "read_file", "input": {}}, *pieces)

    usage = {
        "input_tokens": 40,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 60,
        "output_tokens": 1,
    }
    message: dict[str, Any] = {
        "id": "resp_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    return _sse(
        [
            event(type="message_start", message=message),
            event(type="ping"),
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": THOUGHT},
                {"type": "signature_delta", "signature": SIGNATURE},
            ),
            *block(1, {"type": "text", "text": ""}, *({"type": "text_delta", "text": it} for it in _halves(WORDS))),
            *tool(2, "call_a", A),
            *tool(3, "call_b", B),
            event(
                type="message_delta",
                delta={"stop_reason": "tool_use", "stop_sequence": None},
                usage={"output_tokens": 20},
            ),
            event(type="message_stop"),
        ]
    )


def responses() -> tuple[bytes, ...]:
    number = iter(range(1000))

    def event(type: str, **data: Any) -> tuple[str, Any]:
        return type, {"type": type, "sequence_number": next(number), **data}

    def item(
        index: int, began: dict[str, Any], ended: dict[str, Any], *between: tuple[str, Any]
    ) -> list[tuple[str, Any]]:
        return [
            event("response.output_item.added", output_index=index, item=began),
            *between,
            event("response.output_item.done", output_index=index, item=ended),
        ]

    def call(index: int, id: str, arguments: str) -> list[tuple[str, Any]]:
        base = {"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": "read_file"}
        kind = "response.function_call_arguments"
        return item(
            index,
            {**base, "arguments": "", "status": "in_progress"},
            {**base, "arguments": arguments, "status": "completed"},
            *(
                event(f"{kind}.delta", item_id=f"fc_{id}", output_index=index, delta=it)
                for it in _halves(arguments)
            ),
            event(f"{kind}.done", item_id=f"fc_{id}", output_index=index, arguments=arguments, name="read_file"),
        )

    summary = {"type": "summary_text", "text": THOUGHT}
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [summary], "encrypted_content": SIGNATURE}
    content = {"type": "output_text", "text": WORDS, "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [content]}
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    }
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "in_progress",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    text = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    events = [
        event("response.created", response=response),
        *item(
            0,
            {"type": "reasoning", "id": "rs_1", "summary": []},
            reasoning,
            event(
                "response.reasoning_summary_text.delta",
                item_id="rs_1",
                output_index=0,
                summary_index=0,
                delta=THOUGHT,
            ),
        ),
        *item(
            1,
            {**message, "status": "in_progress", "content": []},
            message,
            event("response.content_part.added", **text, part={**content, "text": ""}),
            *(event("response.output_text.delta", **text, delta=it, logprobs=[]) for it in _halves(WORDS)),
            event("response.output_text.done", **text, text=WORDS, logprobs=[]),
        ),
        *call(2, "call_a", A),
        *call(3, "call_b", B),
    ]
    calls = [
        {
            "type": "function_call",
            "id": f"fc_{id}",
            "call_id": id,
            "name": "read_file",
            "arguments": it,
            "status": "completed",
        }
        for id, it in (("call_a", A), ("call_b", B))
    ]
    whole = {**response, "status": "completed", "output": [reasoning, message, *calls], "usage": usage}
    return _sse([*events, event("response.completed", response=whole)])


def gemini() -> tuple[bytes, ...]:
    def chunk(*parts: dict[str, Any], **more: Any) -> tuple[str, Any]:
        candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
        return "", {"candidates": [candidate], "modelVersion": "m", "responseId": "resp_1", "usageMetadata": usage}

    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 15,
        "thoughtsTokenCount": 5,
    }
    a = {"functionCall": {"id": "call_a", "name": "read_file", "args": json.loads(A)}, "thoughtSignature": "c2ln"}
    b = {"functionCall": {"id": "call_b", "name": "read_file", "args": json.loads(B)}}
    return _sse(
        [
            chunk({"text": THOUGHT, "thought": True}),
            *(chunk({"text": piece}) for piece in _halves(WORDS)),
            chunk(a, b),
            chunk({"text": ""}, finishReason="STOP"),
        ]
    )


def ollama() -> tuple[bytes, ...]:
    def line(message: dict[str, Any], **more: Any) -> bytes:
        event = {"model": "m", "created_at": "2026-11-22T00:00:00Z", "message": {"role": "assistant", **message}}
        return json.dumps({**event, "done": False, **more}).encode() + b"\n"

    def call(arguments: str) -> dict[str, Any]:
        return {"function": {"name": "read_file", "arguments": json.loads(arguments)}}

    return (
        line({"content": "", "thinking": THOUGHT}),
        *(line({"content": piece}) for piece in _halves(WORDS)),
        line({"content": "", "tool_calls": [call(A), call(B)]}),
        line({"content": ""}, done=True, done_reason="stop", prompt_eval_count=100, eval_count=20),
    )


STREAMS: dict[Wire, tuple[bytes, ...]] = {
    "openai-chat": chat(),
    "anthropic": anthropic(),
    "openai-responses": responses(),
    "gemini": gemini(),
    "ollama": ollama(),
    "lmstudio": chat(),
}


def reply(wire: Wire, *, repeat: int = 1) -> Reply:
    """The answer of a wire, with its content type."""
    media = "application/x-ndjson" if wire == "ollama" else "text/event-stream"
    return Reply(STREAMS[wire], headers={"content-type": media}, repeat=repeat)


def calling(wire: Wire, name: str, arguments: dict[str, Any]) -> tuple[bytes, ...]:
    """One answer that is one tool call, in the smallest events of the wire."""
    text = json.dumps(arguments)
    first, second = _halves(text)
    match wire:
        case "openai-chat" | "lmstudio":
            began = {"index": 0, "id": "call_a", "type": "function", "function": {"name": name, "arguments": first}}
            more = {"index": 0, "function": {"arguments": second}}
            deltas: list[tuple[dict[str, Any], str | None]] = [
                ({"role": "assistant", "content": "I do it. "}, None),
                ({"tool_calls": [began]}, None),
                ({"tool_calls": [more]}, None),
                ({}, "tool_calls"),
            ]
            chunks = [
                ("", {**_CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
                for delta, finish in deltas
            ]
            return _sse(chunks, "data: [DONE]\n\n")
        case "anthropic":
            block = {"type": "tool_use", "id": "call_a", "name": name, "input": {}}
            events: list[dict[str, Any]] = [
                {"type": "message_start", "message": {"id": "r", "usage": {"input_tokens": 5}}},
                {"type": "content_block_start", "index": 0, "content_block": block},
                *(
                    {
                        "type": "content_block_delta",
                        "index": 0,
                        "delta": {"type": "input_json_delta", "partial_json": it},
                    }
                    for it in (first, second)
                ),
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
                {"type": "message_stop"},
            ]
            return _sse([("", event) for event in events])
        case "openai-responses":
            item = {"type": "function_call", "id": "fc", "call_id": "call_a", "name": name}
            kind = "response.function_call_arguments.delta"
            whole = {**item, "arguments": text}
            events = [
                {"type": "response.created", "response": {"id": "r"}},
                {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
                *({"type": kind, "output_index": 0, "delta": it} for it in (first, second)),
                {"type": "response.output_item.done", "output_index": 0, "item": whole},
                {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [whole]}},
            ]
            return _sse([("", event) for event in events])
        case "gemini":
            parts: list[list[dict[str, Any]]] = [
                [{"text": "I do it."}],
                [{"functionCall": {"name": name, "args": arguments}}],
            ]
            chunks = [("", {"candidates": [{"content": {"role": "model", "parts": part}}]}) for part in parts]
            return _sse([*chunks, ("", {"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]})])
        case "ollama":
            call = {"function": {"name": name, "arguments": arguments}}
            lines: list[dict[str, Any]] = [
                {"message": {"role": "assistant", "content": "I do it."}},
                {"message": {"role": "assistant", "content": "", "tool_calls": [call]}},
                {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"},
            ]
            return tuple(json.dumps(line).encode() + b"\n" for line in lines)
