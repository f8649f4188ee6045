"""The vocabulary of the program: one envelope, one payload model for each type of event.

The `type` of an event is its payload's `TYPE`. Payloads are facts that have happened; texts in them are redacted
before they are made. Digests are SHA-256 in hexadecimal.
"""

from __future__ import annotations

from vtcode_tui.events.acts import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalRequested,
    ChangesFailed,
    ChangesReviewed,
    CheckRecord,
    ExecFinished,
    ExecOutput,
    ExecStarted,
    FileChanged,
    NetworkAllowed,
    NetworkBlocked,
    PolicyDecided,
    SandboxApplied,
    ToolFinished,
    ToolRequested,
    ViolationDetected,
)
from vtcode_tui.events.envelope import (
    SCHEMA_VERSION,
    SYSTEM,
    Actor,
    Event,
    Outcome,
    Payload,
    Severity,
)
from vtcode_tui.events.records import (
    Checkpoint,
    LogFailed,
    LogRecovered,
    SecretRedacted,
    Unrecognised,
)
from vtcode_tui.events.story import (
    ConfigChanged,
    ContextCompacted,
    ModelFailed,
    ModelFailover,
    ModelPartial,
    ModelReasoning,
    ModelRequested,
    ModelResponded,
    PromptSubmitted,
    SessionEnded,
    SessionForked,
    SessionResumed,
    SessionRewound,
    SessionStarted,
)

__all__ = [
    "PAYLOADS",
    "SCHEMA_VERSION",
    "SYSTEM",
    "Actor",
    "ApprovalDenied",
    "ApprovalGranted",
    "ApprovalRequested",
    "ChangesFailed",
    "ChangesReviewed",
    "CheckRecord",
    "Checkpoint",
    "ConfigChanged",
    "ContextCompacted",
    "Event",
    "ExecFinished",
    "ExecOutput",
    "ExecStarted",
    "FileChanged",
    "LogFailed",
    "LogRecovered",
    "ModelFailed",
    "ModelFailover",
    "ModelPartial",
    "ModelReasoning",
    "ModelRequested",
    "ModelResponded",
    "NetworkAllowed",
    "NetworkBlocked",
    "Outcome",
    "Payload",
    "PolicyDecided",
    "PromptSubmitted",
    "SandboxApplied",
    "SecretRedacted",
    "SessionEnded",
    "SessionForked",
    "SessionResumed",
    "SessionRewound",
    "SessionStarted",
    "Severity",
    "ToolFinished",
    "ToolRequested",
    "Unrecognised",
    "ViolationDetected",
]

PAYLOADS: dict[str, type[Payload]] = {cls.TYPE: cls for cls in Payload.__subclasses__() if cls.TYPE}
"""Every type of event by its name."""
