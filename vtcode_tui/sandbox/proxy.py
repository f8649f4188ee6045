"""The filtering proxy of one run: the only thing outside that a run with a host grant can reach.

CONNECT and plain HTTP. Names are matched before they are looked up, so that the lookup itself carries nothing out;
addresses are checked after it, and the checked address is the one that is connected to, so that a second answer of
the name server changes nothing. A token that only the run knows keeps other programs of the machine out.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import ipaddress
import secrets
import socket
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from vtcode_tui.sandbox.destinations import Address, Allowed, Destination, is_public, read_authority

_LARGEST_HEAD = 64 << 10
_HEAD_SECONDS, _CONNECT_SECONDS = 30.0, 20.0
_MOST_CONNECTIONS = 256
_HOP = ("proxy-", "connection:", "keep-alive:", "te:", "trailer:", "upgrade:", "host:")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Connection:
    """One decision of the proxy."""

    host: str
    port: int
    allowed: bool
    reason: str
    address: str = ""


class Proxy:
    """Listens on loopback until it is closed."""

    def __init__(
        self,
        hosts: Sequence[str],
        decided: Callable[[Connection], None],
        *,
        resolve: Resolve | None = None,
        reachable: Callable[[Address], bool] = is_public,
    ) -> None:
        self._allowed = Allowed(hosts)
        self._decided = decided
        self._resolve = resolve or _resolve
        self._reachable = reachable
        self._token = secrets.token_urlsafe(24)
        self._credentials = base64.b64encode(f"run:{self._token}".encode()).decode()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.address, self.port = "127.0.0.1", 0

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, self.address, 0, limit=_LARGEST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """What the run finds in its environment."""
        return f"http://run:{self._token}@{self.address}:{self.port}"

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if len(self._tasks) <= _MOST_CONNECTIONS:
                await self._handle(reader, writer)
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that breaks off or talks nonsense; nothing went out for it
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(OSError):
                writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1.") or any(c < " " for c in head if c not in "\r\n\t"):
            await _answer(writer, "400 Bad Request", "not a proxy request")
            return
        if not self._is_the_run(lines):
            await _answer(
                writer, "407 Proxy Authentication Required", "", 'Proxy-Authenticate: Basic realm="vtcode"'
            )
            return
        method, target = words[0], words[1]
        try:
            wanted, request = _meaning(method, target, lines)
        except ValueError as error:
            self._decided(Connection(target[:200], 0, False, str(error)))
            await _answer(writer, "400 Bad Request", str(error))
            return
        upstream = await self._reach(wanted, writer)
        if upstream is None:
            return
        await self._relay(reader, writer, upstream, lines, request)

    def _is_the_run(self, lines: Sequence[str]) -> bool:
        given = next((line.partition(":")[2].strip() for line in lines if _is(line, "proxy-authorization")), "")
        return hmac.compare_digest(given.encode(), f"Basic {self._credentials}".encode())

    async def _reach(
        self, wanted: Destination, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to an allowed host at an allowed address, or None with the refusal sent."""
        reason = ""
        addresses: Sequence[str] = ()
        if wanted not in self._allowed:
            reason = "not among the hosts this run may reach"
        else:
            try:
                addresses = await self._resolve(wanted.host, wanted.port)
            except OSError as error:
                reason = f"the name cannot be looked up: {error}"
            if not reason and not all(self._reachable(ipaddress.ip_address(a.split("%")[0])) for a in addresses):
                reason = f"the name leads to a private address ({', '.join(addresses)})"
        if reason:
            self._decided(Connection(wanted.host, wanted.port, False, reason))
            await _answer(writer, "403 Forbidden", f"vtcode: {wanted.host}:{wanted.port}: {reason}")
            return None
        for address in addresses:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    made = await asyncio.open_connection(address, wanted.port)
                self._decided(Connection(wanted.host, wanted.port, True, "on the list", address))
                return made
        self._decided(Connection(wanted.host, wanted.port, False, "no address answers"))
        await _answer(writer, "502 Bad Gateway", f"vtcode: {wanted.host}:{wanted.port} does not answer")
        return None

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        lines: Sequence[str],
        request: bytes,
    ) -> None:
        from_server, to_server = upstream
        try:
            if request:
                to_server.write(request)
                length = next((int(line.partition(":")[2]) for line in lines if _is(line, "content-length")), 0)
                sending = _pump(reader, to_server, length)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                sending = _pump(reader, to_server, None)
            async with asyncio.TaskGroup() as group:
                group.create_task(sending)
                group.create_task(_pump(from_server, writer, None))
        except* OSError:
            pass  # one side broke off; the other is closed with it
        finally:
            with contextlib.suppress(OSError):
                to_server.close()


def _meaning(method: str, target: str, lines: Sequence[str]) -> tuple[Destination, bytes]:
    """Where a request leads, and what to send there first (nothing for CONNECT). Raises ValueError."""
    if method == "CONNECT":
        return read_authority(target), b""
    if not target.startswith("http://"):
        raise ValueError("only CONNECT and plain http:// requests pass")
    if any(_is(line, "transfer-encoding") for line in lines):
        raise ValueError("a request body needs a Content-Length here")
    parts = urllib.parse.urlsplit(target)
    wanted = read_authority(parts.netloc, default_port=80)
    path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    # Host is rewritten: what was checked is what the server is asked for.
    kept = [line for line in lines if not line.lower().startswith(_HOP)]
    head = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", *kept, "Connection: close", "", ""]
    return wanted, "\r\n".join(head).encode("latin-1")


def _is(line: str, name: str) -> bool:
    return line.partition(":")[0].strip().lower() == name


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, length: int | None) -> None:
    """Copy `length` bytes, or all until the end, which is passed on."""
    left = length
    while left is None or left > 0:
        data = await source.read(65536 if left is None else min(65536, left))
        if not data:
            break
        sink.write(data)
        await sink.drain()
        left = None if left is None else left - len(data)
    if left is None and sink.can_write_eof():
        sink.write_eof()


async def _answer(writer: asyncio.StreamWriter, status: str, text: str, *headers: str) -> None:
    body = f"{text}\n".encode()
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: text/plain", *headers]
    writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode() + body)
    await writer.drain()


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
