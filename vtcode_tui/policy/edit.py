"""Writes a rule into the user's own tool-policy.json, atomically."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vtcode_tui.common.home import Home


def write_rule(home: Home, rule: Mapping[str, Any]) -> None:
    """Add a command rule (the form that `Scope.rule` has)."""
    raise NotImplementedError
