"""Payloads about the journal itself: checkpoints, recoveries, failures, and what was kept out of it."""

from __future__ import annotations

from typing import Any, Literal

from vtcode_tui.events.envelope import Payload


class SecretRedacted(Payload):
    """A secret was kept out of journal, model and exports; `tokens` correlate equal secrets."""

    TYPE = "secret.redacted"
    SEVERITY = "low"
    where: str
    rules: dict[str, int]
    tokens: tuple[str, ...] = ()


class Checkpoint(Payload):
    """A signed statement about everything before it, as a C2SP signed note."""

    TYPE = "log.checkpoint"
    DURABLE = True
    kind: Literal["batch", "final"]
    size: int
    head: str
    note: str
    root_anchor: str = ""


class LogRecovered(Payload):
    """A torn last line of an earlier crash was set aside."""

    TYPE = "log.recovered"
    DURABLE = True
    size: int
    sha256: str
    file: str


class LogFailed(Payload):
    """The journal could not be written and nothing ran after it; said from the space held back for this."""

    TYPE = "log.failed"
    SEVERITY = "critical"
    DURABLE = True
    reason: str
    errno: int = 0
    lost: str = ""
    """The type of the event that could not be written."""


class Unrecognised(Payload):
    """An event of a type, or with fields, that this version does not know: kept as it was read, never written."""

    TYPE = ""
    raw: dict[str, Any]
