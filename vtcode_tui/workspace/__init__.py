"""The workspace: trust, the path jail, protected paths, the staging layer and its change sets.

    Workspace(root, protect=, mask=, upper=)   resolve, state, is_protected, is_masked, is_own     jail
    trust_of, grant_trust, revoke_trust        whether tools may run in a folder                   trust
    Layer(lower, folder), marked               the staging layer: arguments for the workers         layer
    left_staged, staged_then, remove_layer     what a session that is over has left of it            layer

Functions that write files of a workspace are workers (`edits`, `staging`): they run inside the sandbox, never in
the main process. Names are loaded when they are first asked for, because workers import this package too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.workspace.jail import Workspace
    from vtcode_tui.workspace.layer import Layer, left_staged, marked, remove_layer, staged_then
    from vtcode_tui.workspace.trust import (
        Influence,
        Trust,
        grant_trust,
        influencing,
        keep_apart,
        revoke_trust,
        trust_of,
    )

__all__ = [
    "Influence",
    "Layer",
    "Trust",
    "Workspace",
    "grant_trust",
    "influencing",
    "keep_apart",
    "left_staged",
    "marked",
    "remove_layer",
    "revoke_trust",
    "staged_then",
    "trust_of",
]

_HOMES = {
    "Workspace": "jail",
    "Layer": "layer",
    "left_staged": "layer",
    "marked": "layer",
    "remove_layer": "layer",
    "staged_then": "layer",
    "Influence": "trust",
    "Trust": "trust",
    "grant_trust": "trust",
    "influencing": "trust",
    "keep_apart": "trust",
    "revoke_trust": "trust",
    "trust_of": "trust",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
