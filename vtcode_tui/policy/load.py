"""Reads the layers of tool-policy.json: shipped < user < managed, and the workspace's, which can only tighten."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vtcode_tui.common.home import MANAGED_FOLDER, Home
from vtcode_tui.policy.rules import Policy


def load_policy(home: Home, root: Path | None, *, managed: Path = MANAGED_FOLDER) -> Policy:
    """Every rule in force; raises ConfigError naming file and line where a file is wrong."""
    return Policy()


def policy_schema() -> Mapping[str, Any]:
    """The JSON Schema of tool-policy.json."""
    return {}
