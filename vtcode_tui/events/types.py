"""The vocabulary of the program: one envelope, one payload model for each type of event.

The `type` of an event is its payload's `TYPE`. Payloads are facts that have happened; texts in them are redacted
before they are made. Digests are SHA-256 in hexadecimal.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

Severity = Literal["info", "low", "medium", "high", "critical"]
Outcome = Literal["success", "failure", "unknown"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Actor(_Frozen):
    """Who caused an event; `auth` says how a human was identified."""

    kind: Literal["human", "model", "policy", "system", "mcp"]
    id: str
    auth: Literal["os-user", "ssh-key", "sk-touch"] | None = None


SYSTEM = Actor(kind="system", id="vtcode")


class Payload(_Frozen):
    """The `data` of an event. `DURABLE` ones are on disk before the call that records them returns."""

    TYPE: ClassVar[str]
    DURABLE: ClassVar[bool] = False
    SEVERITY: ClassVar[Severity] = "info"


class SessionStarted(Payload):
    """A session opened in a workspace, by whom, under which rules."""

    TYPE = "session.started"
    DURABLE = True
    vtcode: str
    python: str
    kernel: str
    user: str
    uid: int
    host: str
    pid: int
    workspace: str
    trusted: bool
    config_sha256: str
    policy_sha256: str
    tier: str
    model: str = ""
    log_key: str = ""
    root_head: str = ""
    instructions: dict[str, str] = Field(default_factory=dict)
    """AGENTS.md files in force: path below the workspace -> SHA-256."""


class SessionResumed(Payload):
    """This session continues another one, or an earlier run of itself."""

    TYPE = "session.resumed"
    DURABLE = True
    from_session: str
    from_seq: int
    modified: bool = False


class SessionForked(Payload):
    """This session began as a copy of another one up to `from_seq`."""

    TYPE = "session.forked"
    from_session: str
    from_seq: int


class SessionRewound(Payload):
    """Conversation (and files, where a snapshot is named) went back to an earlier event."""

    TYPE = "session.rewound"
    to_seq: int
    snapshot: str = ""


class PromptSubmitted(Payload):
    """The human said something to the agent."""

    TYPE = "prompt.submitted"
    text: str
    sha256: str
    origin: Literal["tui", "exec", "acp", "demo", "queue", "steer"] = "tui"
    attachments: tuple[str, ...] = ()


class ModelRequested(Payload):
    """A request left for a model."""

    TYPE = "model.requested"
    provider: str
    model: str
    endpoint: str
    messages: int
    prefix_sha256: str = ""
    estimated_tokens: int = 0
    attempt: int = 1


class ModelReasoning(Payload):
    """What the model said about why; `visible` is false where only a signature came."""

    TYPE = "model.reasoning"
    text: str
    sha256: str
    visible: bool = True
    signature_sha256: str = ""


class ModelResponded(Payload):
    """A model's message is complete."""

    TYPE = "model.responded"
    provider: str
    model: str
    text: str
    finish: str
    response_id: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    first_byte_ms: int = 0
    duration_ms: int = 0
    cost_usd: float | None = None
    tool_calls: tuple[str, ...] = ()


class ModelFailed(Payload):
    """A request to a model ended without an answer; what the human was told."""

    TYPE = "model.failed"
    SEVERITY = "low"
    provider: str
    model: str
    kind: str
    message: str


class ModelFailover(Payload):
    """Another link of the chain took over."""

    TYPE = "model.failover"
    SEVERITY = "low"
    from_provider: str
    from_model: str
    to_provider: str
    to_model: str
    reason: str
    attempts: int
    dropped: tuple[str, ...] = ()
    partial_output_discarded: bool = False


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


class CheckRecord(_Frozen):
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
    via: Literal["tool", "exec", "accept", "rollback", "human"] = "tool"
    diff: str = ""
    """Unified diff, redacted, at most 64 KiB; empty for binary files."""


class ChangesReviewed(Payload):
    """The human accepted or discarded staged changes; the file.changed events of an acceptance follow."""

    TYPE = "changes.reviewed"
    DURABLE = True
    decision: Literal["accepted", "discarded"]
    subject_sha256: str
    paths: tuple[str, ...]


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


class ContextCompacted(Payload):
    """Older messages were masked or summarised; the full history stays on disk."""

    TYPE = "context.compacted"
    trigger: Literal["manual", "threshold", "provider"]
    method: Literal["mask", "summary"]
    before_tokens: int
    after_tokens: int
    before_messages: int
    after_messages: int
    summary: str = ""


class ConfigChanged(Payload):
    """A setting, a rule, the mode or the trust of the workspace changed while the session ran."""

    TYPE = "config.changed"
    DURABLE = True
    what: str
    before: str = ""
    after: str = ""
    file: str = ""


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


class LogRecovered(Payload):
    """A torn last line of an earlier crash was set aside."""

    TYPE = "log.recovered"
    DURABLE = True
    size: int
    sha256: str
    file: str


class SessionEnded(Payload):
    """The session closed by itself."""

    TYPE = "session.ended"
    DURABLE = True
    reason: str
    turns: int
    tools: int
    denied: int
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    files_changed: int = 0
    exit_code: int = 0


PAYLOADS: dict[str, type[Payload]] = {cls.TYPE: cls for cls in Payload.__subclasses__()}
"""Every type of event by its name."""


class Event(_Frozen):
    """One line of the journal. `prev` is the SHA-256 of the previous line's raw bytes and stands last."""

    v: int = SCHEMA_VERSION
    seq: int
    id: str
    time: str
    mono_ns: int
    type: str
    severity: Severity = "info"
    outcome: Outcome = "success"
    session: str
    turn: int = 0
    call: str | None = None
    parent: str | None = None
    actor: Actor = SYSTEM
    data: Payload
    prev: str
