"""A scripted model behind real HTTP on loopback: it speaks OpenAI Chat Completions and says its script."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Step:
    """One message of the model: words, reasoning, and the tools it asks for as (name, arguments)."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    reasoning: str = ""


Script = Callable[[Mapping[str, Any]], Step]
"""From the body of a request to the step that answers it."""


def in_order(steps: Sequence[Step]) -> Script:
    """Answers with one step after the other: as many as the model has spoken in the conversation already."""

    def script(body: Mapping[str, Any]) -> Step:
        spoken = sum(message.get("role") == "assistant" for message in body.get("messages", ()))
        return steps[spoken] if spoken < len(steps) else Step("I have nothing more to say.")

    return script


@dataclass(frozen=True, slots=True)
class Served:
    """A model that is being served; `requests` are the bodies it got."""

    base_url: str
    requests: list[Mapping[str, Any]]


@contextlib.asynccontextmanager
async def served(script: Script, *, model: str = "scripted", pace: float = 0.0) -> AsyncIterator[Served]:
    """Serve a script on a free loopback port; `pace` are the seconds between two pieces of an answer."""
    requests: list[Mapping[str, Any]] = []
    talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        talks[talk] = writer
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
                while (given := await _request(reader)) is not None:
                    path, raw = given
                    if path.endswith("/models"):
                        await _plain(writer, {"object": "list", "data": [{"id": model, "object": "model"}]})
                        continue
                    body = json.loads(raw)
                    requests.append(body)
                    await _stream(writer, model, script(body), pace)
        finally:
            del talks[talk]
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=_LARGEST)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Served(f"http://127.0.0.1:{port}/v1", requests)
    finally:
        server.close()
        # A client that keeps its connection open must not outlast the script, nor the loop close over it.
        for writer in talks.values():
            writer.transport.abort()
        if talks:
            await asyncio.wait([*talks])


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        return None
    length = 0
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    if not 0 <= length <= _LARGEST:
        return None
    return words[1].split("?")[0], await reader.readexactly(length)


async def _plain(writer: asyncio.StreamWriter, value: object) -> None:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _stream(writer: asyncio.StreamWriter, model: str, step: Step, pace: float) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def send(text: str) -> None:
        data = f"data: {text}\n\n".encode()
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await writer.drain()
        if pace:
            await asyncio.sleep(pace)

    async def piece(delta: Mapping[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        await send(
            json.dumps({"id": "scripted", "object": "chat.completion.chunk", "model": model, "choices": [choice]})
        )

    for word in _words(step.reasoning):
        await piece({"reasoning_content": word})
    for word in _words(step.text):
        await piece({"content": word})
    for index, (name, arguments) in enumerate(step.calls):
        function = {"name": name, "arguments": ""}
        await piece(
            {"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": function}]}
        )
        text = json.dumps(arguments)
        for start in range(0, len(text), 40):
            part = {"index": index, "function": {"arguments": text[start : start + 40]}}
            await piece({"tool_calls": [part]})
    await piece({}, "tool_calls" if step.calls else "stop")
    spoken = len(step.text) // 4 + sum(len(json.dumps(a)) // 4 for _, a in step.calls)
    usage = {"prompt_tokens": 1200, "completion_tokens": spoken, "total_tokens": 1200 + spoken}
    await send(
        json.dumps(
            {"id": "scripted", "object": "chat.completion.chunk", "model": model, "choices": [], "usage": usage}
        )
    )
    await send("[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _words(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")[:-1]] + [text.split(" ")[-1]] if text else []
