"""What was kept elsewhere: anchors of the root log, time stamps, and copies of events that an exporter took."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import re2

from vtcode_tui.events.timestamps import Stamp

_NATIVE = '{"v":1,"seq":'
# Evidence may have been prepared for whoever reads it: this expression takes time linear in the line.
_CEF = re2.compile(r" cs1=([0-9A-Za-z._-]{1,80}) cs2Label=.* cs4=([0-9a-f]{64}) cn1Label=seq cn1=(\d{1,12})(?: |$)")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Texts with anchors or exported events in them, and RFC 3161 tokens; `given` when somebody asked for them."""

    text: str = ""
    given: bool = False
    stamps: tuple[Stamp, ...] = ()
    _states: dict[str, dict[tuple[int, str], None]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for line in self.text.splitlines():
            for session, size, head in _states_of(line):
                self._states.setdefault(session, {})[size, head] = None

    def exported(self, session: str) -> list[tuple[int, str]]:
        """States of a session's journal, (number of events, digest of the last), that exported events name."""
        return list(self._states.get(session, ()))


def _states_of(line: str) -> Iterator[tuple[str, int, str]]:
    """What a line of an export says: the state before its event and, where the raw line is kept, after it."""
    if "CEF:0|" in line:
        # Nothing in a value can look like a field: there, equals signs are escaped.
        if found := _CEF.search(line):
            yield found[1], int(found[3]), found[2]
        return
    at = line.find(_NATIVE)
    if at >= 0:
        # Inside a text of JSON or of structured data its quotes would be escaped: this is an event itself.
        try:
            _, end = _DECODER.raw_decode(line, at)
        except (ValueError, RecursionError):
            return
        yield from _state_of(line[at:end])
    elif '\\"seq\\":' in line and "{" in line:
        try:
            value = json.loads(line[line.index("{") :])
        except (ValueError, RecursionError):
            return
        for raw in _carried(value):
            yield from _state_of(raw)


def _state_of(raw: str) -> Iterator[tuple[str, int, str]]:
    try:
        event = json.loads(raw)
        session, seq, prev = event["session"], event["seq"], event["prev"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(session, str) and type(seq) is int and isinstance(prev, str):
        yield session, seq, prev
        yield session, seq + 1, hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def _carried(value: Any) -> Iterator[str]:
    """The native lines in an event of OCSF or ECS, or in a request of OTLP."""
    if not isinstance(value, dict):
        return
    event = value.get("event")
    for raw in (value.get("raw_data"), event.get("original") if isinstance(event, dict) else None):
        if isinstance(raw, str):
            yield raw
    for resource in _list(value.get("resourceLogs")):
        for scope in _list(resource.get("scopeLogs")):
            for record in _list(scope.get("logRecords")):
                body = record.get("body")
                if isinstance(body, dict) and isinstance(body.get("stringValue"), str):
                    yield body["stringValue"]


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
