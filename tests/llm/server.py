"""A small HTTP server on loopback that does what it is told: whole answers, half ones, silence, and worse."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias


class Act(Enum):
    """What a server may do between bytes."""

    CUT = "reset the connection"
    LEAVE = "close the connection without an end of the answer"
    STALL = "say nothing until the client goes away"


Step: TypeAlias = bytes | Act


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; `framed` answers are chunked, so that a missing end can be seen."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    framed: bool = True
    repeat: int = 1
    """How often all steps are sent; for answers that are too large to hold."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class FaultyServer:
    """Answers the n-th request with the n-th reply; the last one again and again."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        self.replies = list(replies)
        self.seen: list[Seen] = []
        self.gone = asyncio.Event()
        self.connections = 0
        self.sent = 0
        self.port = 0
        self.scheme = "http"
        self.listener: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    @property
    def root(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        self.gone.set()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        del self._open[task]

    async def close(self) -> None:
        """Drop every connection and wait until its handler has ended."""
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)

    async def stop(self) -> None:
        """Listen no more."""
        assert self.listener is not None
        self.listener.close()
        await self.close()
        await self.listener.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        if first == b"\x16":
            # A TLS handshake at a plain port: what nginx does.
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append(Seen(method, path, headers, raw))
        reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
        framing = "transfer-encoding: chunked" if reply.framed else "connection: close"
        lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in reply.headers.items()), framing]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        for _ in range(reply.repeat):
            for step in reply.steps:
                if not await self._step(step, reply.framed, reader, writer):
                    return False
        if reply.framed:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return reply.framed

    async def _step(
        self, step: Step, framed: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        match step:
            case Act.CUT:
                await writer.drain()
                writer.transport.abort()
                return False
            case Act.LEAVE:
                await writer.drain()
                return False
            case Act.STALL:
                await writer.drain()
                await reader.read(1)
                return False
            case b"":
                # An empty chunk would be the end of the answer.
                return True
            case bytes():
                writer.write(f"{len(step):x}\r\n".encode() + step + b"\r\n" if framed else step)
                self.sent += len(step)
                await writer.drain()
                return not writer.is_closing()


@contextlib.asynccontextmanager
async def serving(*replies: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultyServer]:
    """A server on a free port for as long as the block runs."""
    faulty = FaultyServer(replies)
    server = await asyncio.start_server(faulty.handle, "127.0.0.1", 0, ssl=tls)
    faulty.listener = server
    faulty.port = server.sockets[0].getsockname()[1]
    faulty.scheme = "https" if tls else "http"
    try:
        yield faulty
    finally:
        server.close()
        await faulty.close()
        await server.wait_closed()


def sse(*events: object, done: bool = True) -> tuple[bytes, ...]:
    """Events as server-sent ones, one write each."""
    sent = [f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode() for event in events]
    return (*sent, b"data: [DONE]\n\n") if done else tuple(sent)
