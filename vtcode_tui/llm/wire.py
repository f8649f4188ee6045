"""What a wire is: it composes a request and reads the events of the answer. Sockets are `transport`'s."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from vtcode_tui.llm.assembly import Assembly
from vtcode_tui.llm.endpoint import Endpoint
from vtcode_tui.llm.framing import Framing
from vtcode_tui.llm.messages import Image, Message, Request


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP POST, ready to be sent; its headers hold the key, so that repr leaves them out."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any]


class Reader(Protocol):
    """Reads the events of one answer into an assembly; `ended` once the wire's terminal event was there."""

    ended: bool

    def read(self, event: object, into: Assembly) -> None:
        """Take one decoded event. Raises WireError for an error event or one that breaks the wire's rules."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """One vendor's language."""

    compose: Callable[[Request, Endpoint], Outgoing]
    reader: Callable[[], Reader]
    framing: Callable[[], Framing]


def joined(base: str, path: str, *, version: str = "") -> str:
    """The URL of a path below a base address, with the wire's version put in where the base has none."""
    base = base.rstrip("/")
    if version and not base.endswith(f"/{version}"):
        base = f"{base}/{version}"
    return f"{base}/{path}"


def with_headers(endpoint: Endpoint, **own: str) -> dict[str, str]:
    """The wire's own headers and then those of the settings, which win. `_` stands for `-` in a name."""
    headers = {name.replace("_", "-"): value for name, value in own.items() if value}
    headers.update({name.lower(): value.reveal() for name, value in endpoint.headers.items()})
    return headers


def bearer(endpoint: Endpoint) -> str:
    """The Authorization header's value, empty without a key."""
    return f"Bearer {endpoint.key.reveal()}" if endpoint.key else ""


def base64_of(image: Image) -> str:
    """A picture's bytes in base64."""
    return base64.b64encode(image.data).decode("ascii")


def data_url(image: Image) -> str:
    """A picture as a data: URL."""
    return f"data:{image.media_type};base64,{base64_of(image)}"


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def compact(value: object) -> str:
    """JSON without blanks; characters stay as they are."""
    return _COMPACT.encode(value)


def by_role(messages: Iterable[Message]) -> list[Message]:
    """The messages with neighbours of one role made one: three of the wires refuse two in a row."""
    return [
        Message(role, tuple(part for message in group for part in message.parts))
        for role, group in groupby(messages, key=lambda message: message.role)
    ]
