"""Calls that may block for long, in threads that the program's end does not wait for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


async def aside(call: Callable[[], T]) -> T:
    """What `call` returns or raises, from a thread of its own.

    The loop's own threads are joined before the program can end: a name server that does not answer, or a file
    system that is gone, would keep it for as long as the system's own patience lasts.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("T", value))

    def work() -> None:
        value, error = None, None
        try:
            value = call()
        except Exception as raised:  # noqa: BLE001 - it is raised where it is waited for
            error = raised
        # The loop may be gone by now; then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=work, name="export-aside", daemon=True).start()
    return await done


async def addresses(host: str, port: int) -> list[str]:
    """The numeric addresses of a host, in the order of the system's preference. Raises OSError."""
    found = await aside(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(place[0]) for *_, place in found))
