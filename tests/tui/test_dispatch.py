"""Every type of event is told, and what is told reaches its pane."""

from __future__ import annotations

from vtcode_tui.events.types import PAYLOADS, Unrecognised
from vtcode_tui.tui.dispatch import TELLERS


def test_every_type_of_event_is_told() -> None:
    assert set(TELLERS) == {*PAYLOADS.values(), Unrecognised}
