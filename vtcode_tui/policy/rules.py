"""The rules that people write: what they match, where they come from, and a policy made of them.

Deny beats prompt beats allow, whatever the order. A rule that a person wrote replaces the shipped default of a tool
and settles what the policy would ask about; it never loosens a firm finding (credentials, privilege, vtcode's own).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias

from vtcode_tui.policy.types import STRICTNESS, Mode

Layer: TypeAlias = Literal["built-in", "shipped", "user", "managed", "workspace", "session"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which layer, file and line a rule comes from."""

    layer: Layer
    file: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """The origin in the form that editors jump to."""
        return f"{self.file}:{self.line}" if self.file else self.layer


@dataclass(frozen=True, slots=True)
class ToolRule:
    """A verdict on a tool by its name (a pattern)."""

    tool: str
    verdict: Mode
    origin: Origin
    why: str = ""


@dataclass(frozen=True, slots=True)
class CommandRule:
    """A verdict on a command by its words, or on a whole shell text.

    `extent`: `exact` (these words and no others), `files` (`{file}` stands for one file of the workspace, `{files}`
    at the end for any number), `described` (these words begin it, and everything after them is described as safe).
    """

    command: tuple[str, ...]
    verdict: Mode
    origin: Origin
    extent: Literal["exact", "files", "described", "prefix"] = "exact"
    text: str = ""
    workspace: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class PathRule:
    """A verdict on reading and one on writing, for paths below the root (a gitignore-style pattern)."""

    pattern: str
    read: Mode | None
    write: Mode | None
    origin: Origin
    why: str = ""

    def verdict_for(self, relative: str, use: str) -> Mode | None:
        """What this rule says about a use of a path, or None."""
        verdict = self.write if use in {"write", "delete"} else self.read if use in {"read", "run"} else None
        if verdict is None:
            return None
        from vtcode_tui.policy.paths import matches

        return verdict if matches((self.pattern,), relative) else None


@dataclass(frozen=True, slots=True)
class HostRule:
    """A verdict on contacting a host (`*.example.org` covers every name below it)."""

    host: str
    verdict: Mode
    origin: Origin
    why: str = ""

    def matches(self, host: str) -> bool:
        """Whether a host, with or without a port, is meant."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return fnmatchcase(host.casefold(), self.host.casefold()) or fnmatchcase(
            name.casefold(), self.host.casefold()
        )


@dataclass(frozen=True, slots=True)
class McpRule:
    """A verdict on an MCP server's tool (both are patterns)."""

    server: str
    tool: str
    verdict: Mode
    origin: Origin


Rule: TypeAlias = ToolRule | CommandRule | PathRule | HostRule | McpRule


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a rule file that its author should know; loading went on."""

    message: str
    origin: Origin

    def __str__(self) -> str:
        return f"{self.origin.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Every rule in force. Immutable; `with_rules` makes another one."""

    tools: tuple[ToolRule, ...] = ()
    commands: tuple[CommandRule, ...] = ()
    paths: tuple[PathRule, ...] = ()
    hosts: tuple[HostRule, ...] = ()
    mcp: tuple[McpRule, ...] = ()
    notices: tuple[Notice, ...] = field(default=(), compare=False)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All of them, for showing."""
        return (*self.tools, *self.commands, *self.paths, *self.hosts, *self.mcp)

    @property
    def sha256(self) -> str:
        """The digest of the rules, independent of their order."""
        lines = sorted(json.dumps([type(r).__name__, asdict(r)], sort_keys=True) for r in self.rules)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def with_rules(self, extra: Iterable[Mapping[str, Any]], *, layer: Layer = "session") -> Policy:
        """This policy and more rules in the form that `Scope.rule` has; raises ConfigError for a malformed one."""
        from vtcode_tui.policy.file import command_rule

        added = tuple(command_rule(rule, Origin(layer)) for rule in extra)
        return replace(self, commands=(*self.commands, *added))

    def tool(self, name: str) -> ToolRule | None:
        """The rule that decides on a tool: the strictest that people wrote, else the strictest that is shipped."""
        found = [
            r for r in self.tools if r.tool == name or (not r.tool.isidentifier() and fnmatchcase(name, r.tool))
        ]
        written = [r for r in found if r.origin.layer != "shipped"]
        return strictest_rule(written or found)


def strictest_rule(rules: Sequence[ToolRule]) -> ToolRule | None:
    """Of several rules on the same tool, the one that wins."""
    return max(rules, key=lambda r: STRICTNESS[r.verdict], default=None)


def strictest_command(rules: Sequence[CommandRule]) -> CommandRule | None:
    """Of several rules on the same command, the one that wins."""
    return max(rules, key=lambda r: STRICTNESS[r.verdict], default=None)
