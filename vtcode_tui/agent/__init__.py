"""The turn loop and the context that a model is given; `open_core(Opening(...))` opens a session.

Loaded lazily: a front end paints before it opens its session.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.agent.opening import Opening, open_core
    from vtcode_tui.agent.port import Core, Reader
    from vtcode_tui.agent.session import Session
    from vtcode_tui.agent.starting import PRELOAD, capability_of, start_spawner

_WHERE = {
    "Opening": "opening",
    "open_core": "opening",
    "Core": "port",
    "Reader": "port",
    "Session": "session",
    "PRELOAD": "starting",
    "capability_of": "starting",
    "start_spawner": "starting",
}

__all__ = ["PRELOAD", "Core", "Opening", "Reader", "Session", "capability_of", "open_core", "start_spawner"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"vtcode_tui.agent.{_WHERE[name]}"), name)
