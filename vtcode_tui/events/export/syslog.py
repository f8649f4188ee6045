"""RFC 5424 and CEF: one line per event; the message of the first is the journal's own line, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vtcode_tui.events import types as t
from vtcode_tui.events.export.form import SEVERITIES, Scene, millis
from vtcode_tui.events.timeline import what
from vtcode_tui.events.types import Event

_AUDIT = 13
"""The facility "log audit"."""
_LEVELS = {"info": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_ID = "vtcode@32473"


class Rfc5424:
    """No byte order mark before the message: receivers that parse it as JSON fail on one."""

    def __init__(self) -> None:
        self._scene = Scene()

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """The line."""
        self._scene.see(event)
        priority = _AUDIT * 8 + _LEVELS[event.severity]
        pairs = {
            "id": event.id,
            "seq": str(event.seq),
            "session": event.session,
            "call": event.call or "",
            "actor": f"{event.actor.kind}:{event.actor.id}",
            "outcome": event.outcome,
        }
        data = " ".join(f'{key}="{_quoted(value)}"' for key, value in pairs.items() if value)
        head = f"<{priority}>1 {event.time} {_word(self._scene.device, 255)} vtcode {self._scene.pid or '-'}"
        return (f"{head} {_word(event.type, 32)} [{_ID} {data}] {raw.decode()}",)

    def finish(self) -> Iterable[str]:
        """Nothing."""
        return ()


def _quoted(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", value).replace("\n", " ")


def _word(value: str, longest: int) -> str:
    return "".join(letter for letter in value if "!" <= letter <= "~")[:longest] or "-"


class Cef:
    """ArcSight's Common Event Format, version 0."""

    def __init__(self) -> None:
        self._scene = Scene()

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """The line."""
        self._scene.see(event)
        severity = (1, 3, 5, 8, 10)[SEVERITIES.index(event.severity)]
        extension = {
            "rt": str(millis(event)),
            "externalId": event.id,
            "dvchost": self._scene.device,
            "suser": self._scene.user,
            "outcome": event.outcome,
            "act": event.type,
            "msg": what(event),
            "cs1Label": "session",
            "cs1": event.session,
            "cs2Label": "actor",
            "cs2": f"{event.actor.kind}:{event.actor.id}",
            "cs3Label": "call",
            "cs3": event.call or "",
            "cs4Label": "prev",
            "cs4": event.prev,
            "cn1Label": "seq",
            "cn1": str(event.seq),
            **_of(event.data),
        }
        pairs = " ".join(f"{key}={_value(value)}" for key, value in extension.items() if value)
        head = "|".join(map(_header, ("vtcode", "vtcode", self._scene.version, event.type, event.type)))
        return (f"CEF:0|{head}|{severity}|{pairs}",)

    def finish(self) -> Iterable[str]:
        """Nothing."""
        return ()


def _of(data: t.Payload) -> dict[str, str]:
    match data:
        case t.ExecStarted():
            return {"dproc": data.executable, "dpid": str(data.pid or ""), "fileHash": data.executable_sha256}
        case t.FileChanged():
            return {"filePath": data.path, "oldFileHash": data.before_sha256, "fileHash": data.after_sha256}
        case t.NetworkBlocked() | t.NetworkAllowed():
            return {"dhost": data.host, "dpt": str(data.port or ""), "proto": data.protocol.upper()}
        case t.SessionStarted() | t.SessionResumed() | t.Checkpoint() if data.root_anchor:
            return {"cs6Label": "rootAnchor", "cs6": data.root_anchor}
        case t.PolicyDecided():
            return {"reason": data.reason, "cs5Label": "rule", "cs5": data.rule}
        case _:
            return {}


def _header(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _value(value: str) -> str:
    return value.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "\\r").replace("\n", "\\n")
