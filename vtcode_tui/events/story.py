"""Payloads that tell the story of a session: who asked, what the model said, what changed about the rules."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vtcode_tui.events.envelope import Payload


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
    root_anchor: str = ""
    instructions: dict[str, str] = Field(default_factory=dict)
    """AGENTS.md files in force: path below the workspace -> SHA-256."""
    prompt_version: str = ""
    """The version of what vtcode itself tells the model about its work."""


class SessionResumed(Payload):
    """This session continues another one, or an earlier run of itself."""

    TYPE = "session.resumed"
    DURABLE = True
    from_session: str
    from_seq: int
    modified: bool = False
    log_key: str = ""
    root_head: str = ""
    root_anchor: str = ""


class SessionForked(Payload):
    """This session began as a copy of another one up to `from_seq`."""

    TYPE = "session.forked"
    from_session: str
    from_seq: int
    data_class: Literal["local", "private", "cloud"] = "local"


class SessionRewound(Payload):
    """Conversation (and files, where a snapshot is named) went back to an earlier event."""

    TYPE = "session.rewound"
    to_seq: int
    """The event of the prompt that is taken back."""
    snapshot: str = ""
    """The digest of the preview that the human saw, where files went back too."""
    turn: int = 0
    messages: int = 0
    """How many messages the model is not given any more."""
    undone: tuple[str, ...] = ()
    """Real files that were brought back."""


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
    purpose: Literal["answer", "summary"] = "answer"
    data_class: Literal["local", "private", "cloud"] = "local"


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
    purpose: Literal["answer", "summary"] = "answer"


class ModelPartial(Payload):
    """What had come of a model's message that was stopped or broke before it was whole."""

    TYPE = "model.partial"
    provider: str
    model: str
    text: str = ""
    reasoning: str = ""
    sha256: str
    reason: str
    kept: bool


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
    exit_code: int | None = None
