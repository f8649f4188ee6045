"""OpenAI Chat Completions end to end over a real socket."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from tests.llm.server import Act, Reply, serving, sse
from tests.llm.talk import chain_to, hear, request
from vtcode_tui.common.errors import ModelError
from vtcode_tui.llm.messages import Image, Message, Text, TextPiece, Thinking, ToolResult, ToolUse, Usage


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(index: int, arguments: str = "", **first: str) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": first["name"]} if "name" in first else {})}
    return {
        "index": index,
        "function": function,
        **({"id": first["id"], "type": "function"} if "id" in first else {}),
    }


USAGE = {
    "id": "c1",
    "choices": [],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 5},
    },
}
WORDS = sse(
    chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}), chunk({"content": "lo"}, "stop"), USAGE
)


async def test_text_arrives_in_pieces_and_then_whole_with_its_usage() -> None:
    async with serving(Reply(WORDS)) as server:
        heard = await hear(chain_to(server.url))
    assert heard.text == "Hello"
    assert heard.whole.message == Message("assistant", (Text("Hello"),))
    assert heard.whole.finish == "stop"
    assert heard.whole.usage == Usage(input=40, output=20, cache_read=60, reasoning=5)
    assert (heard.whole.provider, heard.whole.model, heard.whole.response_id) == ("acme", "m", "c1")


async def test_parallel_tool_calls_are_told_apart_by_their_index() -> None:
    stream = sse(
        chunk({"reasoning_content": "think"}),
        chunk({"tool_calls": [call(0, id="call_a", name="read_file")]}),
        chunk({"tool_calls": [call(1, id="call_b", name="read_file")]}),
        chunk({"tool_calls": [call(1, '{"path":'), call(0, '{"path"')]}),
        chunk({"tool_calls": [call(0, ':"a.py"}'), call(1, '"b.py"}')]}),
        chunk({}, "tool_calls"),
    )
    async with serving(Reply(stream)) as server:
        heard = await hear(chain_to(server.url))
    assert heard.whole.finish == "tools"
    assert heard.thinking == "think"
    assert heard.whole.message.parts == (
        Thinking("think", "reasoning_content", "acme", "m"),
        ToolUse("call_a", "read_file", '{"path":"a.py"}'),
        ToolUse("call_b", "read_file", '{"path":"b.py"}'),
    )


async def test_a_request_carries_system_history_tools_images_and_key() -> None:
    history = (
        Message("user", (Text("Look"), Image(b"\x89PNG", "image/png"))),
        Message("assistant", (Text("I read."), ToolUse("call_a", "read_file", '{"path": "a"}'))),
        Message("user", (ToolResult("call_a", "content"),)),
    )
    async with serving(Reply(WORDS)) as server:
        await hear(chain_to(server.url), request(*history))
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.headers["authorization"] == "Bearer sk-test-1234567890"
    assert seen.body["stream"] is True
    assert seen.body["messages"] == [
        {"role": "system", "content": "You are a test."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ],
        },
        {
            "role": "assistant",
            "content": "I read.",
            "tool_calls": [
                {"id": "call_a", "type": "function", "function": {"name": "read_file", "arguments": '{"path":"a"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": "content"},
    ]


async def test_keep_alive_comments_and_odd_line_ends_are_no_events() -> None:
    raw = b": OPENROUTER PROCESSING\r\n\r\n" + b"".join(WORDS).replace(b"\n", b"\r\n")
    pieces = tuple(raw[i : i + 1] for i in range(len(raw)))
    async with serving(Reply(pieces)) as server:
        assert (await hear(chain_to(server.url))).text == "Hello"


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply((WORDS[0], WORDS[1])), "transient", "ended before the message did"),
        (Reply((WORDS[1], Act.CUT)), "transient", "broke"),
        (Reply((b'data: {"error":{"message":"Overloaded","code":529}}\n\n',)), "overloaded", "Overloaded"),
        (Reply((b'{"error":{"message":"bad key"}}',), status=401, headers={}), "auth", "API key"),
        (Reply((b'{"error":{"code":"insufficient_quota","message":"x"}}',), status=429), "billing", "cannot pay"),
        (Reply((b"slow down",), status=429, headers={"retry-after": "0"}), "rate_limited", "too many requests"),
        (
            Reply((b'{"error":{"message":"maximum context length is 8192"}}',), status=400),
            "context_exceeded",
            "longer",
        ),
        (Reply((b"<html>hi</html>",), headers={"content-type": "text/html; charset=utf-8"}), "invalid", "web page"),
        (Reply(status=302, headers={"location": "http://evil.example/v1"}), "forbidden", "evil.example"),
        (Reply((b"data: {\n\n",)), "malformed_stream", "not JSON"),
        (Reply((b'data: {"x":"\xff\xfe"}\n\n',)), "malformed_stream", "not UTF-8"),
        (Reply(sse(chunk({}, "stop"))), "malformed_stream", "empty answer"),
        (Reply(()), "transient", "ended before the message did"),
        (
            Reply((b'{"error":"model \'m\' not found"}',), headers={"content-type": "application/json"}),
            "transient",
            "m",
        ),
    ],
)
async def test_every_failure_is_one_sentence_that_names_the_provider(reply: Reply, kind: str, words: str) -> None:
    async with serving(reply) as server:
        with pytest.raises(ModelError) as caught:
            await hear(chain_to(server.url))
    assert caught.value.kind == kind, caught.value
    assert str(caught.value).startswith("acme: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("steps", [(Act.STALL,), (WORDS[1], Act.STALL), (b": wait\n\n", Act.STALL)])
async def test_silence_ends_at_the_time_limits(steps: tuple[bytes | Act, ...]) -> None:
    async with serving(Reply(steps)) as server:
        with pytest.raises(ModelError, match=r"silent|no answer") as caught:
            await hear(chain_to(server.url, first_byte=0.01, idle=0.1))
    assert caught.value.kind == "transient"


async def test_a_server_that_is_not_there_is_called_so() -> None:
    async with serving() as server:
        url = server.url
    with pytest.raises(ModelError, match="not running") as caught:
        await hear(chain_to(url))
    assert caught.value.kind == "not_running"


async def test_keep_alives_alone_do_not_keep_a_stream_alive_for_ever() -> None:
    async with serving(Reply((b": still here\n\n",), repeat=1_000_000_000)) as server:
        with pytest.raises(ModelError, match="nothing but keep-alives") as caught:
            await hear(chain_to(server.url, first_byte=60, idle=0.02))
    assert caught.value.kind == "transient"


async def test_one_chain_carries_several_streams_at_once() -> None:
    async with serving(Reply(WORDS)) as server:
        chain = chain_to(server.url)

        async def listen() -> str:
            text = ""
            async with aclosing(chain.stream(request())) as deltas:
                async for delta in deltas:
                    text += delta.text if isinstance(delta, TextPiece) else ""
            return text

        assert await asyncio.gather(*(listen() for _ in range(20))) == ["Hello"] * 20
        await chain.aclose()
