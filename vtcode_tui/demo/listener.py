"""The address that the planted instruction names: it counts who comes, and nobody should."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Listener:
    """A loopback port and what has been sent to it."""

    def __init__(self) -> None:
        self.port = 0
        self.visits: list[bytes] = []

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            self.visits.append(await asyncio.wait_for(reader.read(65536), 2))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """Listen on a free loopback port."""
    listener = Listener()
    server = await asyncio.start_server(listener._visit, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
