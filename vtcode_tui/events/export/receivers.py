"""Where exported events go: a file, syslog over UDP, TCP or TLS, OTLP/HTTP, Splunk HEC, Elasticsearch."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.config.settings import Exporter
from vtcode_tui.events.export.aside import addresses, aside
from vtcode_tui.events.lines import parse_line

if TYPE_CHECKING:
    import httpx

Batch = Sequence[tuple[str, str]]
"""Event ids, and the lines for them."""


_ANSWER_SECONDS, _LONGEST_ANSWER = 60, 4 << 20


class ReceiverError(Exception):
    """The receiver did not take a batch; it is sent again later."""


class Receiver(Protocol):
    """Takes batches of lines. `confirms` says whether taking one means that the receiver has it."""

    confirms: bool

    async def send(self, batch: Batch) -> None:
        """Deliver a batch. Raises ReceiverError (or OSError) when it was not taken whole."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def receiver(exporter: Exporter, environ: Mapping[str, str] | None = None) -> Receiver:
    """The receiver that a setting describes. Raises ConfigError when the target cannot be understood."""
    env = os.environ if environ is None else environ
    if exporter.kind == "file":
        return FileReceiver(Path(exporter.target).expanduser())
    parts = urlsplit(exporter.target)
    trust = (
        ssl.create_default_context(cafile=exporter.ca_file or None) if parts.scheme in {"tls", "https"} else None
    )
    if exporter.kind == "syslog":
        if parts.scheme not in {"udp", "tcp", "tls"} or not parts.hostname:
            raise ConfigError(
                f"{exporter.target!r} is no syslog target: udp://, tcp:// or tls:// HOST:PORT",
                key="audit.exporters",
            )
        port = parts.port or (6514 if parts.scheme == "tls" else 514)
        if parts.scheme == "udp":
            return UdpReceiver(parts.hostname, port)
        return StreamReceiver(parts.hostname, port, trust)
    if parts.scheme not in {"http", "https"}:
        raise ConfigError(f"{exporter.target!r} is no URL", key="audit.exporters")
    token = env.get(exporter.token_env, "") if exporter.token_env else ""
    if exporter.token_env and not token:
        raise ConfigError(
            f"the variable {exporter.token_env} for {exporter.target} is not set", key="audit.exporters"
        )
    base = exporter.target.rstrip("/")
    match exporter.kind:
        case "otlp":
            return OtlpReceiver(base, token, trust)
        case "hec":
            return HecReceiver(base, token, trust)
        case "elastic":
            return ElasticReceiver(base, token, trust)


class FileReceiver:
    """Appends to a file and flushes it."""

    confirms = True

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, batch: Batch) -> None:
        """Append and flush, in a thread."""
        data = "".join(f"{line}\n" for _, line in batch).encode()
        await aside(lambda: self._append(data))

    def _append(self, data: bytes) -> None:
        # A pipe that nobody reads is a receiver that is away, and must not hold a thread.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o600)
        try:
            if os.write(descriptor, data) != len(data):
                raise ReceiverError(f"{self._path} is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    async def close(self) -> None:
        """Nothing is held."""


class UdpReceiver:
    """One datagram per line, as RFC 5426 has it: nobody says whether it arrived."""

    confirms = True

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._transport: asyncio.DatagramTransport | None = None

    async def send(self, batch: Batch) -> None:
        """Send each line."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            host, port = self._address
            found = (await addresses(host, port))[0]
            self._transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(found, port)
            )
        for _, line in batch:
            self._transport.sendto(line.encode())

    async def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()


class StreamReceiver:
    """Octet-counted frames (RFC 6587, RFC 5425). A written batch may still be lost with the connection."""

    confirms = False

    def __init__(self, host: str, port: int, trust: ssl.SSLContext | None) -> None:
        self._host, self._port, self._trust = host, port, trust
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, batch: Batch) -> None:
        """Write the frames and wait until the kernel has them."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.wait_for(self._opened(), 10)
        assert self._reader is not None
        assert self._writer is not None
        frames = [line.encode() for _, line in batch]
        try:
            if self._reader.at_eof():
                raise ReceiverError("the receiver closed the connection")
            self._writer.write(b"".join(b"%d %b" % (len(frame), frame) for frame in frames))
            await asyncio.wait_for(self._writer.drain(), 30)
        except (OSError, ReceiverError):
            await self.close()
            raise

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        named = self._host if self._trust is not None else None
        *others, last = await addresses(self._host, self._port)
        for found in others:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(found, self._port, ssl=self._trust, server_hostname=named)
        return await asyncio.open_connection(last, self._port, ssl=self._trust, server_hostname=named)

    async def close(self) -> None:
        """Close the connection; the next batch opens another."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class _HttpReceiver:
    confirms = True

    def __init__(self, base: str, token: str, trust: ssl.SSLContext | None) -> None:
        self._base, self._token, self._trust = base, token, trust
        self._client: httpx.AsyncClient | None = None

    async def _post(self, path: str, body: str, content: str, authorization: str) -> dict[str, Any]:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(verify=self._trust or True, timeout=30, trust_env=False)
        url = httpx.URL(f"{self._base}{path}")
        headers = {"Content-Type": content, "Host": url.netloc.decode()}
        headers |= {"Authorization": authorization} if self._token else {}
        try:
            *others, last = await addresses(url.host, url.port or (443 if url.scheme == "https" else 80))
            for found in others:
                with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                    return await self._posted(url, found, body, headers)
            return await self._posted(url, last, body, headers)
        except httpx.HTTPError as error:
            raise ReceiverError(f"{self._base}: {type(error).__name__}: {error}") from error

    async def _posted(self, url: httpx.URL, address: str, body: str, headers: dict[str, str]) -> dict[str, Any]:
        assert self._client is not None
        said, place = bytearray(), url.copy_with(host=address)
        names = {"sni_hostname": url.host}
        async with (
            asyncio.timeout(_ANSWER_SECONDS),
            self._client.stream("POST", place, content=body.encode(), headers=headers, extensions=names) as answer,
        ):
            if answer.status_code >= 300:
                raise ReceiverError(f"{url} answered {answer.status_code}")
            async for piece in answer.aiter_bytes():
                said += piece
                if len(said) > _LONGEST_ANSWER:
                    raise ReceiverError(f"{url} does not end its answer")
        return self._document(str(url), bytes(said))

    @staticmethod
    def _document(url: str, said: bytes) -> dict[str, Any]:
        """The answer's JSON object; an empty answer is an empty one. A web page is no receiver."""
        try:
            return parse_line(said) if said.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ReceiverError(f"{url} answered with something that is no JSON object") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


class OtlpReceiver(_HttpReceiver):
    """OTLP/HTTP with JSON bodies: /v1/logs and /v1/traces."""

    async def send(self, batch: Batch) -> None:
        """One request for all logs of the batch, one for all spans."""
        requests = [json.loads(line) for _, line in batch]
        for key, path in (("resourceLogs", "/v1/logs"), ("resourceSpans", "/v1/traces")):
            parts = [part for request in requests for part in request.get(key, [])]
            if parts:
                body = json.dumps({key: parts}, ensure_ascii=False)
                await self._post(path, body, "application/json", f"Bearer {self._token}")


class HecReceiver(_HttpReceiver):
    """Splunk's HTTP Event Collector."""

    async def send(self, batch: Batch) -> None:
        """The events one after the other in one body."""
        body = "\n".join(line for _, line in batch)
        answer = await self._post("/services/collector/event", body, "application/json", f"Splunk {self._token}")
        if answer.get("code", 0) != 0:
            raise ReceiverError(f"{self._base} took nothing: {str(answer)[:200]}")


class ElasticReceiver(_HttpReceiver):
    """Elasticsearch's bulk interface; the event's id is the document's, so that nothing is stored twice."""

    async def send(self, batch: Batch) -> None:
        """Create the documents; one that exists already counts as taken."""
        rows = []
        for ident, line in batch:
            rows += [json.dumps({"create": {"_index": "logs-vtcode.audit-default", "_id": ident}}), line]
        answer = await self._post("/_bulk", "\n".join(rows) + "\n", "application/x-ndjson", f"ApiKey {self._token}")
        items = answer.get("items")
        if not isinstance(items, list) or len(items) != len(batch):
            raise ReceiverError(f"{self._base} does not say what became of {len(batch)} documents")
        if refused := [item for item in items if not _was_taken(item)]:
            raise ReceiverError(f"{self._base} refused {len(refused)} documents: {str(refused[0])[:200]}")


def _was_taken(item: object) -> bool:
    """Whether Elasticsearch has a document: created now, or there already."""
    result = item.get("create") if isinstance(item, dict) else None
    status = result.get("status") if isinstance(result, dict) else None
    return type(status) is int and (status < 300 or status == 409)
