"""The hosts that a run's grant opens: its proxy, and what the proxy decided as refusals of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.proxy import Connection, Proxy
from vtcode_tui.sandbox.run import Denial

_MOST = 200


class Opening:
    """A proxy for as long as its run lasts."""

    def __init__(
        self,
        hosts: Sequence[str],
        notice: Callable[[Denial], None] | None,
        connected: Callable[[Connection], None] | None,
        proxy: Callable[[Sequence[str], Callable[[Connection], None]], Proxy] = Proxy,
    ) -> None:
        self._notice = notice
        self._connected = connected
        self._closing: asyncio.Task[None] | None = None
        self._refused: dict[tuple[str, str], Denial] = {}
        try:
            self._proxy = proxy(hosts, self._decided)
        except ValueError as error:
            raise SandboxError(f"a host of the grant is not one: {error}", step="network") from error

    async def start(self) -> None:
        """Begin to listen."""
        await self._proxy.start()

    @property
    def refused(self) -> list[Denial]:
        """What was refused, each kind once with how often: tools try again."""
        return list(self._refused.values())

    @property
    def address(self) -> str:
        """Where the proxy listens."""
        return self._proxy.address

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._proxy.port

    @property
    def url(self) -> str:
        """The address with the run's token."""
        return self._proxy.url

    async def close(self) -> None:
        """Stop."""
        await self._proxy.close()

    def close_soon(self) -> None:
        """Stop, from a callback."""
        self._closing = asyncio.get_running_loop().create_task(self.close())

    def _decided(self, connection: Connection) -> None:
        if self._connected is not None:
            self._connected(connection)
        if connection.allowed:
            return
        place = f"{connection.host}:{connection.port}" if connection.port else connection.host
        kind = (place, connection.reason)
        if (known := self._refused.get(kind)) is not None:
            self._refused[kind] = replace(known, count=known.count + 1)
        elif len(self._refused) < _MOST:
            remedy = (
                f"approve the host for this run (--allow-host {place})" if "not among" in connection.reason else ""
            )
            denial = self._refused[kind] = Denial("host", f"{place}: {connection.reason}", "proxy", remedy)
            if self._notice is not None:
                self._notice(denial)
