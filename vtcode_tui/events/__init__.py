"""Everything that happens: event types, the bus, the journal, its verification, redaction and export.

`Bus(journal).record(payload, ...)` writes first and tells the readers then; `Journal` is the file of one session.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.events.anchoring import Anchoring
    from vtcode_tui.events.bus import Bus, Reader
    from vtcode_tui.events.export.live import Shipping
    from vtcode_tui.events.journal import Journal
    from vtcode_tui.events.lines import event_of, line_of, read_events
    from vtcode_tui.events.places import locate, session_folder, session_folders
    from vtcode_tui.events.redaction import Redacted, Redactor, redaction_key
    from vtcode_tui.events.redaction_stream import RedactingStream, RedactingText
    from vtcode_tui.events.types import SYSTEM, Actor, Event, Payload
    from vtcode_tui.events.verdict import Report, verify, verify_all

__all__ = [
    "SYSTEM",
    "Actor",
    "Anchoring",
    "Bus",
    "Event",
    "Journal",
    "Payload",
    "Reader",
    "Redacted",
    "RedactingStream",
    "RedactingText",
    "Redactor",
    "Report",
    "Shipping",
    "event_of",
    "line_of",
    "locate",
    "read_events",
    "redaction_key",
    "session_folder",
    "session_folders",
    "verify",
    "verify_all",
]

_PLACES = {
    "SYSTEM": "types",
    "Actor": "types",
    "Bus": "bus",
    "Event": "types",
    "Journal": "journal",
    "Payload": "types",
    "Reader": "bus",
    "RedactingStream": "redaction_stream",
    "RedactingText": "redaction_stream",
    "Redacted": "redaction",
    "Redactor": "redaction",
    "event_of": "lines",
    "line_of": "lines",
    "locate": "places",
    "read_events": "lines",
    "redaction_key": "redaction",
    "Anchoring": "anchoring",
    "Shipping": "export.live",
    "session_folder": "places",
    "session_folders": "places",
    "Report": "verdict",
    "verify": "verdict",
    "verify_all": "verdict",
}


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(importlib.import_module(f"vtcode_tui.events.{_PLACES[name]}"), name)
    raise AttributeError(name)
