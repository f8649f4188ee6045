"""tool-policy.json as typed data: what may stand in it, and the rules that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.policy.located import Located
from vtcode_tui.policy.rules import CommandRule, HostRule, McpRule, Notice, Origin, PathRule, Rule, ToolRule
from vtcode_tui.policy.tools import ALIASES, unknown_tool
from vtcode_tui.policy.types import Mode

Text = Annotated[str, Field(min_length=1, max_length=100_000)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CommandEntry(_Table):
    """A verdict on a command: its words, or a whole shell text."""

    command: tuple[Text, ...] = Field(default=(), max_length=1000)
    text: str = Field(default="", max_length=100_000)
    extent: Literal["exact", "files", "described", "prefix"] = "exact"
    verdict: Mode = "allow"
    workspace: str = ""
    why: str = ""

    @model_validator(mode="after")
    def _one_form(self) -> CommandEntry:
        if bool(self.command) == bool(self.text):
            raise ValueError("give either `command` (a list of words) or `text` (shell text)")
        if self.text and self.extent != "exact":
            raise ValueError("a shell text can only be matched exactly")
        if self.extent == "prefix" and self.verdict == "allow":
            raise ValueError("`prefix` also covers arguments that nobody has looked at: it can only prompt or deny")
        return self


class PathEntry(_Table):
    """Verdicts on paths below the workspace's root (a gitignore-style pattern)."""

    pattern: Text
    read: Mode | None = None
    write: Mode | None = None
    why: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> PathEntry:
        if self.read is None and self.write is None:
            raise ValueError("give `read`, `write` or both a verdict")
        return self


class HostEntry(_Table):
    """A verdict on contacting a host."""

    host: Text
    verdict: Mode
    why: str = ""

    @model_validator(mode="after")
    def _is_a_host(self) -> HostEntry:
        if "/" in self.host or "@" in self.host or any(c.isspace() for c in self.host):
            raise ValueError("a host is a name such as api.example.com or *.example.com, without scheme and path")
        return self


class Provider(_Table):
    """An MCP server: a verdict for all of its tools, and for some by name."""

    default: Mode | None = None
    tools: dict[str, Mode] | tuple[str, ...] | None = None
    resources: Any = None
    prompts: Any = None
    logging: Any = None
    configuration: Any = None


class AllowList(_Table):
    """The original program's list of what MCP servers may offer."""

    enforce: bool = False
    default: Provider | None = None
    providers: dict[str, Provider] = Field(default_factory=dict)


class Mcp(_Table):
    """Rules on MCP servers."""

    providers: dict[str, Provider] = Field(default_factory=dict)
    allowlist: AllowList | None = None


class PolicyFile(_Table):
    """tool-policy.json: who may do what without asking, and what nobody may do."""

    schema_: str | None = Field(default=None, alias="$schema")
    version: Literal[1] = 1
    policies: dict[str, Mode] = Field(default_factory=dict)
    commands: tuple[CommandEntry, ...] = ()
    paths: tuple[PathEntry, ...] = ()
    network: tuple[HostEntry, ...] = ()
    mcp: Mcp = Mcp()
    available_tools: tuple[str, ...] = ()
    constraints: dict[str, Any] = Field(default_factory=dict)
    approval_cache: dict[str, Any] = Field(default_factory=dict)
    default: dict[str, Any] | None = None
    tools: dict[str, dict[str, Any]] = Field(default_factory=dict)


LEGACY = ("available_tools", "constraints", "approval_cache", "default", "tools")


def parse(located: Located, file: str) -> PolicyFile:
    """Validate a file's content; raises ConfigError naming the line, the key and the nearest known key."""
    try:
        return PolicyFile.model_validate(located.value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place: tuple[str | int, ...] = first["loc"]
        message = _plainly(first["msg"])
        if first["type"] == "extra_forbidden":
            key = str(place[-1])
            close = get_close_matches(key, _known_keys(place[:-1]), 1)
            message = f"unknown key {key!r}" + (f": did you mean {close[0]!r}?" if close else "")
        else:
            message = f"{'.'.join(map(str, place)) or 'the file'}: {message}"
        raise ConfigError(message, file=file, line=located.line(place), key=".".join(map(str, place))) from None


def _plainly(message: str) -> str:
    """What pydantic says of a value, in the words of somebody who writes JSON."""
    message = message.removeprefix("Value error, ").replace("Input should be", "should be")
    message = re.sub(r"a valid dictionary( or instance of \w+)?", "a table in braces", message)
    return message.replace("a valid tuple", "a list in brackets").replace("a valid string", "a text in quotes")


def _known_keys(place: tuple[str | int, ...]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "commands": CommandEntry,
        "paths": PathEntry,
        "network": HostEntry,
        "mcp": Mcp,
    }
    table = tables.get(str(place[0]), PolicyFile) if place else PolicyFile
    return list(table.model_fields)


def rules_of(content: PolicyFile, located: Located, origin: Origin) -> Iterator[Rule]:
    """Every rule of a file with the line it stands on."""

    def at(*path: str | int) -> Origin:
        return Origin(origin.layer, origin.file, located.line(path))

    for tool, verdict in content.policies.items():
        yield ToolRule(ALIASES.get(tool, tool), verdict, at("policies", tool))
    for tool, table in content.tools.items():
        if "allow" in table:
            yield ToolRule(
                ALIASES.get(tool, tool), "allow" if table["allow"] is True else "deny", at("tools", tool)
            )
    for number, entry in enumerate(content.commands):
        yield CommandRule(
            entry.command,
            entry.verdict,
            at("commands", number),
            entry.extent,
            entry.text,
            entry.workspace,
            entry.why,
        )
    for number, path in enumerate(content.paths):
        yield PathRule(path.pattern, path.read, path.write, at("paths", number), path.why)
    for number, host in enumerate(content.network):
        yield HostRule(host.host, host.verdict, at("network", number), host.why)
    yield from _mcp_rules(content.mcp, at("mcp"))


def _mcp_rules(mcp: Mcp, origin: Origin) -> Iterator[McpRule]:
    for server, provider in mcp.providers.items():
        if provider.default is not None:
            yield McpRule(server, "*", provider.default, origin)
        if isinstance(provider.tools, Mapping):
            for tool, verdict in provider.tools.items():
                yield McpRule(server, tool, verdict, origin)
    if mcp.allowlist is not None and mcp.allowlist.enforce:
        for server, provider in mcp.allowlist.providers.items():
            for tool in provider.tools or ():
                yield McpRule(server, tool, "prompt", origin)
        yield McpRule("*", "*", "deny", origin)


def notices_of(content: PolicyFile, located: Located, origin: Origin) -> Iterator[Notice]:
    """What the author of a file should know: legacy keys, rules that contradict each other or never decide."""

    def at(*path: str | int) -> Origin:
        return Origin(origin.layer, origin.file, located.line(path))

    for key in LEGACY:
        if getattr(content, key):
            yield Notice(f"{key!r} is the original program's and grants nothing here", at(key))
    for key, names in (("policies", content.policies), ("tools", content.tools)):
        for tool in names:
            if said := unknown_tool(tool):
                yield Notice(said, at(key, tool))
    yield from _overlaps(
        [(e.command or (e.text,), e.extent, e.workspace, e.verdict) for e in content.commands], "commands", at
    )
    yield from _overlaps([((p.pattern,), "", "", f"{p.read}/{p.write}") for p in content.paths], "paths", at)
    yield from _overlaps([((h.host.casefold(),), "", "", h.verdict) for h in content.network], "network", at)


def _overlaps(keys: list[tuple[tuple[str, ...], str, str, str]], name: str, at: Any) -> Iterator[Notice]:
    seen: dict[tuple[tuple[str, ...], str, str], tuple[int, str]] = {}
    for number, (words, extent, where, verdict) in enumerate(keys):
        key = (words, extent, where)
        if key in seen:
            line = at(name, seen[key][0]).line
            kind = (
                "the same rule stands"
                if seen[key][1] == verdict
                else "a contradicting rule (the stricter one wins) stands"
            )
            yield Notice(f"{kind} on line {line} already", at(name, number))
        else:
            seen[key] = (number, verdict)


def command_rule(rule: Mapping[str, Any], origin: Origin) -> CommandRule:
    """A command rule from its plain form (`Scope.rule`); raises ConfigError for a malformed one."""
    try:
        entry = CommandEntry.model_validate(dict(rule))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "a command rule"
        raise ConfigError(f"{where}: {_plainly(first['msg'])}", file=origin.file, line=origin.line) from None
    return CommandRule(entry.command, entry.verdict, origin, entry.extent, entry.text, entry.workspace, entry.why)
