"""Writes a rule into the user's own tool-policy.json: whole, valid and atomic, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.common.home import Home
from vtcode_tui.common.settings_file import read_settings
from vtcode_tui.policy.file import command_rule
from vtcode_tui.policy.load import read_text
from vtcode_tui.policy.located import LARGEST, load
from vtcode_tui.policy.rules import Origin
from vtcode_tui.policy.types import Mode


def write_rule(home: Home, rule: Mapping[str, Any]) -> Path:
    """Add a command rule in the form that `Scope.rule` has, once; returns the file."""
    command_rule(rule, Origin("user", str(home.policy_file)))
    return _edit(home, lambda table: _add(table.setdefault("commands", []), dict(rule)))


def write_tool_rule(home: Home, tool: str, verdict: Mode) -> Path:
    """Set a tool's verdict in the user's file; returns the file."""
    return _edit(home, lambda table: table.setdefault("policies", {}).__setitem__(tool, verdict))


def _add(rules: list[Any], rule: dict[str, Any]) -> None:
    subject = {k: v for k, v in rule.items() if k not in {"verdict", "why"}}
    for other in rules:
        if isinstance(other, dict) and {k: v for k, v in other.items() if k not in {"verdict", "why"}} == _plain(
            subject
        ):
            other.update(_plain(rule))
            return
    rules.append(_plain(rule))


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in rule.items()}


def _edit(home: Home, change: Any) -> Path:
    path = home.policy_file
    table: Any = {"version": 1}
    raw = read_settings(path, largest=LARGEST)
    if raw is not None:
        read_text(raw, path, "user")
        table = load(raw.decode(), str(path)).value
    if not isinstance(table, dict):
        raise ConfigError("not a JSON object", file=str(path), line=1)
    change(table)
    text = json.dumps(table, indent=2, ensure_ascii=False) + "\n"
    read_text(text.encode(), path, "user")
    write_atomically(path, text)
    return path
