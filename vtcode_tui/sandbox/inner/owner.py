"""The main process as a supervisor hears it: it says that a run is to end, or is gone, which means the same."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


def end_wanted(events: socket.socket) -> tuple[str, str]:
    """Why the run is to end, and which limit the main process saw it exceed ("" for none). Read when readable."""
    try:
        text = events.recv(65536)
    except OSError:
        text = b""
    if not text:
        return "vtcode ended", ""
    said = json.loads(text.split(b"\n", 1)[0])  # on macOS a message is a line
    return str(said.get("kill", "")) or "killed", str(said.get("limit", ""))
