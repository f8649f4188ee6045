"""Retention: sessions are removed when they are old enough, and a signed line in the root log says so."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from vtcode_tui.common.errors import DeniedError, JournalError
from vtcode_tui.common.home import Home
from vtcode_tui.events.lines import NAME, event_of, read_lines
from vtcode_tui.events.places import session_folders
from vtcode_tui.events.rootlog import RootLog
from vtcode_tui.events.verdict import Report, verify
from vtcode_tui.events.watermark import remove_watermark


@dataclass(frozen=True, slots=True)
class Aged:
    """A session and the time of its last event."""

    folder: Path
    last: datetime


def aged(home: Home, *, now: datetime, days: int) -> list[Aged]:
    """The sessions whose last event is at least so many days old, oldest first."""
    found = []
    for folder in session_folders(home):
        last = last_event(folder)
        if now - last >= timedelta(days=days):
            found.append(Aged(folder, last))
    return sorted(found, key=lambda one: one.last)


def last_event(folder: Path) -> datetime:
    """When the last event of a session happened; the file's own time when it holds none that can be read."""
    newest = ""
    try:
        for raw in _last(read_lines(folder)):
            newest = event_of(raw).time
    except JournalError:
        newest = ""
    if not newest:
        return datetime.fromtimestamp((folder / NAME).stat().st_mtime).astimezone()
    return datetime.fromisoformat(newest)


def _last(lines: Iterable[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    for line in lines:
        kept = [line]
    return kept


def check_age(folder: Path, *, now: datetime, minimum_days: int) -> None:
    """Raise DeniedError when a session is younger than the minimum."""
    age = (now - last_event(folder)).days
    if age < minimum_days:
        raise DeniedError(
            f"session {folder.name} is {age} days old and audit.minimum_days keeps it for {minimum_days}"
        )


def prune(home: Home, folder: Path, *, now: datetime, minimum_days: int, reason: str) -> Report:
    """Remove one session. What it was, and whether it verified, stays in the root log for ever.

    Raises DeniedError when it is younger than the minimum, JournalError when the tombstone cannot be written; then
    nothing is removed.
    """
    check_age(folder, now=now, minimum_days=minimum_days)
    held = _held(folder)
    try:
        return _removed(home, folder, reason)
    finally:
        os.close(held)


def _held(folder: Path) -> int:
    """The journal's lock, so that no session that runs, however quiet it has been, is taken away under its feet."""
    descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DeniedError(f"session {folder.name} is in use by a vtcode process and is kept") from None
    return descriptor


def _removed(home: Home, folder: Path, reason: str) -> Report:
    verdict = verify(folder)
    if verdict.state == "tampered":
        raise DeniedError(
            f"session {folder.name} does not verify and is kept as evidence: {verdict.problems[0].text}"
        )
    tombstone = {"size": verdict.events, "head": verdict.head, "state": verdict.state, "reason": reason}
    RootLog(home.audit, home.keys).append("prune", folder.name, tombstone)
    shutil.rmtree(folder)
    remove_watermark(home.audit, folder.name)
    return verdict
