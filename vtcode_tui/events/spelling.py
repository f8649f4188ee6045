r"""A line of a journal as vtcode spells it: whatever else says the same is not ours.

    {"v":1,"seq":4,"id":"...","time":"...","mono_ns":85,"type":"exec.started","severity":"info","outcome":"success",
    "session":"...","turn":1,"call":"c","parent":null,"actor":{"kind":"system","id":"vtcode","auth":null},"data":
    {...}
    ,"prev":"..."}\n

The second of these rows, the frame, is the same in neighbouring lines and looked at once for all of them, because
`audit verify` pays for a line what its reading costs.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import from_json

from vtcode_tui.events.lines import GENESIS

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BEGINNING = re.compile(
    rb'\{"v":\d++,"seq":(\d{1,18}+),"id":"[^"]*+","time":"([^"]*+)","mono_ns":(\d{1,20}+),'
    rb'"type":"([a-z_.]++)","severity":"[a-z]++","outcome":"[a-z]++",'
)
beginning = _BEGINNING.match
"""Finds `seq`, time of day, monotonic clock and type; a backslash in what it finds is not ours either."""
_FRAME = re.compile(
    rb'"session":(%b),"turn":-?\d++,"call":(null|%b),"parent":(?:null|%b),'
    rb'"actor":\{"kind":"([a-z]++)","id":%b,"auth":(null|"[a-z-]++")\},"data":\{' % ((_TEXT,) * 4)
)
_FRAME_ENDS = b',"data":{'
"""Stands in a frame once: a quotation mark within a text has a backslash before it."""
_BEHIND = len(',"prev":""}\n') + len(GENESIS)
_REMEMBERED = 64


class Around(NamedTuple):
    """What a frame says; `call` is empty where there is none."""

    session: str
    call: str
    actor: str
    auth: str | None


Frame: TypeAlias = tuple[bytes, bytes, Around | None]
"""A frame, its session as it is spelled, and what it says, None where that is no JSON."""
NOT_ONE: Frame = (b"", b"", None)
BEFORE: Frame = (b"\0", b"", None)
"""What stands in no line: the frame before the first."""


class Frames:
    """Reads the frames of a session's lines. Remembers a few."""

    def __init__(self) -> None:
        self._known: dict[bytes, Frame] = {}

    def at(self, line: bytes, start: int) -> Frame:
        """The frame that begins there; NOT_ONE where there is none."""
        text = line[start : line.find(_FRAME_ENDS, start) + len(_FRAME_ENDS)]
        if (known := self._known.get(text)) is not None:
            return known
        found = _FRAME.fullmatch(text)
        if found is None:
            return NOT_ONE
        if len(self._known) == _REMEMBERED:
            self._known.clear()
        self._known[text] = frame = (text, found[1], _around(*found.groups()))
        return frame


def begins(seq: int, line: bytes) -> bool:
    """True where all before the payload is that event's."""
    found = beginning(line)
    return (
        found is not None
        and int(found[1]) == seq
        and line.find(b"\\", 0, found.end()) < 0
        and Frames().at(line, found.end()) is not NOT_ONE
    )


def _around(session: bytes, call: bytes, actor: bytes, auth: bytes) -> Around | None:
    try:
        its = "" if call == b"null" else str(from_json(call))
        return Around(
            str(from_json(session)), its, actor.decode(), None if auth == b"null" else auth[1:-1].decode()
        )
    except ValueError:
        return None


def payload_of(line: bytes, begins: int) -> dict[str, Any] | None:
    """The payload of a line that ends with its `prev`; None where it is no JSON object."""
    try:
        data = from_json(line[begins:-_BEHIND], cache_strings="keys")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
