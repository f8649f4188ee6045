"""The execution policy: from a command line to a decision with reasons.

`decide(call, policy, situation)` is pure: it reads path metadata and nothing else, starts nothing, and never raises
for what a model may send. `load_policy` reads the rules, `write_rule` adds one to the user's own file. What a
program's arguments may do is data: one file each in `programs/`, described in `docs/policy.md`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.policy.decision import decide, default_situation
    from vtcode_tui.policy.edit import write_rule
    from vtcode_tui.policy.load import load_policy, policy_schema
    from vtcode_tui.policy.rules import Policy
    from vtcode_tui.policy.situation import Situation
    from vtcode_tui.policy.types import (
        Access,
        Call,
        Check,
        Command,
        Decision,
        FileState,
        Mode,
        Scope,
        strictest,
    )

_HOMES = {
    "decide": "decision",
    "default_situation": "decision",
    "write_rule": "edit",
    "load_policy": "load",
    "policy_schema": "load",
    "Policy": "rules",
    "Situation": "situation",
    "Access": "types",
    "Call": "types",
    "Check": "types",
    "Command": "types",
    "Decision": "types",
    "FileState": "types",
    "Mode": "types",
    "Scope": "types",
    "strictest": "types",
}

__all__ = [
    "Access",
    "Call",
    "Check",
    "Command",
    "Decision",
    "FileState",
    "Mode",
    "Policy",
    "Scope",
    "Situation",
    "decide",
    "default_situation",
    "load_policy",
    "policy_schema",
    "strictest",
    "write_rule",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that reading a decision does not load the parser."""
    if name in _HOMES:
        found = getattr(importlib.import_module(f"vtcode_tui.policy.{_HOMES[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
