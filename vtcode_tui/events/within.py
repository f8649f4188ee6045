"""A bus for what happens inside a call: every event names the one it belongs to, pieces of text stay inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Unpack

from vtcode_tui.events.envelope import Around
from vtcode_tui.events.live import AnswerDiscarded, ContextMeter, Live, ReasoningDelta, TextDelta, TurnState
from vtcode_tui.events.types import Event, Payload

_INNER = (TextDelta, ReasoningDelta, AnswerDiscarded, ContextMeter, TurnState)
"""What is about the conversation of a sub-task, which no screen shows piece by piece."""


class Recorder(Protocol):
    """Where events go; `events.Bus` is one, `Within` another."""

    async def record(
        self,
        payload: Payload,
        *,
        follows: bool = False,
        **around: Unpack[Around],
    ) -> Event:
        """See `Bus.record`."""
        ...

    async def record_all(
        self,
        payloads: Sequence[Payload],
        *,
        follows: bool = False,
        **around: Unpack[Around],
    ) -> list[Event]:
        """See `Bus.record_all`."""
        ...

    def publish(self, live: Live) -> None:
        """See `Bus.publish`."""
        ...


class Within:
    """Records on another bus with `parent`, the id of the event that all of this belongs to."""

    def __init__(self, bus: Recorder, parent: str) -> None:
        self._bus, self._parent = bus, parent

    async def record(
        self,
        payload: Payload,
        *,
        follows: bool = False,
        **around: Unpack[Around],
    ) -> Event:
        """See `Bus.record`."""
        events = await self.record_all((payload,), follows=follows, **around)
        return events[0]

    async def record_all(
        self,
        payloads: Sequence[Payload],
        *,
        follows: bool = False,
        **around: Unpack[Around],
    ) -> list[Event]:
        """See `Bus.record_all`."""
        around["parent"] = around.get("parent") or self._parent
        return await self._bus.record_all(payloads, follows=follows, **around)

    def publish(self, live: Live) -> None:
        """Tell readers, but for what belongs to the inner conversation alone."""
        if not isinstance(live, _INNER):
            self._bus.publish(live)
