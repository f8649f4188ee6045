"""One request to one model: no retries, no other link; pieces as they come and the whole message at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import TypeAlias

from vtcode_tui.common.clock import Clock
from vtcode_tui.llm.assembly import Assembly, Piece, WireError
from vtcode_tui.llm.endpoint import Endpoint, TimeLimits, host_of
from vtcode_tui.llm.failure import ProviderError, detail_of, kind_of, retry_after, retry_delay, sentence, shortened
from vtcode_tui.llm.framing import Framing, OversizeError
from vtcode_tui.llm.messages import Completed, Request, ToolUse
from vtcode_tui.llm.transport import Answer, Transport
from vtcode_tui.llm.wire import Reader
from vtcode_tui.llm.wires import wire_of

LARGEST_STREAM = 512 * 1024 * 1024
"""Bytes of one answer on the wire: a tiny delta costs hundreds of bytes of envelope."""

_DONE = b"[DONE]"
_STALLED = 5
_USAGE_COMES_LAST = frozenset({"openai-chat", "lmstudio", "gemini"})
_USAGE_SECONDS = 3.0
_END_SECONDS = 0.25
"""How long a whole message waits for the end of its connection, which can then be used again."""

Sent: TypeAlias = Piece | Completed


async def converse(
    transport: Transport, endpoint: Endpoint, request: Request, limits: TimeLimits, clock: Clock
) -> AsyncGenerator[Sent, None]:
    """Ask once and yield the pieces, then Completed. Raises ProviderError; closing it closes the connection."""
    if not host_of(endpoint.base_url):
        cause = f"{endpoint.base_url!r} is not an address of the form https://host/path"
        raise ProviderError(endpoint.provider, cause, "invalid")
    wire = wire_of(endpoint.wire)
    outgoing = wire.compose(request, endpoint)
    assembly = Assembly(endpoint.provider, request.model)
    intake = _Intake(wire.framing(), wire.reader(), assembly)
    started = clock.monotonic_ns()
    first = 0
    async with transport.post(
        endpoint.provider,
        outgoing.url,
        outgoing.headers,
        outgoing.body,
        first_byte=limits.first_byte,
        idle=limits.idle,
    ) as answer:
        await _refuse(answer, endpoint, request.model)
        last_event = clock.monotonic_ns()
        async for chunk in _until_whole(answer.chunks, intake, endpoint):
            now = clock.monotonic_ns()
            first = first or now
            with _told(endpoint, request.model):
                if intake.feed(chunk):
                    last_event = now
                elif now - last_event > _STALLED * limits.idle * 1e9:
                    raise WireError("nothing but keep-alives for too long", "transient")
            for piece in assembly.take():
                yield piece
    with _told(endpoint, request.model):
        intake.finish()
        rest = assembly.take()
        whole = _completed(assembly, (started, first, clock.monotonic_ns()))
    for piece in rest:
        yield piece
    yield whole


async def _until_whole(chunks: AsyncIterator[bytes], intake: _Intake, endpoint: Endpoint) -> AsyncIterator[bytes]:
    """The chunks up to the end of the body. Once the message is whole, the rest is waited for only a moment, and a
    server that says nothing more, or breaks off, has not broken the message. What comes after a `[DONE]` is let go
    by: only the end of the body leaves a connection that can be used again."""
    grace = _USAGE_SECONDS if endpoint.wire in _USAGE_COMES_LAST else _END_SECONDS
    clock, over = asyncio.get_running_loop().time, 0.0
    while True:
        if intake.done:
            over = over or clock() + _END_SECONDS
        left = over - clock() if over else grace if intake.whole else None
        if over and over <= clock():
            return
        try:
            async with asyncio.timeout(left):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except (TimeoutError, ProviderError):
            if not intake.whole:
                raise
            return
        if not over:
            yield chunk


class _Intake:
    """Bytes in, a filled assembly out."""

    def __init__(self, framing: Framing, reader: Reader, assembly: Assembly) -> None:
        self._framing, self._reader, self._assembly = framing, reader, assembly
        self._size = 0
        self.done = False

    @property
    def whole(self) -> bool:
        """Whether the wire's terminal event was there."""
        return self._reader.ended

    def feed(self, chunk: bytes) -> int:
        """Take a chunk; returns how many events it completed."""
        self._size += len(chunk)
        if self._size > LARGEST_STREAM:
            raise WireError(f"an answer of more than {LARGEST_STREAM // 1024 // 1024} MB")
        events = self._framing.feed(chunk)
        for data in events:
            self._take(data)
        return len(events)

    def finish(self) -> None:
        """The stream has ended: read what was left without an end of line; is the message whole?"""
        if not self.done and (rest := self._framing.rest()):
            # A JSON line may lack its last newline; half an event of a broken stream is no JSON.
            with contextlib.suppress(WireError):
                self._take(rest.removeprefix(b"data:").strip())
        if not self._reader.ended:
            raise WireError("the stream ended before the message did", "transient")

    def _take(self, data: bytes) -> None:
        if data == _DONE:
            self.done = self._reader.ended = True
            return
        try:
            event: object = json.loads(data)
        except UnicodeDecodeError:
            raise WireError("bytes that are not UTF-8 in its stream") from None
        except (ValueError, RecursionError):
            start = shortened(data[:80].decode("utf-8", "replace"))
            raise WireError(f"an event that is not JSON in its stream: {start}") from None
        self._reader.read(event, self._assembly)


def _completed(assembly: Assembly, times: tuple[int, int, int]) -> Completed:
    message = assembly.message()
    finish = assembly.finish or "stop"
    if finish == "refusal" and not message.parts:
        raise WireError("the provider's safety system refused to answer", "refusal")
    if not message.parts:
        raise WireError("an empty answer" if finish != "length" else "no answer within max_output_tokens")
    if finish != "length" and any(isinstance(part, ToolUse) for part in message.parts):
        finish = "tools"
    elif finish == "tools":
        finish = "stop"
    started, first, ended = times
    return Completed(
        message,
        finish,
        assembly.usage,
        assembly.response_id,
        assembly.provider,
        assembly.model,
        first_byte_ms=(first - started) // 1_000_000,
        duration_ms=(ended - started) // 1_000_000,
    )


async def _refuse(answer: Answer, endpoint: Endpoint, model: str) -> None:
    """Raise when the response is not the stream that was asked for."""
    if answer.status != 200:
        raw = await answer.body()
        said = detail_of(raw)
        kind = kind_of(answer.status, said)
        raise ProviderError(
            endpoint.provider,
            sentence(answer.status, kind, said, model),
            kind,
            retry_after=retry_after(answer.headers) or retry_delay(raw),
            status=answer.status,
        )
    match answer.media_type:
        case "text/html" | "application/xhtml+xml":
            cause = f"a web page instead of a model's answer from {endpoint.base_url}; is base_url right?"
            raise ProviderError(endpoint.provider, cause, "invalid", status=200)
        case "application/json" if endpoint.wire != "ollama":
            said = detail_of(await answer.body())
            kind = kind_of(200, said)
            raise ProviderError(endpoint.provider, f"an answer that is not a stream ({said})", kind, status=200)
        case kind_of_media if kind_of_media.startswith(("image/", "audio/", "video/")):
            cause = f"an answer of type {shortened(kind_of_media)} instead of a stream"
            raise ProviderError(endpoint.provider, cause, "malformed_stream", status=200)


@contextlib.contextmanager
def _told(endpoint: Endpoint, model: str) -> Iterator[None]:
    """Turn what a reader found into one sentence that names the provider."""
    try:
        yield
    except OversizeError as error:
        raise ProviderError(endpoint.provider, str(error), "malformed_stream", status=200) from None
    except WireError as error:
        explained = sentence(200, error.kind, error.cause, model) if error.kind in _EXPLAINED else error.cause
        raise ProviderError(endpoint.provider, explained, error.kind, status=200) from None


_EXPLAINED = {"auth", "billing", "rate_limited", "overloaded", "context_exceeded", "no_tools", "not_loaded"}
