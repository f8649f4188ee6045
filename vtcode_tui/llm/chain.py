"""The failover chain: asks link after link until a message is whole; the pieces of a broken answer are void."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from vtcode_tui.common.clock import Clock, SystemClock
from vtcode_tui.common.errors import ModelError
from vtcode_tui.llm.catalogue import UNKNOWN, ModelFacts
from vtcode_tui.llm.endpoint import Endpoint, Hosts, TimeLimits
from vtcode_tui.llm.failure import PASSED_ON, ProviderError
from vtcode_tui.llm.messages import Completed, Delta, Request, Restarted

if TYPE_CHECKING:
    from vtcode_tui.llm.transport import Transport


@dataclass(frozen=True, slots=True)
class Link:
    """A model at a provider."""

    endpoint: Endpoint
    model: str
    facts: ModelFacts = UNKNOWN

    @property
    def name(self) -> str:
        """`provider/model`, as a person writes it."""
        return f"{self.endpoint.provider}/{self.model}"


class Chain:
    """Models in the order in which they are asked."""

    def __init__(
        self,
        links: Sequence[Link],
        *,
        limits: TimeLimits | None = None,
        hosts: Hosts | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
        clock: Clock | None = None,
        cross_data_class: bool = False,
    ) -> None:
        if not links:
            raise ModelError("no model is configured: see `vtcode models`", kind="invalid")
        self.links = tuple(links)
        self._limits = limits or TimeLimits()
        self._hosts = hosts or Hosts()
        self._environ = environ
        self._clock = clock or SystemClock()
        self._cross_data_class = cross_data_class
        self._transport: Transport | None = None

    @property
    def current(self) -> Link:
        """The link that the next request goes to first."""
        return self.links[0]

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield pieces, perhaps a restart, and one Completed. Raises ModelError with one sentence.

        The link's model is asked, whatever `request.model` says. Close it (`contextlib.aclosing`) to stop: that
        closes the connection.
        """
        for place, link in enumerate(self.links):
            partial = False
            try:
                async with aclosing(self._ask(link, request)) as pieces:
                    async for piece in pieces:
                        partial = True
                        yield piece
                return
            except ProviderError as error:
                if error.kind not in PASSED_ON or place + 1 == len(self.links):
                    raise
                following = self.links[place + 1]
                yield Restarted(
                    str(error),
                    link.endpoint.provider,
                    link.model,
                    following.endpoint.provider,
                    following.model,
                    attempts=1,
                    partial=partial,
                )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _ask(self, link: Link, request: Request) -> AsyncGenerator[Delta, None]:
        # httpx costs 100 ms at start-up: it is loaded when the first request is made.
        from vtcode_tui.llm.exchange import converse
        from vtcode_tui.llm.transport import Transport

        if self._transport is None:
            self._transport = Transport(self._hosts, self._environ)
        asked = replace(request, model=link.model)
        async with aclosing(converse(self._transport, link.endpoint, asked, self._limits, self._clock)) as sent:
            async for piece in sent:
                if isinstance(piece, Completed):
                    piece = replace(piece, cost_usd=link.facts.cost(piece.usage))
                yield piece
