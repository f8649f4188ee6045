"""Reads payloads out of events by their type, so that a test names a field and mypy knows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from vtcode_tui.events import Event, Payload

P = TypeVar("P", bound=Payload)


def payloads(events: Iterable[object], kind: type[P]) -> list[P]:
    """What the events of one type say, in their order; anything else is passed over."""
    return [event.data for event in events if isinstance(event, Event) and isinstance(event.data, kind)]


def by_call(events: Iterable[object], kind: type[P]) -> dict[str, P]:
    """The last payload of one type of each call."""
    return {
        str(event.call): event.data
        for event in events
        if isinstance(event, Event) and isinstance(event.data, kind) and event.call
    }
