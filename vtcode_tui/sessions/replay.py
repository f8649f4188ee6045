"""A recorded session in time: the events of its journal and the bytes of its terminals, each read when needed.

Positions are counts of events: position `n` is after the first `n` of them. Pauses longer than the limit are cut.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from vtcode_tui.common.errors import UsageError, VtcodeError
from vtcode_tui.events import Event
from vtcode_tui.events.types import ChangesFailed, ChangesReviewed, ExecStarted, FileChanged
from vtcode_tui.sessions.index import JournalIndex
from vtcode_tui.terminal import Recording as Cast
from vtcode_tui.terminal.kept import recording_of, spool_of

Landmark: TypeAlias = Literal["prompt", "approval", "violation", "change", "failure"]

_TYPES: dict[Landmark, frozenset[str]] = {
    "prompt": frozenset({"prompt.submitted"}),
    "approval": frozenset({"approval.requested", "approval.granted", "approval.denied"}),
    "violation": frozenset({"violation.detected", "network.blocked"}),
    "change": frozenset({"file.changed", "changes.reviewed", "changes.failed"}),
    "failure": frozenset(),
}
_SCENES = frozenset({"prompt.submitted", "model.requested", "session.started", "session.resumed"})
_CALLS = frozenset({"tool.requested", "exec.started", "exec.finished", "tool.finished"})
_STATUS = {
    "session.started": 1,
    "session.resumed": 1,
    "model.requested": 1,
    "model.failover": 1,
    "sandbox.applied": 1,
    "config.changed": 16,
}
"""What the status bar is made of: how many of the last ones of each type."""
_TERMINAL = re.compile(rb'"terminal"\s*:\s*true')
_OUTPUTS_KEPT = 48
_STAGED_EVERY = 256


@dataclass(frozen=True, slots=True)
class Output:
    """What a run wrote, in pieces; piece `i` was written at `times[i]`."""

    call: str
    terminal: bool
    times: tuple[float, ...] = ()
    pieces: tuple[bytes, ...] = ()

    def until(self, at: float) -> int:
        """How many pieces had been written at that time."""
        return bisect_right(self.times, at)


class Recording:
    """A session to be looked at again. One pass over the envelopes when it is opened; changes nothing."""

    def __init__(self, folder: Path, *, idle_limit: float | None = None) -> None:
        self.folder = folder
        self.events = JournalIndex(folder)
        self.times = array("d")
        """Seconds of each event since the beginning, with long pauses cut."""
        self._cuts = ([0.0], [0.0])
        """From which second of the journal on how much has been cut."""
        self._scenes: list[int] = []
        """Places where no call is under way: a story can begin there."""
        self._outputs: OrderedDict[int, Output] = OrderedDict()
        self._landmarks: dict[Landmark, array[int]] = {}
        self._changes = self.landmarks("change")
        self._status = {kind: array("q") for kind in _STATUS}
        self._staged: list[dict[str, FileChanged]] = [{}]
        self._time(idle_limit)
        self.staged(len(self))

    @property
    def duration(self) -> float:
        """Seconds from the first event to the last."""
        return self.times[-1] if self.times else 0.0

    def __len__(self) -> int:
        return len(self.events)

    def index_at(self, seconds: float) -> int:
        """How many events have passed at that time."""
        return bisect_right(self.times, seconds)

    def landmarks(self, landmark: Landmark) -> array[int]:
        """The places of all such landmarks, in order; looked for once."""
        if landmark not in self._landmarks:
            found = (
                (place for place, outcome in enumerate(self.events.outcomes) if outcome == "failure")
                if landmark == "failure"
                else (place for place, kind in enumerate(self.events.types) if kind in _TYPES[landmark])
            )
            self._landmarks[landmark] = array("q", found)
        return self._landmarks[landmark]

    def following(self, position: int, landmark: Landmark) -> int | None:
        """The position just after the next such landmark; None when there is none."""
        places = self.landmarks(landmark)
        after = bisect_left(places, max(0, position))
        return places[after] + 1 if after < len(places) else None

    def preceding(self, position: int, landmark: Landmark) -> int | None:
        """The position just after the last such landmark before the one that we stand on."""
        places = self.landmarks(landmark)
        before = bisect_right(places, min(position, len(self)) - 2)
        return places[before - 1] + 1 if before else None

    def scene(self, position: int) -> int:
        """The last place at or before `position` where a story can begin: no call is under way there."""
        found = bisect_right(self._scenes, position) - 1
        return self._scenes[found] if found >= 0 else 0

    def before(self, place: int) -> list[Event]:
        """What a story that begins at a place must know of what came before: model, sandbox, settings."""
        found: list[int] = []
        for kind, most in _STATUS.items():
            places = self._status[kind]
            end = bisect_left(places, place)
            found += places[max(0, end - most) : end]
        return [self.events[earlier] for earlier in sorted(found)]

    def last_run(self, place: int) -> list[Event]:
        """The events of the last run with a terminal of its own before a place: asked, started, finished."""
        types, calls = self.events.types, self.events.calls
        for start in range(place - 1, max(-1, place - 50_000), -1):
            if types[start] != "exec.started":
                continue
            if not _TERMINAL.search(self.events.line(start)):
                continue  # parsing each run that had none would take longer than all else
            event = self.events[start]
            if not (isinstance(event.data, ExecStarted) and event.data.terminal):
                continue
            around = range(max(0, start - 400), min(place, start + 4000))
            kinds = {"tool.requested", "exec.started", "exec.finished"}
            return [self.events[p] for p in around if calls[p] == event.call and types[p] in kinds]
        return []

    def staged(self, position: int) -> dict[str, FileChanged]:
        """What was staged at a position, by path."""
        count = bisect_left(self._changes, position)
        block = min(count // _STAGED_EVERY, len(self._staged) - 1)
        staged = dict(self._staged[block])
        for number in range(block * _STAGED_EVERY, count):
            event = self.events[self._changes[number]]
            _remember(staged, event)
            if isinstance(event.data, ChangesFailed) and event.data.decision != "rewound":
                self._keep(staged, number, event.data.failed)
            if (number + 1) % _STAGED_EVERY == 0 and (number + 1) // _STAGED_EVERY == len(self._staged):
                self._staged.append(dict(staged))
        return staged

    def _keep(self, staged: dict[str, FileChanged], number: int, paths: Iterable[str]) -> None:
        """Put back what the decision before a change had taken out, and what could not be done."""
        for earlier in reversed(self._changes[:number]):
            if self.events.types[earlier] == "changes.reviewed":
                before = self.staged(earlier)
                staged.update({path: before[path] for path in paths if path in before})
                return

    def output(self, place: int) -> Output:
        """What the run that starts at a place wrote, with the times of this recording."""
        if place in self._outputs:
            self._outputs.move_to_end(place)
            return self._outputs[place]
        event = self.events[place]
        output = Output(event.call or "", False)
        if isinstance(event.data, ExecStarted) and event.call:
            output = self._terminal(place, event.call) if event.data.terminal else self._spool(place, event.call)
        self._outputs[place] = output
        while len(self._outputs) > _OUTPUTS_KEPT:
            self._outputs.popitem(last=False)
        return output

    def _terminal(self, place: int, call: str) -> Output:
        started = self.events.at[place]
        times, pieces = [], []
        for seconds, data in self._cast(call):
            times.append(self._shown(started + seconds))
            pieces.append(data)
        return Output(call, True, tuple(times), tuple(pieces))

    def _spool(self, place: int, call: str) -> Output:
        try:
            data = spool_of(self.folder, call).read_bytes()
        except OSError:
            data = b""
        # The spool keeps no times: all of it is there at the end of the run, or at once when it never ended.
        at = self.times[self._end_of(place, call)]
        step = 1 << 16
        pieces = tuple(data[offset : offset + step] for offset in range(0, len(data), step))
        return Output(call, False, (at,) * len(pieces), pieces)

    def _end_of(self, place: int, call: str) -> int:
        for later in range(place + 1, min(len(self), place + 4000)):
            if self.events.calls[later] == call and self.events.types[later] == "exec.output":
                return later
        return place

    def _cast(self, call: str) -> Iterable[tuple[float, bytes]]:
        try:
            cast = Cast(recording_of(self.folder, call))
            for moment in cast.moments():
                if moment.code == "o":
                    yield moment.seconds, moment.text.encode("utf-8", "replace")
        except (OSError, UsageError):
            # A recording that is missing or damaged has nothing more to show; the journal still has the rest.
            return

    def _shown(self, at: float) -> float:
        starts, cut = self._cuts
        return at - cut[bisect_right(starts, at) - 1]

    def _time(self, idle_limit: float | None) -> None:
        """Cut the pauses, and note where no call is under way and what the status bar is made of."""
        types, calls, raw = self.events.types, self.events.calls, self.events.at
        under_way: dict[str | None, float] = {}
        asked: set[str | None] = set()
        status = self._status
        before = 0.0
        told = {
            kind
            for kind in set(types)
            if kind in status or kind in _SCENES or kind in _CALLS or kind.startswith("session.")
        }
        for place, (at, kind) in enumerate(zip(raw, types, strict=True)):
            if idle_limit is not None and at - before > idle_limit:
                self._cut(before, at, idle_limit, under_way)
            self.times.append(at - self._cuts[1][-1])
            before = at
            if kind not in told:
                continue
            call = calls[place]
            if kind in status:
                status[kind].append(place)
            if kind == "prompt.submitted" or kind.startswith("session."):
                under_way.clear()
                asked.clear()
            if not under_way and kind in _SCENES:
                self._scenes.append(place)
            if kind == "tool.requested":
                asked.add(call)
                under_way.setdefault(call, at)
            elif kind == "exec.started":
                under_way[call] = at
            elif kind == "tool.finished" or (kind == "exec.finished" and call not in asked):
                under_way.pop(call, None)

    def _cut(self, before: float, at: float, limit: float, under_way: Mapping[str | None, float]) -> None:
        """Shorten a pause between two events, except where a run wrote something in it."""
        written = sorted(
            started + seconds
            for call, started in under_way.items()
            if call
            for seconds, _ in self._cast(call)
            if before < started + seconds < at
        )
        starts, cut = self._cuts
        for moment in (*written, at):
            if moment - before > limit:
                starts.append(moment)
                cut.append(cut[-1] + moment - before - limit)
            before = moment


def _remember(staged: dict[str, FileChanged], event: Event) -> None:
    if isinstance(event.data, FileChanged):
        if event.data.staged:
            staged[event.data.path] = event.data
        elif event.data.via in {"accept", "rollback", "rewind"}:
            staged.pop(event.data.path, None)
    elif isinstance(event.data, ChangesReviewed):
        for path in event.data.paths:
            staged.pop(path, None)


def staged_at_end(folder: Path) -> tuple[str, ...]:
    """The paths that were staged at the end of a session, as its journal tells; none where that cannot be read."""
    try:
        recording = Recording(folder)
    except (VtcodeError, OSError, ValueError):
        return ()
    return tuple(recording.staged(len(recording)))
