"""Every wire: the same answer read from each vendor's stream, whole, in single bytes, and broken at every event."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from typing import get_args

import pytest

from tests.llm.server import Act, Reply, serving
from tests.llm.streams import SIGNATURE, STREAMS, THOUGHT, WORDS, A, B, reply
from tests.llm.talk import chain_to, endpoint, hear, request
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import Wire
from vtcode_tui.llm import Chain, Link
from vtcode_tui.llm.messages import Image, Message, Text, Thinking, ToolResult, ToolUse

WIRES: tuple[Wire, ...] = get_args(Wire)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("pieces", ["events", "bytes"])
async def test_the_same_answer_comes_out_of_every_wire(wire: Wire, pieces: str) -> None:
    sent = reply(wire)
    if pieces == "bytes":
        raw = b"".join(bytes(step) for step in STREAMS[wire])
        sent = replace(sent, steps=[raw[i : i + 7] for i in range(0, len(raw), 7)])
    async with serving(sent) as server:
        heard = await hear(chain_to(server.root, wire))
    assert (heard.thinking, heard.text) == (THOUGHT, WORDS)
    whole = heard.whole
    assert whole.finish == "tools"
    assert whole.usage.input + whole.usage.cache_read == 100
    assert whole.usage.output == 20
    assert whole.usage.cache_read == (0 if wire == "ollama" else 60)
    thinking, text, first, second = whole.message.parts
    assert isinstance(thinking, Thinking)
    assert thinking.text == THOUGHT
    assert text == Text(WORDS)
    assert isinstance(first, ToolUse)
    assert isinstance(second, ToolUse)
    assert [json.loads(call.arguments) for call in (first, second)] == [json.loads(A), json.loads(B)]
    assert first.id != second.id
    if wire not in {"gemini", "ollama"}:
        assert (first.arguments, second.arguments) == (A, B)
    if wire != "ollama":
        assert (first.id, second.id) == ("call_a", "call_b")
        assert whole.response_id == "resp_1"


@pytest.mark.parametrize("wire", WIRES)
async def test_the_next_request_takes_the_same_connection(wire: Wire) -> None:
    async with serving(reply(wire)) as server:
        chain = chain_to(server.root, wire)
        for _ in range(3):
            async with aclosing(chain.stream(request())) as deltas:
                async for _ in deltas:
                    pass
        await chain.aclose()
        assert (len(server.seen), server.connections) == (3, 1)


@pytest.mark.parametrize("wire", WIRES)
async def test_who_stops_listening_closes_the_connection(wire: Wire) -> None:
    begun = [step for step in STREAMS[wire] if step][:-1]
    async with serving(replace(reply(wire), steps=[*begun, Act.STALL])) as server:
        chain, first = chain_to(server.root, wire), asyncio.Event()

        async def listen() -> None:
            async with aclosing(chain.stream(request())) as deltas:
                async for _ in deltas:
                    first.set()

        task = asyncio.create_task(listen())
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.gone.wait()
        await chain.aclose()
        assert len(server.seen) == 1


@pytest.mark.parametrize("wire", WIRES)
async def test_reasoning_and_signatures_go_back_byte_for_byte_to_their_author_alone(wire: Wire) -> None:
    async with serving(reply(wire)) as server:
        first = (await hear(chain_to(server.root, wire))).whole
        uses = [part.id for part in first.message.parts if isinstance(part, ToolUse)]
        results = Message("user", tuple(ToolResult(id, "ok") for id in uses))
        await hear(chain_to(server.root, wire), request(*request().messages, first.message, results))
        sent = json.dumps(server.seen[1].body, ensure_ascii=False)
    mark = {"anthropic": SIGNATURE, "openai-responses": SIGNATURE, "gemini": "c2ln"}.get(wire, THOUGHT)
    assert mark in sent
    for other in WIRES:
        if other != wire:
            async with serving(reply(other)) as elsewhere:
                stranger = Chain([Link(endpoint(elsewhere.root, other, "else"), "m")])
                await hear(stranger, request(*request().messages, first.message, results))
                assert mark not in json.dumps(elsewhere.seen[0].body, ensure_ascii=False)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_cut_after_any_event_is_asked_again_and_completes_once(wire: Wire) -> None:
    """The fault sweep: each cut at each event, by reset and by a quiet end."""
    steps = STREAMS[wire]
    last = len(steps) - {"openai-chat": 3, "lmstudio": 3}.get(wire, 2 if steps[-1] == b"" else 1)
    for cut in range(last + 1):
        for end in ([Act.CUT], []):
            broken = replace(reply(wire), steps=[*steps[:cut], *end], framed=bool(end))
            async with serving(broken, reply(wire)) as server:
                heard = await hear(chain_to(server.root, wire))
                assert len(server.seen) == 2, (cut, end)
            assert heard.text == WORDS
            assert len([part for part in heard.whole.message.parts if isinstance(part, ToolUse)]) == 2
            assert len(heard.restarts) == 1


_BAD: list[tuple[str, bytes]] = [
    ("garbage", b"data: {{{\n\ndata: [1]\n\n\xff\xff\n"),
    ("wrong types", b'data: {"choices": 5, "candidates": "x", "type": 7, "message": [], "done": "yes"}\n\n'),
    ("null", b"data: null\n\nnull\n"),
    ("deep", b"data: " + b"[" * 100_000 + b"\n\n"),
    ("number", b"data: " + b"9" * 10_000 + b"\n\n"),
]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("name", "raw"), _BAD, ids=[name for name, _ in _BAD])
async def test_nonsense_is_one_sentence_about_the_provider(wire: Wire, name: str, raw: bytes) -> None:
    if wire == "ollama":
        raw = raw.replace(b"data: ", b"").replace(b"\n\n", b"\n")
    async with serving(Reply((raw,))) as server:
        with pytest.raises(ModelError, match=r"^acme: ") as caught:
            await hear(chain_to(server.root, wire))
        assert len(server.seen) == 3
    assert caught.value.kind in {"malformed_stream", "transient"}


@pytest.mark.parametrize("wire", WIRES)
async def test_a_picture_goes_where_the_wire_wants_it(wire: Wire) -> None:
    async with serving(reply(wire)) as server:
        await hear(
            chain_to(server.root, wire), request(Message("user", (Text("see"), Image(b"\x89PNG", "image/png"))))
        )
        assert "iVBORw==" in server.seen[0].raw.decode()


@pytest.mark.parametrize(
    ("wire", "path", "header", "value"),
    [
        ("openai-chat", "/v1/chat/completions", "authorization", "Bearer sk-test-1234567890"),
        ("lmstudio", "/v1/chat/completions", "authorization", "Bearer sk-test-1234567890"),
        ("openai-responses", "/v1/responses", "authorization", "Bearer sk-test-1234567890"),
        ("anthropic", "/v1/messages", "x-api-key", "sk-test-1234567890"),
        ("gemini", "/v1beta/models/m:streamGenerateContent?alt=sse", "x-goog-api-key", "sk-test-1234567890"),
        ("ollama", "/api/chat", "authorization", "Bearer sk-test-1234567890"),
    ],
)
async def test_the_key_and_the_address_are_the_vendors(wire: Wire, path: str, header: str, value: str) -> None:
    async with serving(reply(wire)) as server:
        await hear(chain_to(server.root, wire))
    assert server.seen[0].path == path
    assert server.seen[0].headers[header] == value
    assert "sk-test" not in server.seen[0].path + server.seen[0].raw.decode()


async def test_anthropic_marks_the_prefix_for_its_cache() -> None:
    turns = (
        Message("user", (Text("one"),)),
        Message("assistant", (Text("1"),)),
        Message("user", (Text("two"),)),
        Message("assistant", (Text("2"),)),
        Message("user", (Text("three"),)),
    )
    async with serving(reply("anthropic")) as server:
        await hear(chain_to(server.root, "anthropic"), request(*turns))
    body = server.seen[0].body
    marked = [m["content"][-1].get("cache_control") for m in body["messages"]]
    assert marked == [None, None, {"type": "ephemeral"}, None, {"type": "ephemeral"}]
    assert body["system"][-1]["cache_control"] == body["tools"][-1]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(("finish", "expected"), [("max_tokens", "length"), ("refusal", "refusal")])
async def test_a_call_that_was_cut_at_the_length_limit_is_not_a_call(finish: str, expected: str) -> None:
    raw = b"".join(STREAMS["anthropic"]).replace(
        b'"tool_use", "stop_sequence"', f'"{finish}", "stop_sequence"'.encode()
    )
    cut = json.dumps(B[len(B) // 2 :]).encode()
    async with serving(Reply((raw.replace(cut, b'""'),))) as server:
        whole = (await hear(chain_to(server.root, "anthropic"))).whole
    assert whole.finish == expected
    kept = [part.id for part in whole.message.parts if isinstance(part, ToolUse)]
    assert kept == (["call_a"] if expected == "length" else [])
