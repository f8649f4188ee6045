"""tool-policy.json as typed data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.policy.rules import CommandRule, Origin

_KEYS = frozenset({"command", "text", "extent", "verdict", "workspace", "why"})


def command_rule(rule: Mapping[str, Any], origin: Origin) -> CommandRule:
    """A command rule from its plain form; raises ConfigError for a malformed one."""
    if unknown := sorted(rule.keys() - _KEYS):
        raise ConfigError(f"a command rule has no key {unknown[0]}", file=origin.file, line=origin.line)
    command = tuple(str(w) for w in rule.get("command", ()))
    text = str(rule.get("text", ""))
    if bool(command) == bool(text):
        raise ConfigError("a command rule has either `command` (words) or `text` (shell text)")
    extent = rule.get("extent", "exact")
    if extent not in {"exact", "files", "described", "prefix"}:
        raise ConfigError(f"extent is exact, files, described or prefix, not {extent}")
    verdict = rule.get("verdict", "allow")
    if verdict not in {"allow", "prompt", "deny"}:
        raise ConfigError(f"a verdict is allow, prompt or deny, not {verdict}")
    return CommandRule(command, verdict, origin, extent, text, str(rule.get("workspace", "")), str(rule.get("why", "")))
