"""A bus for what happens inside a call: every event names the one it belongs to, pieces of text stay inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vtcode_tui.events.live import AnswerDiscarded, ContextMeter, Live, ReasoningDelta, TextDelta, TurnState
from vtcode_tui.events.types import SYSTEM, Actor, Event, Outcome, Payload, Severity

_INNER = (TextDelta, ReasoningDelta, AnswerDiscarded, ContextMeter, TurnState)
"""What is about the conversation of a sub-task, which no screen shows piece by piece."""


class Recorder(Protocol):
    """Where events go; `events.Bus` is one, `Within` another."""

    async def record(
        self,
        payload: Payload,
        *,
        turn: int = 0,
        call: str | None = None,
        actor: Actor = SYSTEM,
        severity: Severity | None = None,
        outcome: Outcome = "success",
        parent: str | None = None,
        follows: bool = False,
    ) -> Event:
        """See `Bus.record`."""
        ...

    async def record_all(
        self,
        payloads: Sequence[Payload],
        *,
        turn: int = 0,
        call: str | None = None,
        actor: Actor = SYSTEM,
        severity: Severity | None = None,
        outcome: Outcome = "success",
        parent: str | None = None,
        follows: bool = False,
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
        turn: int = 0,
        call: str | None = None,
        actor: Actor = SYSTEM,
        severity: Severity | None = None,
        outcome: Outcome = "success",
        parent: str | None = None,
        follows: bool = False,
    ) -> Event:
        """See `Bus.record`."""
        events = await self.record_all(
            (payload,),
            turn=turn,
            call=call,
            actor=actor,
            severity=severity,
            outcome=outcome,
            parent=parent,
            follows=follows,
        )
        return events[0]

    async def record_all(
        self,
        payloads: Sequence[Payload],
        *,
        turn: int = 0,
        call: str | None = None,
        actor: Actor = SYSTEM,
        severity: Severity | None = None,
        outcome: Outcome = "success",
        parent: str | None = None,
        follows: bool = False,
    ) -> list[Event]:
        """See `Bus.record_all`."""
        return await self._bus.record_all(
            payloads,
            turn=turn,
            call=call,
            actor=actor,
            severity=severity,
            outcome=outcome,
            parent=parent or self._parent,
            follows=follows,
        )

    def publish(self, live: Live) -> None:
        """Tell readers, but for what belongs to the inner conversation alone."""
        if not isinstance(live, _INNER):
            self._bus.publish(live)
