"""Leaves the root log's head where it was asked for, and notes in the root log where that was."""

from __future__ import annotations

from pathlib import Path

from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.events.anchors import Anchoring, anchor_line, to_syslog
from vtcode_tui.events.rootlog import RootHead, RootLog
from vtcode_tui.events.timestamps import stamp


def anchor(root: RootLog, session: str, standing: RootHead, anchoring: Anchoring) -> list[str]:
    """Where it was left. A place that cannot be reached is noted, and seen later as an anchor that is missing."""
    places: list[str] = []
    line = anchor_line(root.host_key(), standing)
    if "syslog" in anchoring.places and (where := to_syslog(line)):
        root.append("anchor", session, {"where": where, "line": line})
        places.append(where)
    if "rfc3161" in anchoring.places and anchoring.rfc3161_url:
        try:
            path = timestamp(root, standing, anchoring.rfc3161_url)
            places.append(str(path))
        except VtcodeError as error:
            root.append("anchor", session, {"where": "", "failed": str(error)})
    return places


def timestamp(root: RootLog, standing: RootHead, url: str) -> Path:
    """Get a token for the root log's head and keep it beside the log. Raises VtcodeError when there is none."""
    path = root.path.parent / "anchors" / f"{standing.size}-{standing.head[:16]}.tsr"
    write_atomically(path, stamp(url, standing.head))
    root.append("anchor", "", {"where": url, "file": f"anchors/{path.name}"})
    return path
