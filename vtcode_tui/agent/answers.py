"""What a call came to, and how a refusal of the gate reads to the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vtcode_tui.gate.types import Refusal

_STATUS = {"denied": "denied", "expired": "expired", "unattended": "unattended", "void": "error"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to: for the model, and for the record."""

    status: str
    text: str
    summary: str
    data: bool = False
    """The text came out of files or programs: it is marked as untrusted."""
    truncated: bool = False
    spool: str = ""


def refused(refusal: Refusal) -> Answer:
    """What the gate did not let through, with what would change that."""
    parts = (refusal.reason, refusal.remedy)
    text = " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)
    rule = f" (rule: {refusal.rule})" if refusal.rule else ""
    status = _STATUS.get(refusal.kind, "invalid")
    return Answer(status, f"[{refusal.kind}] {text}{rule}", refusal.reason)


def redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """The same JSON-able value with every text in it redacted."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {str(key): redacted(item, redact) for key, item in value.items()}
        case list() | tuple():
            return [redacted(item, redact) for item in value]
        case _:
            return value
