"""An event as one line of the journal, and back: UTF-8, no line break inside, `prev` last."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.envelope import quick_event, without_surrogates
from vtcode_tui.events.types import PAYLOADS, SYSTEM, Actor, Event, Payload, Unrecognised

GENESIS = "0" * 64
"""The `prev` of a journal's first line."""

MAXIMUM = 16 << 20
"""The longest line that is written; what is larger belongs into a recording or a spool file."""

_quote: Callable[[str], str] = json.encoder.encode_basestring_ascii
_SYSTEM_JSON = b'{"kind":"system","id":"vtcode","auth":null}'


def line_of(event: Event) -> bytes:
    """The raw bytes of an event, without the line break. Raises JournalError when it is too large."""
    begin = f'{{"v":{event.v},"seq":{event.seq},"id":"{event.id}","time":"{event.time}","mono_ns":{event.mono_ns},'
    middle = _middle(event.type, event.severity, event.outcome, event.session, event.turn, event.call, event.parent)
    end = f',"prev":"{event.prev}"}}'
    raw = b"".join((begin.encode(), middle, _actor(event.actor), b',"data":', _data(event.data), end.encode()))
    if len(raw) > MAXIMUM:
        raise JournalError(f"an event of type {event.type} has {len(raw)} bytes; at most {MAXIMUM} can be recorded")
    return raw


@lru_cache(512)
def _middle(
    kind: str, severity: str, outcome: str, session: str, turn: int, call: str | None, parent: str | None
) -> bytes:
    """What is the same for many events of a call."""
    return (
        f'"type":"{kind}","severity":"{severity}","outcome":"{outcome}","session":{_quote(session)},"turn":{turn},'
        f'"call":{_text(call)},"parent":{_text(parent)},"actor":'
    ).encode()


def _text(value: str | None) -> str:
    return "null" if value is None else _quote(value)


def _actor(actor: Actor) -> bytes:
    return _SYSTEM_JSON if actor is SYSTEM else to_json(actor)


def _data(payload: Payload) -> bytes:
    if isinstance(payload, Unrecognised):
        return to_json(payload.raw)
    try:
        return payload.__pydantic_serializer__.to_json(payload)
    except PydanticSerializationError:
        # Free-form values (tool arguments) may hold lone surrogates, which pydantic meets only here.
        return json.dumps(without_surrogates(payload.model_dump(mode="python"))).encode()


def parse_line(raw: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises ValueError when it is not one."""
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise ValueError("a line of a journal is a JSON object")
    return value


def event_of(raw: bytes) -> Event:
    """The event of a line; a type or a field that this version does not know becomes `Unrecognised`.

    Raises JournalError when the line is not an event at all.
    """
    try:
        value = parse_line(raw)
        data = value["data"]
        model = PAYLOADS.get(value["type"])
        value["data"] = _payload(model, data)
        actor = value["actor"]
        value["actor"] = (
            SYSTEM if actor == {"kind": "system", "id": "vtcode", "auth": None} else Actor.model_validate(actor)
        )
        if not (
            isinstance(value["seq"], int) and isinstance(value["prev"], str) and isinstance(value["time"], str)
        ):
            raise ValueError("its envelope is wrong")
        if value.keys() != Event.model_fields.keys():
            raise ValueError("its envelope has other fields")
        return quick_event(**value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalError(f"not an event: {raw[:80]!r}: {error}") from error


def _payload(model: type[Payload] | None, data: Any) -> Payload:
    if model is not None:
        try:
            return model.model_validate(data)
        except ValidationError:
            pass
    return Unrecognised(raw=data)


def read_events(path: Path) -> Iterator[Event]:
    """The events of a journal (a file or a session's folder) in order; a torn last line is left out.

    Reads without checking the chain: see `verify`. Raises JournalError at a line that is not an event.
    """
    for raw in read_lines(path):
        yield event_of(raw)


def read_lines(path: Path) -> Iterator[bytes]:
    """The complete raw lines of a journal, without their line breaks."""
    file = path / "journal.jsonl" if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            for raw in stream:
                if raw.endswith(b"\n"):
                    yield raw[:-1]
    except OSError as error:
        raise JournalError(f"{file} cannot be read: {error.strerror}") from error
