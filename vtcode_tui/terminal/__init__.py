"""The PTY of a run: screen model, keys, recording. Each name is loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.terminal.find import Found as Found
    from vtcode_tui.terminal.find import search as search
    from vtcode_tui.terminal.keys import encode as encode
    from vtcode_tui.terminal.keys import focus as focus
    from vtcode_tui.terminal.keys import mouse as mouse
    from vtcode_tui.terminal.keys import paste as paste
    from vtcode_tui.terminal.pens import Colour as Colour
    from vtcode_tui.terminal.pens import Pen as Pen
    from vtcode_tui.terminal.recording import Header as Header
    from vtcode_tui.terminal.recording import Moment as Moment
    from vtcode_tui.terminal.recording import Recorder as Recorder
    from vtcode_tui.terminal.recording import Recording as Recording
    from vtcode_tui.terminal.screen import Cursor as Cursor
    from vtcode_tui.terminal.screen import Dirty as Dirty
    from vtcode_tui.terminal.screen import Run as Run
    from vtcode_tui.terminal.screen import Screen as Screen
    from vtcode_tui.terminal.snapshot import Snapshot as Snapshot
    from vtcode_tui.terminal.spool import Excerpt as Excerpt
    from vtcode_tui.terminal.spool import Spool as Spool
    from vtcode_tui.terminal.state import Modes as Modes

_HOMES = {
    "find": ("Found", "search"),
    "keys": ("encode", "focus", "mouse", "paste"),
    "pens": ("Colour", "Pen"),
    "recording": ("Header", "Moment", "Recorder", "Recording"),
    "screen": ("Cursor", "Dirty", "Run", "Screen"),
    "snapshot": ("Snapshot",),
    "spool": ("Excerpt", "Spool"),
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
