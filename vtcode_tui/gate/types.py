"""What passes between the gate, the human and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from vtcode_tui.policy.types import Call, Decision, Scope
from vtcode_tui.workspace.changes import ChangeSet


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What the human is shown. `shown` is the exact text, made visible by `render.plain`, that is signed for."""

    call: Call
    decision: Decision
    shown: str
    shown_sha256: str
    subject_sha256: str
    sandbox: tuple[str, ...]
    """What the sandbox will allow, one line each, for the person."""
    requested_ns: int
    scopes: tuple[Scope, ...] = ()
    changes: ChangeSet | None = None
    expires_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came back. Denied, expired and unattended are three different outcomes."""

    outcome: Literal["granted", "denied", "expired", "unattended"]
    shown_sha256: str = ""
    scope: Literal["once", "session", "always"] = "once"
    rule: Scope | None = None
    reason: str = ""
    edited: str | None = None
    """The command as the human changed it; it goes through the whole gate again as the human's."""
    via: str = "tui"


class Approver(Protocol):
    """The only way to answer the gate."""

    async def ask(self, request: ApprovalRequest) -> Verdict:
        """Wait for an answer. Cancelled when the turn is interrupted; an exception counts as no answer."""
        ...


RefusalKind: TypeAlias = Literal["denied", "expired", "unattended", "void", "invalid"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call does not run: what the model is told, and whether asking again could help."""

    kind: RefusalKind
    reason: str
    rule: str = ""
    remedy: str = ""
