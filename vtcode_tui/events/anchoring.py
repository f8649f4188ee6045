"""Leaves the root log's head where the settings want it, and notes in the root log where that was."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import JournalError, VtcodeError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.events.anchors import anchor_line
from vtcode_tui.events.rootlog import RootHead, RootLog
from vtcode_tui.events.system_log import to_system_log
from vtcode_tui.events.timestamps import authorities, stamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where the settings want the root log's head to be left (`audit.anchors`); exported events always carry it."""

    places: tuple[str, ...] = ()
    rfc3161_url: str = ""
    rfc3161_ca: str = ""


class Anchorage:
    """The places of one session: what is left there, at its start, every few minutes and at its end."""

    def __init__(self, root: RootLog, session: str, anchoring: Anchoring) -> None:
        self._root, self._session, self._anchoring = root, session, anchoring
        self._thread: threading.Thread | None = None

    def leave_soon(self, standing: RootHead) -> None:
        """Leave it in a thread that nothing waits for, unless an earlier one is still on its way."""
        if self._anchoring.places and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(
                target=self._in_thread, args=(standing,), name="journal-anchor", daemon=True
            )
            self._thread.start()

    def _in_thread(self, standing: RootHead) -> None:
        # A root log that cannot be written is met, and reported, by its next line.
        with contextlib.suppress(JournalError):
            self.leave(standing)

    def wait(self) -> None:
        """Return when what was on its way has been left, or given up."""
        if self._thread is not None:
            self._thread.join()

    def finish(self, standing: RootHead) -> None:
        """Leave the last one, and return when that is done."""
        self.wait()
        if self._anchoring.places:
            self.leave(standing)

    def leave(self, standing: RootHead) -> list[str]:
        """Where it was left. A place that cannot be reached is noted, and missing when somebody verifies."""
        where, failed = [], []
        line = anchor_line(self._root.host_key(), standing)
        if "syslog" in self._anchoring.places:
            if place := to_system_log(line):
                where.append(place)
            else:
                failed.append("this machine has no system log (journald, /dev/log)")
        if "rfc3161" in self._anchoring.places:
            try:
                where.append(timestamp(self._root, standing, self._anchoring).name)
            except VtcodeError as error:
                failed.append(str(error))
        if where or failed:
            data = {"where": where, "size": standing.size, "line": line} | ({"failed": failed} if failed else {})
            self._root.append("anchor", self._session, data)
        return where


def timestamp(root: RootLog, standing: RootHead, anchoring: Anchoring) -> Path:
    """Get a token for the root log's head and keep it beside the log. Raises VtcodeError when there is none."""
    if not anchoring.rfc3161_url:
        raise VtcodeError("audit.anchors names rfc3161 and audit.rfc3161_url no authority")
    trusted: Sequence[Certificate] = authorities(Path(anchoring.rfc3161_ca)) if anchoring.rfc3161_ca else ()
    token = stamp(anchoring.rfc3161_url, standing.head, trusted)
    path = root.path.parent / "anchors" / f"{standing.size}-{standing.head[:16]}.tsr"
    try:
        write_atomically(path, token)
    except OSError as error:
        raise VtcodeError(f"{path} cannot be written: {error.strerror}") from error
    return path
