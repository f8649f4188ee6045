"""The guided tour: a throw-away project and a scripted model served over real HTTP on loopback."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.demo.auto import Check, tour
    from vtcode_tui.demo.model import Script, Served, Step, in_order, served
    from vtcode_tui.demo.script import GO_ON, PROMPT
    from vtcode_tui.demo.stage import Stage, make_root, staged

_WHERE = {
    "Check": "auto",
    "tour": "auto",
    "Script": "model",
    "Served": "model",
    "Step": "model",
    "in_order": "model",
    "served": "model",
    "GO_ON": "script",
    "PROMPT": "script",
    "Stage": "stage",
    "make_root": "stage",
    "staged": "stage",
}

__all__ = [
    "GO_ON",
    "PROMPT",
    "Check",
    "Script",
    "Served",
    "Stage",
    "Step",
    "in_order",
    "make_root",
    "served",
    "staged",
    "tour",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"vtcode_tui.demo.{_WHERE[name]}"), name)
