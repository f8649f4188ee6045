"""The failover chain: asks link after link until a message is whole; the pieces of a broken answer are void."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from vtcode_tui.common.clock import Clock, SystemClock
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import DataClass
from vtcode_tui.llm.catalogue import UNKNOWN, ModelFacts
from vtcode_tui.llm.discover import remedy_for
from vtcode_tui.llm.endpoint import BREADTH, Endpoint, Hosts, TimeLimits
from vtcode_tui.llm.failure import ASKED_AGAIN, PASSED_ON, ProviderError
from vtcode_tui.llm.health import Budget, Circuit, pause
from vtcode_tui.llm.messages import Completed, Delta, Request, Restarted
from vtcode_tui.llm.tokens import estimate_request
from vtcode_tui.llm.translate import Fitted, fitted

if TYPE_CHECKING:
    from vtcode_tui.llm.transport import Transport

ATTEMPTS = 3
"""Of one request on one link."""

LONGEST_WAIT = 60.0
"""Seconds that a person waits without being asked; a provider that wants more is passed over or told of."""

_MARGIN = 1.1
"""How much longer a request may be than it is estimated to be."""

_LOCAL_PATIENCE = 10
"""A local server may first load the model and read the whole prompt with a slow processor."""


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
    """Models in the order in which they are asked, and how well each is."""

    def __init__(
        self,
        links: Sequence[Link],
        *,
        limits: TimeLimits | None = None,
        hosts: Hosts | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
        clock: Clock | None = None,
        cross_data_class: bool = False,
        begins: DataClass | None = None,
        effort: Literal["none", "low", "medium", "high"] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take the links. `begins` is the class of what was chosen first, which may be away and no link today;
        `sleep` and `chance` (0 to 1) are for tests to hold."""
        if not links:
            raise ModelError("no model is configured: see `vtcode models`", kind="invalid")
        widest = BREADTH[begins or links[0].endpoint.data_class]
        # What was said to a local model must not reach a cloud because the local one has failed.
        self.links = tuple(it for it in links if cross_data_class or BREADTH[it.endpoint.data_class] <= widest)
        self.withheld = tuple(it for it in links if it not in self.links)
        if not self.links:
            names = ", ".join(link.name for link in self.withheld)
            cause = (
                f"the first model of the chain is away; {names} was not asked: model.cross_data_class would let it"
            )
            raise ModelError(f"{cause} see what was meant for the first", kind="not_running")
        self._limits = limits or TimeLimits()
        self._hosts = hosts or Hosts()
        self._environ = environ
        self._clock = clock or SystemClock()
        self._effort = effort
        self._sleep, self._chance = sleep, chance
        self._circuits = {link.name: Circuit() for link in self.links}
        self._budget = Budget()
        self._transport: Transport | None = None

    @property
    def current(self) -> Link:
        """The link that a request would go to now."""
        return self._order()[0]

    @property
    def reach(self) -> DataClass:
        """The widest data class that a request may come to, by whichever link."""
        return max((link.endpoint.data_class for link in self.links), key=BREADTH.__getitem__)

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Yield pieces, perhaps restarts, and one Completed. Raises ModelError with one sentence.

        The link's model is asked, whatever `request.model` says, with the history fitted to it. Close it
        (`contextlib.aclosing`) to stop: that closes the connection.
        """
        self._budget.earn()
        order = self._order()
        attempts = 0
        for place, link in enumerate(order):
            following = order[place + 1] if place + 1 < len(order) else None
            for attempt in range(ATTEMPTS):
                attempts += 1
                partial = False
                try:
                    async with aclosing(self._attempt(link, request)) as pieces:
                        async for piece in pieces:
                            partial = True
                            yield piece
                    return
                except ProviderError as error:
                    failure = error
                wait = self._wait(link, failure, attempt, following)
                target = following if wait is None else link
                if target is None or failure.kind not in PASSED_ON:
                    raise self._final(failure, attempts)
                yield self._restart(failure, link, target, request, attempts, partial)
                if wait is None:
                    break
                await self._sleep(wait)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            await self._transport.aclose()

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _order(self) -> tuple[Link, ...]:
        """The links that are well, in their order; when none is, the one that is to be tried next."""
        now = self._now()
        well = tuple(link for link in self.links if self._circuits[link.name].allows(now))
        return well or (min(self.links, key=lambda link: self._circuits[link.name].open_until or 0.0),)

    def _wait(self, link: Link, error: ProviderError, attempt: int, following: Link | None) -> float | None:
        """How long to wait before this link is asked again; None to leave it."""
        if (
            error.kind not in ASKED_AGAIN
            or attempt + 1 >= ATTEMPTS
            or not self._circuits[link.name].allows(self._now())
        ):
            return None
        wait = pause(attempt, error, self._chance())
        if wait > LONGEST_WAIT or (following is not None and wait > 8.0):
            return None
        return wait if self._budget.spend() else None

    def _restart(
        self, error: ProviderError, link: Link, target: Link, request: Request, attempts: int, partial: bool
    ) -> Restarted:
        return Restarted(
            str(error),
            link.endpoint.provider,
            link.model,
            target.endpoint.provider,
            target.model,
            attempts,
            self._fitted(target, request).dropped if target is not link else (),
            partial,
        )

    def _final(self, error: ProviderError, attempts: int) -> ProviderError:
        """The failure as the person is told it."""
        cause = error.cause
        if attempts > 1:
            cause += f", after {attempts} attempts"
        if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
            cause += f"; it asks to wait for {error.retry_after:.0f} s"
        if self.withheld and error.kind in PASSED_ON:
            names = ", ".join(link.name for link in self.withheld)
            cause += f"; {names} was not asked: model.cross_data_class would let it see this conversation"
        return ProviderError(error.provider, cause, error.kind, retry_after=error.retry_after, status=error.status)

    @staticmethod
    def _fitted(link: Link, request: Request) -> Fitted:
        return fitted(request.messages, link.endpoint.provider, link.model, images=link.facts.images)

    def _asked(self, link: Link, request: Request) -> Request:
        """The request as this link's model can take it."""
        room = request.max_output_tokens
        if link.facts.known:
            # Servers that count the answer into the window refuse what might not fit, however short it would be.
            left = link.facts.context_window - int(estimate_request(request) * _MARGIN)
            room = max(1_024, min(left, link.facts.context_window // 2))
        return replace(
            request,
            model=link.model,
            messages=self._fitted(link, request).messages,
            max_output_tokens=min(request.max_output_tokens, link.facts.max_output or room, room),
            effort=request.effort or self._effort,
        )

    async def _attempt(self, link: Link, request: Request) -> AsyncGenerator[Delta, None]:
        """One exchange with one link, and what it says about the link's health."""
        circuit = self._circuits[link.name]
        circuit.begins(self._now())
        try:
            async with aclosing(self._exchange(link, self._asked(link, request))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completed):
                        circuit.succeeded()
                        piece = replace(_with_calls(link, request, piece), cost_usd=link.facts.cost(piece.usage))
                    yield piece
        except ProviderError as error:
            if error.kind in PASSED_ON | {"auth", "billing"}:
                circuit.failed(self._now(), error)
            if remedy := remedy_for(error, link.endpoint, link.model):
                raise error.with_remedy(remedy) from None
            raise
        finally:
            circuit.abandoned()

    async def _exchange(self, link: Link, asked: Request) -> AsyncGenerator[Delta, None]:
        # httpx costs 100 ms at start-up: it is loaded when the first request is made.
        from vtcode_tui.llm.exchange import converse
        from vtcode_tui.llm.transport import Transport

        if self._transport is None:
            self._transport = Transport(self._hosts, self._environ)
        limits = self._limits
        if link.endpoint.data_class == "local":
            limits = replace(limits, first_byte=limits.first_byte * _LOCAL_PATIENCE)
        async with aclosing(converse(self._transport, link.endpoint, asked, limits, self._clock)) as sent:
            async for piece in sent:
                yield piece


def _with_calls(link: Link, request: Request, whole: Completed) -> Completed:
    """The answer with the tool calls that a small server let through as text; the vendors' own never do."""
    small = link.endpoint.wire in {"lmstudio", "ollama"} or (
        link.endpoint.wire == "openai-chat" and link.endpoint.data_class != "cloud"
    )
    # A call that was cut off at the length limit may look whole and lack an argument.
    if not small or whole.finish != "stop":
        return whole
    # Its expressions cost at start-up what most sessions never need.
    from vtcode_tui.llm.textual_calls import recovered

    message = recovered(whole.message, request.tools, request.messages)
    return whole if message is whole.message else replace(whole, message=message, finish="tools")
