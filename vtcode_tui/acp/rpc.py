"""JSON-RPC 2.0, one message per line, both ways over one pair of streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from pydantic import ValidationError

from vtcode_tui.common.errors import UsageError, VtcodeError

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one message; a prompt may carry pictures."""

MOST_REQUESTS = 256
"""Requests of the client that are worked on at once."""

PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, FAILED = -32700, -32600, -32601, -32602, -32000

Handler: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[Any]]


class Output(Protocol):
    """Where messages are written to; a pipe's StreamWriter is one."""

    def write(self, data: bytes) -> None:
        """Take bytes without waiting."""
        ...


class NoMethodError(VtcodeError):
    """The other side asked for a method that there is not."""


class RemoteError(VtcodeError):
    """The other side answered a request with an error, or went away."""


class Peer:
    """This side of a connection: answers requests through `handle`, and asks its own."""

    def __init__(self, reader: asyncio.StreamReader, output: Output, handle: Handler) -> None:
        self._reader, self._output, self._handle = reader, output, handle
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._last = 0
        self._open = 0

    async def serve(self) -> None:
        """Work until the other side closes its end; requests that are under way then are cancelled."""
        async with asyncio.TaskGroup() as group:
            tasks: set[asyncio.Task[None]] = set()
            while (line := await self._line()) is not None:
                message = self._decoded(line)
                if message is None:
                    continue
                if "method" in message:
                    if self._open >= MOST_REQUESTS:
                        self._fail(message.get("id"), FAILED, f"more than {MOST_REQUESTS} requests at once")
                        continue
                    self._open += 1
                    task = group.create_task(self._answer(message))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                    # A notification such as session/cancel must be seen before what came after it.
                    await asyncio.sleep(0)
                else:
                    self._settle(message)
            for future in self._waiting.values():
                future.cancel()
            for task in tasks:
                task.cancel()

    async def call(self, method: str, params: dict[str, Any]) -> Any:
        """Ask the other side and wait. Raises RemoteError."""
        self._last += 1
        number = self._last
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._send({"id": number, "method": method, "params": params})
        try:
            return await future
        finally:
            self._waiting.pop(number, None)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Tell the other side something."""
        self._send({"method": method, "params": params})

    async def _line(self) -> bytes | None:
        try:
            line = await self._reader.readline()
        except ValueError:
            self._fail(None, INVALID_REQUEST, f"a message of more than {LONGEST_LINE // 1024 // 1024} MB")
            return None
        return line or None

    def _decoded(self, line: bytes) -> dict[str, Any] | None:
        if not line.strip():
            return None
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._fail(None, PARSE_ERROR, "that was no JSON")
            return None
        if not isinstance(message, dict) or not isinstance(message.get("params", {}), dict):
            self._fail(None, INVALID_REQUEST, "a message is an object, and so are its params")
            return None
        return message

    def _settle(self, message: dict[str, Any]) -> None:
        future = self._waiting.get(message["id"]) if isinstance(message.get("id"), int) else None
        if future is None or future.done():
            return
        error = message.get("error")
        if error is not None:
            said = error.get("message") if isinstance(error, dict) else error
            future.set_exception(RemoteError(f"the client answered: {said}"))
        else:
            future.set_result(message.get("result"))

    async def _answer(self, message: dict[str, Any]) -> None:
        id, method = message.get("id"), message["method"]
        try:
            result = await self._handle(str(method), message.get("params") or {})
        except NoMethodError as error:
            self._fail(id, NO_METHOD, str(error))
        except (UsageError, ValidationError) as error:
            self._fail(id, INVALID_PARAMS, _first_line(error))
        except VtcodeError as error:
            self._fail(id, FAILED, str(error))
        else:
            if id is not None:
                self._send({"id": id, "result": result})
        finally:
            self._open -= 1

    def _fail(self, id: Any, code: int, words: str) -> None:
        self._send({"id": id, "error": {"code": code, "message": words}})

    def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":"))
        self._output.write(text.encode("utf-8", "replace") + b"\n")


def _first_line(error: UsageError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
