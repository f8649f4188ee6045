"""A recorded session as a stream of moments: the events of its journal and the bytes of its terminals, in time."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from vtcode_tui.common.errors import UsageError
from vtcode_tui.events import Event, read_events
from vtcode_tui.events.live import Live, OutputChunk
from vtcode_tui.events.types import ExecStarted
from vtcode_tui.terminal import Recording as Cast

Landmark: TypeAlias = Literal["prompt", "approval", "violation", "change", "failure"]

_TYPES: dict[Landmark, frozenset[str]] = {
    "prompt": frozenset({"prompt.submitted"}),
    "approval": frozenset({"approval.requested", "approval.granted", "approval.denied"}),
    "violation": frozenset({"violation.detected", "network.blocked"}),
    "change": frozenset({"file.changed", "changes.reviewed"}),
    "failure": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened `at` so many seconds after the beginning."""

    at: float
    what: Event | Live


class Recording:
    """All moments of a session, in order. Reads the journal and the recordings once; changes nothing."""

    def __init__(self, folder: Path, *, idle_limit: float | None = None) -> None:
        self.folder = folder
        self.events: tuple[Event, ...] = tuple(read_events(folder))
        self.moments: tuple[Moment, ...] = tuple(_shortened(sorted(self._all(), key=_when), idle_limit))
        self._times = [moment.at for moment in self.moments]

    @property
    def duration(self) -> float:
        """Seconds from the first to the last moment."""
        return self._times[-1] if self._times else 0.0

    def __len__(self) -> int:
        return len(self.moments)

    def index_at(self, seconds: float) -> int:
        """How many moments have passed at that time."""
        return bisect.bisect_right(self._times, seconds)

    def following(self, index: int, landmark: Landmark) -> int | None:
        """The next moment after `index` that is such a landmark."""
        return next(
            (i for i in range(index + 1, len(self.moments)) if is_landmark(self.moments[i], landmark)), None
        )

    def preceding(self, index: int, landmark: Landmark) -> int | None:
        """The last moment before `index` that is such a landmark."""
        start = min(index, len(self.moments)) - 1
        return next((i for i in range(start, -1, -1) if is_landmark(self.moments[i], landmark)), None)

    def _all(self) -> Iterator[Moment]:
        for at, event in timed(self.events):
            yield Moment(at, event)
            if isinstance(event.data, ExecStarted) and event.call:
                yield from self._output(event.call, at, event.data.terminal)

    def _output(self, call: str, started: float, terminal: bool) -> Iterator[Moment]:
        name = Path(call).name
        if terminal:
            try:
                cast = Cast(self.folder / "pty" / f"{name}.cast")
            except (OSError, UsageError):
                return
            for moment in cast.moments():
                if moment.code == "o":
                    yield Moment(started + moment.seconds, OutputChunk(call, moment.text.encode(), terminal=True))
            return
        try:
            data = (self.folder / "spool" / f"{name}.out").read_bytes()
        except OSError:
            return
        if data:
            yield Moment(started, OutputChunk(call, data, terminal=False))


def is_landmark(moment: Moment, landmark: Landmark) -> bool:
    """Whether a moment is what somebody jumps to."""
    if not isinstance(moment.what, Event):
        return False
    return moment.what.outcome == "failure" if landmark == "failure" else moment.what.type in _TYPES[landmark]


def timed(events: Iterable[Event]) -> Iterator[tuple[float, Event]]:
    """Each event with the seconds since the first; a new boot or a clock set back does not turn time back."""
    at, last = 0.0, None
    for event in events:
        if last is not None:
            step = (event.mono_ns - last.mono_ns) / 1e9
            wall = (_moment(event) - _moment(last)).total_seconds()
            # Monotonic clocks are comparable within one boot only; where both disagree wildly it is another one.
            at += max(0.0, step if step >= 0 and abs(step - wall) < 60 else min(max(wall, 0.0), 1.0))
        yield at, event
        last = event


def _moment(event: Event) -> datetime:
    return datetime.fromisoformat(event.time)


def _when(moment: Moment) -> float:
    return moment.at


def _shortened(moments: list[Moment], idle_limit: float | None) -> Iterator[Moment]:
    """The moments with every pause cut to the limit."""
    saved = before = 0.0
    for moment in moments:
        if idle_limit is not None and moment.at - before > idle_limit:
            saved += moment.at - before - idle_limit
        before = moment.at
        yield Moment(moment.at - saved, moment.what) if saved else moment
