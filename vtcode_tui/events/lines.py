"""An event as one line of the journal, and back: UTF-8, no line break inside, `prev` last."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.envelope import SCHEMA_VERSION, quick_event, without_surrogates
from vtcode_tui.events.types import PAYLOADS, SYSTEM, Actor, Event, Payload, Unrecognised

NAME = "journal.jsonl"
"""The file of a journal in its session's folder."""

GENESIS = "0" * 64
"""The `prev` of a journal's first line."""

MOST_TOGETHER = 256
"""So many events at most are written at once."""

MOST_UNSIGNED = 64 + MOST_TOGETHER
"""So many events at most stand between two checkpoints; more without one is a sign of forgery."""

MAXIMUM = 16 << 20
"""The longest line that is written; what is larger belongs into a recording or a spool file."""

_LONGEST = MAXIMUM + (64 << 10)
_AT_ONCE = 64 << 10
"""Bytes that are read at once."""

_quote: Callable[[str], str] = json.encoder.encode_basestring_ascii
_SYSTEM_JSON = '{"kind":"system","id":"vtcode","auth":null}'


class Frame:
    """What the envelopes of a session's events have in common while the turn, call and so on stay the same."""

    def __init__(
        self,
        session: str,
        turn: int,
        call: str | None,
        parent: str | None,
        actor: Actor,
        *,
        version: int = SCHEMA_VERSION,
    ) -> None:
        self.around = (turn, call, parent, actor)
        self._start = f'{{"v":{version},"seq":'
        self._rest = (
            f'","session":{_quote(session)},"turn":{turn},"call":{_text(call)},"parent":{_text(parent)},'
            f'"actor":{_actor(actor)},"data":'
        )

    def line(
        self,
        seq: int,
        ident: str,
        time: str,
        mono_ns: int,
        kind: str,
        severity: str,
        outcome: str,
        payload: Payload,
        prev: str,
    ) -> bytes:
        """The raw bytes of one event, without the line break. Raises JournalError when it is too large."""
        begin = (
            f'{self._start}{seq},"id":"{ident}","time":"{time}","mono_ns":{mono_ns},"type":"{kind}",'
            f'"severity":"{severity}","outcome":"{outcome}{self._rest}'
        )
        raw = b'%b%b,"prev":"%b"}' % (begin.encode(), _data(payload), prev.encode())
        if len(raw) > MAXIMUM:
            raise JournalError(f"an event of type {kind} has {len(raw)} bytes; at most {MAXIMUM} can be recorded")
        return raw


def line_of(event: Event) -> bytes:
    """The raw bytes of an event, without the line break. Raises JournalError when it is too large."""
    frame = Frame(event.session, event.turn, event.call, event.parent, event.actor, version=event.v)
    return frame.line(
        event.seq,
        event.id,
        event.time,
        event.mono_ns,
        event.type,
        event.severity,
        event.outcome,
        event.data,
        event.prev,
    )


def _text(value: str | None) -> str:
    return "null" if value is None else _quote(value)


def _actor(actor: Actor) -> str:
    return _SYSTEM_JSON if actor is SYSTEM else to_json(actor).decode()


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
        return quick_event(value)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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
    file = path / NAME if path.is_dir() else path
    with opened(file) as stream:
        for raw in bounded_lines(stream):
            if raw.endswith(b"\n"):
                yield raw[:-1]


@contextmanager
def opened(file: Path) -> Iterator[BufferedReader[FileIO]]:
    """A file of evidence, for reading. Raises JournalError when it cannot be read, or is a pipe or a device."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with BufferedReader(FileIO(descriptor, "rb"), _AT_ONCE) as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            yield stream
    except OSError as error:
        raise JournalError(f"{file} cannot be read: {error.strerror}") from error


def bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file with their line breaks; one that is longer than any event comes in pieces."""
    return iter(partial(stream.readline, _LONGEST), b"")
