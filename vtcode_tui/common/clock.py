"""The clock, injected so that tests and replay can set it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol


class Clock(Protocol):
    """Wall time for people, monotonic time for durations."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go backwards; comparable within one boot only."""
        ...


class SystemClock:
    """The operating system's clocks."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary start."""
        return time.monotonic_ns()


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T20:41:10.123Z`: UTC with milliseconds, the form of every time in the journal."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class Local(NamedTuple):
    """A time as a person's own clock has it."""

    day: str
    """`2026-11-22`."""
    clock: str
    """`21:41:10`."""
    zone: str
    """`UTC+1`, `UTC-3:30` or `UTC`; empty where the text was no time."""


def local(text: str) -> Local:
    """A time of the journal (RFC 3339, UTC) in the time zone of this machine, for the screen.

    The journal and everything that is exported keep UTC. A text that is no time is shown as it is.
    """
    try:
        moment = datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return Local(text[:10], text[11:19], "")
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    offset = f"{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")
    return Local(f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}", f"UTC{offset if minutes else ''}")


class Stamps:
    """Writes what `rfc3339` does, faster, for one time after the other: in a second only milliseconds change."""

    def __init__(self) -> None:
        self._second, self._text = datetime.fromtimestamp(0, UTC), ""

    def of(self, moment: datetime) -> str:
        """The moment in the form of `rfc3339`."""
        since = moment - self._second
        if since.days or since.seconds or not self._text:
            self._second, since = moment.replace(microsecond=0), timedelta(microseconds=moment.microsecond)
            self._text = rfc3339(self._second)[:-4]
        return f"{self._text}{since.microseconds // 1000:03d}Z"
