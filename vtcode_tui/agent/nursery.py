"""The tasks of a session: all of them belong to one group, which ends with the session."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from vtcode_tui.common.errors import UsageError


class Nursery:
    """Owns a TaskGroup for as long as the session lasts; tasks in it handle their own failures."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._stop = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the group."""
        ready = asyncio.Event()
        self._owner = asyncio.ensure_future(self._live(ready))
        await ready.wait()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the group."""
        if self._group is None:
            work.close()
            raise UsageError("the session is closed")
        return self._group.create_task(work)

    async def close(self) -> None:
        """Let what is ending end; cancel the rest is the caller's affair before this."""
        self._stop.set()
        if self._owner is not None:
            await asyncio.gather(self._owner, return_exceptions=True)
        self._group = None

    async def _live(self, ready: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            ready.set()
            await self._stop.wait()
