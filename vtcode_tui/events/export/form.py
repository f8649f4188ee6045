"""What every export has in common, and the two forms that leave events as they are."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from vtcode_tui import __version__
from vtcode_tui.events.lines import event_of, read_lines
from vtcode_tui.events.types import Event, SessionStarted

SEVERITIES = ("info", "low", "medium", "high", "critical")


class Converter(Protocol):
    """Turns the events of one session, in order, into lines of another format."""

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """The lines for one event; none when the format has no place for it."""
        ...

    def finish(self) -> Iterable[str]:
        """The lines that can be written only when the whole session is known."""
        ...


@dataclass(slots=True)
class Scene:
    """What the first event of a session says and every exported one repeats."""

    host: str = ""
    user: str = ""
    uid: int = 0
    workspace: str = ""
    version: str = __version__
    model: str = ""
    pid: int = 0
    kernel: str = ""

    def see(self, event: Event) -> None:
        """Take what a `session.started` says."""
        if isinstance(event.data, SessionStarted):
            data = event.data
            self.host, self.user, self.uid, self.pid = data.host, data.user, data.uid, data.pid
            self.workspace, self.version, self.model, self.kernel = (
                data.workspace,
                data.vtcode,
                data.model,
                data.kernel,
            )

    @property
    def device(self) -> str:
        """The host's name; this one's, when the session does not say."""
        return self.host or socket.gethostname()


def millis(event: Event) -> int:
    """The time of an event in ms since 1970."""
    return round(datetime.fromisoformat(event.time).timestamp() * 1000)


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lean(value: Any) -> Any:
    """The value without empty texts, empty collections and None, at any depth."""
    if isinstance(value, dict):
        return {key: one for key, inner in value.items() if (one := lean(inner)) not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [one for inner in value if (one := lean(inner)) not in (None, "", [], {})]
    return value


class Native:
    """The journal's own lines, byte for byte: the chain stays verifiable wherever they go."""

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """The line."""
        return (raw.decode(),)

    def finish(self) -> Iterable[str]:
        """Nothing."""
        return ()


class Hec:
    """Splunk's HTTP Event Collector: the native event in its envelope."""

    def __init__(self) -> None:
        self._scene = Scene()

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """One event object."""
        self._scene.see(event)
        envelope = compact(
            {
                "time": millis(event) / 1000,
                "host": self._scene.device,
                "source": "vtcode",
                "sourcetype": "vtcode:audit",
                "fields": {"id": event.id, "session": event.session, "type": event.type},
            }
        )
        # The event goes in as it stands in the journal, so that its digest can still be checked.
        return (f'{envelope[:-1]},"event":{raw.decode()}}}',)

    def finish(self) -> Iterable[str]:
        """Nothing."""
        return ()


def export(folder: Path, converter: Converter, *, since: str = "") -> Iterable[str]:
    """The lines of a session's journal in another form; `since` (RFC 3339, UTC) leaves out what is older."""
    for raw in read_lines(folder):
        event = event_of(raw)
        lines = converter.feed(event, raw)
        if event.time >= since:
            yield from lines
    yield from converter.finish()
