"""Payloads about acts: what was asked for, decided, approved, contained, run, and what it changed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from vtcode_tui.events.envelope import Frozen, Payload


class ToolRequested(Payload):
    """A tool call as it was asked for, after redaction; durable before anything is done about it."""

    TYPE = "tool.requested"
    DURABLE = True
    tool: str
    arguments: dict[str, Any]
    arguments_sha256: str
    subject_sha256: str
    cwd: str
    source: str = "builtin"


class ToolFinished(Payload):
    """What the model is told about a call."""

    TYPE = "tool.finished"
    tool: str
    status: Literal["ok", "error", "denied", "expired", "unattended", "interrupted", "invalid", "unknown"]
    summary: str
    result: str
    result_sha256: str
    truncated: bool = False
    spool: str = ""
    duration_ms: int = 0


class CheckRecord(Frozen):
    """One question the policy asked and its answer."""

    name: str
    result: Literal["allow", "prompt", "deny", "info"]
    detail: str = ""


class PolicyDecided(Payload):
    """The policy's verdict on a call: the rule that decided and every check made."""

    TYPE = "policy.decided"
    DURABLE = True
    decision: Literal["allow", "prompt", "deny"]
    rule: str
    reason: str
    layer: str = ""
    subject_sha256: str
    policy_sha256: str
    checks: tuple[CheckRecord, ...] = ()
    explanation: dict[str, Any] | None = None


class ApprovalRequested(Payload):
    """Something waits for the human."""

    TYPE = "approval.requested"
    DURABLE = True
    subject_sha256: str
    shown: str
    shown_sha256: str
    risk: str
    reason: str
    options: tuple[str, ...] = ()
    expires_s: float | None = None


class ApprovalGranted(Payload):
    """A human allowed exactly this; `statement` is the signed text, `signature` an armored SSHSIG or empty."""

    TYPE = "approval.granted"
    DURABLE = True
    subject_sha256: str
    shown_sha256: str
    scope: Literal["once", "session", "always"]
    rule: str = ""
    statement: str = ""
    signature: str = ""
    via: str = "tui"
    wait_ms: int = 0


class ApprovalDenied(Payload):
    """A human said no, nobody answered in time, or nobody was there: three different outcomes."""

    TYPE = "approval.denied"
    DURABLE = True
    outcome: Literal["denied", "expired", "unattended", "void"]
    subject_sha256: str
    reason: str = ""
    via: str = "tui"
    wait_ms: int = 0


class SandboxApplied(Payload):
    """What the kernel enforces for a run; `degraded` names what this machine could not give."""

    TYPE = "sandbox.applied"
    DURABLE = True
    tier: str
    profile: str
    profile_sha256: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    network: str = "off"
    hosts: tuple[str, ...] = ()
    limits: dict[str, int] = Field(default_factory=dict)
    landlock_abi: int = 0
    seccomp_sha256: str = ""
    degraded: tuple[str, ...] = ()
    staged: bool = False


class ExecStarted(Payload):
    """A worker or command is about to start under the sandbox that was recorded before it."""

    TYPE = "exec.started"
    DURABLE = True
    argv: tuple[str, ...]
    executable: str
    executable_sha256: str = ""
    cwd: str
    environment_names: tuple[str, ...] = ()
    subject_sha256: str
    sandbox_sha256: str
    pid: int = 0
    terminal: bool = False


class ExecOutput(Payload):
    """A stretch of output; the bytes are in the run's recording at `offset`."""

    TYPE = "exec.output"
    offset: int
    size: int
    sha256: str
    recording: str
    text: str = ""


class ExecFinished(Payload):
    """How a run ended."""

    TYPE = "exec.finished"
    pid: int = 0
    exit_code: int | None
    signal: int | None = None
    duration_ms: int
    cpu_ms: int = 0
    max_rss_kb: int = 0
    output_bytes: int = 0
    output_sha256: str = ""
    limit: str = ""
    killed: str = ""
    survivors: int = 0


class FileChanged(Payload):
    """A file of the workspace (or of the staging layer) is different now."""

    TYPE = "file.changed"
    path: str
    op: Literal["create", "update", "delete", "rename", "mode", "symlink"]
    staged: bool
    before_sha256: str = ""
    after_sha256: str = ""
    mode: int | None = None
    added: int = 0
    removed: int = 0
    renamed_from: str = ""
    runs_by: str = ""
    """Which tool runs or obeys the file by itself later."""
    via: Literal["tool", "exec", "accept", "rollback", "rewind", "fork", "human"] = "tool"
    diff: str = ""
    """Unified diff, redacted, at most 64 KiB; empty for binary files."""


class ChangesReviewed(Payload):
    """The human accepted or discarded the agent's changes; the file.changed events of what was written follow."""

    TYPE = "changes.reviewed"
    DURABLE = True
    decision: Literal["accepted", "discarded"]
    subject_sha256: str
    paths: tuple[str, ...]
    staged: bool = True
    """False: they were real already; accepted is kept, discarded is rolled back."""
    choices: dict[str, str] = Field(default_factory=dict)
    """Of each path that was not taken as a whole: what of it, in words."""
    own: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Of each path with text of the human's own: the SHA-256 of those texts."""


class ChangesFailed(Payload):
    """What the human decided about changes could not be done with these paths; the others are not named."""

    TYPE = "changes.failed"
    decision: Literal["accepted", "discarded", "rewound"]
    subject_sha256: str
    failed: dict[str, str]
    staged: bool = True
    """As in the decision; of going back: whether it concerns the layer and not the real files."""


class NetworkBlocked(Payload):
    """A connection was refused."""

    TYPE = "network.blocked"
    SEVERITY = "medium"
    protocol: str
    host: str
    port: int = 0
    address: str = ""
    layer: Literal["policy", "landlock", "seccomp", "namespace", "proxy"]
    rule: str = ""
    pid: int = 0
    process: str = ""


class NetworkAllowed(Payload):
    """The filtering proxy let a connection through."""

    TYPE = "network.allowed"
    protocol: str
    host: str
    port: int
    address: str = ""
    rule: str = ""


class ViolationDetected(Payload):
    """An attempt at something forbidden; `technique` is an id of MITRE ATT&CK or ATLAS."""

    TYPE = "violation.detected"
    SEVERITY = "high"
    kind: str
    layer: str
    detail: str
    action: Literal["blocked", "rolled-back", "killed", "reported"]
    remedy: str = ""
    technique_framework: str = ""
    technique: str = ""
    technique_name: str = ""
