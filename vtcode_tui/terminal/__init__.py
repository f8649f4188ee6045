"""The PTY of a run: screen model, keys, recording. Each name is loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.terminal.pens import Colour as Colour
    from vtcode_tui.terminal.pens import Pen as Pen
    from vtcode_tui.terminal.screen import Cursor as Cursor
    from vtcode_tui.terminal.screen import Dirty as Dirty
    from vtcode_tui.terminal.screen import Run as Run
    from vtcode_tui.terminal.screen import Screen as Screen
    from vtcode_tui.terminal.snapshot import Snapshot as Snapshot
    from vtcode_tui.terminal.state import Modes as Modes

_HOMES = {
    "pens": ("Colour", "Pen"),
    "screen": ("Cursor", "Dirty", "Run", "Screen"),
    "snapshot": ("Snapshot",),
    "state": ("Modes",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    try:
        module = import_module(f"{__name__}.{_HOME[name]}")
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = globals()[name] = getattr(module, name)
    return value
