"""vtcode.toml as typed data. Every key here is enforced; a key that is not here is an error.

Order of the layers and the rule that a workspace can only tighten: see `config.layers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Wire = Literal["openai-chat", "openai-responses", "anthropic", "gemini", "ollama", "lmstudio"]


DataClass = Literal["local", "private", "cloud"]
"""Where what is sent ends up: this machine, the person's own network, anywhere else."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Provider(_Table):
    """`[providers.NAME]`: where a model is reached, and the name of the variable that holds the key."""

    wire: Wire = "openai-chat"
    base_url: str = ""
    key_env: str = ""
    models: tuple[str, ...] = ()
    headers: dict[str, str] = Field(default_factory=dict)
    data_class: DataClass = "cloud"
    context_window: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)


class Providers(_Table):
    """`[providers]`: which hosts may be contacted, and a table for each provider under its name."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Provider] = Field(init=False)

    allow: tuple[str, ...] = ()
    """The only hosts (`host` or `host:port`) that may ever be contacted; empty: any that is configured."""

    @property
    def tables(self) -> dict[str, Provider]:
        """The provider of each name."""
        return self.__pydantic_extra__

    @classmethod
    def of(cls, tables: Mapping[str, Provider], allow: tuple[str, ...] = ()) -> Providers:
        """Put together in code what a file writes as `[providers.NAME]` and `providers.allow`."""
        return cls.model_validate({**tables, "allow": allow})


class Link(_Table):
    """`[[model.chain]]`: one link of the failover chain, tried in order."""

    provider: str
    model: str


class Model(_Table):
    """`[model]`: which model answers, and what takes over."""

    provider: str = ""
    name: str = ""
    chain: tuple[Link, ...] = ()
    effort: Literal["none", "low", "medium", "high"] | None = None
    max_output_tokens: int = Field(default=16_384, gt=0)
    context_window: int | None = Field(default=None, gt=0)
    first_byte_seconds: float = Field(default=60.0, gt=0)
    idle_seconds: float = Field(default=90.0, gt=0)
    cross_data_class: bool = False
    """Let private and cloud models take over and go on with what narrower ones have seen; nobody is asked."""
    discover: bool = True
    """Look for LM Studio, Ollama and llama.cpp on their usual loopback ports."""


class Sandbox(_Table):
    """`[sandbox]`: what runs may touch and use up."""

    minimum_tier: Literal["full", "kernel", "seatbelt"] = "kernel"
    allow_unsandboxed: bool = False
    staging: Literal["auto", "off"] = "auto"
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    mask: tuple[str, ...] = (".env", ".env.*", "!.env.example", "!.env.sample", "!.env.template")
    runs_by_itself: tuple[str, ...] = ()
    """More files that some tool runs or obeys unasked, as patterns: named as such in change sets and events."""
    pass_environment: tuple[str, ...] = ()
    pass_secrets: tuple[str, ...] = ()
    debug: bool = False
    """Programs of a run may trace each other."""
    wall_seconds: float = Field(default=600.0, gt=0)
    processes: int = Field(default=1024, gt=0)
    memory_mb: int = Field(default=8192, gt=0)
    file_size_mb: int = Field(default=8192, gt=0)
    disk_mb: int = Field(default=16384, gt=0)
    output_mb: int = Field(default=64, gt=0)


class Approvals(_Table):
    """`[approvals]`: how a human answers."""

    grace_ms: int = Field(default=500, ge=0)
    expire_seconds: float | None = Field(default=None, gt=0)
    signing: Literal["os-user", "ssh-key", "sk-touch"] = "os-user"
    signing_key: str = ""
    require: dict[Literal["low", "medium", "high"], Literal["os-user", "ssh-key", "sk-touch"]] = Field(
        default_factory=dict
    )


class Exporter(_Table):
    """`[[audit.exporters]]`: a live reader behind the journal."""

    kind: Literal["file", "syslog", "otlp", "hec", "elastic"]
    target: str
    format: Literal["jsonl", "ocsf", "ecs", "rfc5424", "cef", "otlp", "hec"] = "jsonl"
    token_env: str = ""
    ca_file: str = ""


class Audit(_Table):
    """`[audit]`: how the evidence is kept."""

    capture: Literal["full", "redacted", "digest"] = "redacted"
    retention_days: int = Field(default=400, ge=1)
    minimum_days: int = Field(default=183, ge=1)
    anchors: tuple[Literal["syslog", "git-note", "rfc3161"], ...] = ("syslog",)
    rfc3161_url: str = ""
    rfc3161_ca: str = ""
    exporters: tuple[Exporter, ...] = ()


class Context(_Table):
    """`[context]`: how the model's window is used."""

    mask_at: Annotated[float, Field(gt=0, lt=1)] = 0.60
    compact_at: Annotated[float, Field(gt=0, lt=1)] = 0.85
    output_head_bytes: int = Field(default=5120, gt=0)
    output_tail_bytes: int = Field(default=5120, gt=0)
    session_token_budget: int | None = Field(default=None, gt=0)
    session_cost_budget_usd: float | None = Field(default=None, gt=0)
    max_turns: int = Field(default=200, gt=0)


class Interface(_Table):
    """`[interface]`: how the screen looks and which keys do what."""

    theme: str = "vtcode-dark"
    vim: bool = False
    mouse: bool = True
    bell: bool = True
    notify: Literal["off", "osc9", "osc777"] = "osc9"
    screen_reader: bool = False
    diff: Literal["auto", "unified", "split"] = "auto"
    keys: dict[str, str] = Field(default_factory=dict)


class Settings(_Table):
    """The whole of vtcode.toml with every layer applied."""

    mode: Literal["build", "plan", "read-only"] = "build"
    model: Model = Model()
    providers: Providers = Providers()
    sandbox: Sandbox = Sandbox()
    approvals: Approvals = Approvals()
    audit: Audit = Audit()
    context: Context = Context()
    interface: Interface = Interface()
