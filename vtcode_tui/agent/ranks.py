"""Where each call of a message stands: what runs after what, and in which order the person hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from vtcode_tui.gate.plan import Order


@dataclass(frozen=True, slots=True)
class Rank:
    """Where one call stands among those that came with it."""

    before: Sequence[asyncio.Event] = ()
    """The ends of those that it runs after."""
    heralds: Sequence[asyncio.Event] = ()
    """Those that are told of before it is."""
    order: Order = field(default_factory=Order)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self) -> None:
        """Nobody waits for this call any more."""
        for event in (self.told, self.order.asked, self.over):
            event.set()


@dataclass(slots=True)
class Ranks:
    """Gives the calls of a message their ranks, in the order in which they were written.

    Those that only look run side by side, those that write run one at a time, after all before them. What waits
    for the end of another call holds up nobody's telling: it is told of when its turn comes.
    """

    _writing: list[asyncio.Event] = field(default_factory=list)
    _looking: list[asyncio.Event] = field(default_factory=list)
    _told: list[asyncio.Event] = field(default_factory=list)
    _asked: list[asyncio.Event] = field(default_factory=list)

    def next(self, *, writes: bool, command: bool) -> Rank:
        """The rank of the next call; a `command` is planned, and asked about, while others still run."""
        before = (*self._writing, *self._looking) if writes else tuple(self._writing)
        rank = Rank(before, tuple(self._told), Order(tuple(self._asked)))
        if command:
            self._asked.append(rank.order.asked)
        if command or not before:
            self._told.append(rank.told)
        if writes:
            self._writing, self._looking = [rank.over], []
        else:
            self._looking.append(rank.over)
        return rank
