"""A journal as an indexed file: where each line lies, of what kind it is and when it was; parsed when looked at.

Opening costs one pass over the envelopes, which stand first in every line; a line that was written otherwise is
parsed whole, and one that is no event at all becomes an event of the type `unreadable`, so that a damaged journal
can still be looked at. Whether the chain holds is for `events.verify` to say.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, TypeVar

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events import SYSTEM, Event, event_of
from vtcode_tui.events.types import Unrecognised

_ENVELOPE = re.compile(
    rb'\{"v":\d{1,9},"seq":(\d{1,15}),"id":"[^"\\]*","time":"([^"\\]*)","mono_ns":(\d{1,18}),'
    rb'"type":"([^"\\]*","severity":"[a-z]*","outcome":"[a-z]*)","session":"[^"\\]*",'
    rb'"turn":(\d{1,9},"call":(?:null|"[^"\\]*")),"parent":(?:null|"[^"\\]*"),"actor":\{"kind":"([a-z]*","id":"[^"\\]*)"'
)
T = TypeVar("T")
_BLOCK = 4 << 20
_READ = 128 << 10
"""Bytes that are taken in together: what is made of them stays in the processor's cache."""
_KEPT = 4096
"""Parsed events that are kept."""
UNREADABLE = "unreadable"
_UNREADABLE = (b'unreadable","severity":"critical","outcome":"unknown', b'0,"call":null', b'system","id":"vtcode')


class Who(NamedTuple):
    """Who caused an event."""

    kind: str
    id: str


class Head(NamedTuple):
    """What the envelope of an event says, without its data; the names are those of `Event`."""

    seq: int
    type: str
    severity: str
    outcome: str
    turn: int
    call: str | None
    actor: Who


class JournalIndex:
    """The events of one journal by their place in it, from 0; a torn last line is left out.

    `at` holds the seconds of each since the first: a new boot or a clock set back does not turn time back.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "journal.jsonl" if folder.is_dir() else folder
        self.at = array("d")
        self.seqs = array("q")
        self.types: list[str] = []
        self.calls: list[str | None] = []
        self.outcomes: list[str] = []
        self._whats: list[tuple[str, str, str]] = []
        self._wheres: list[tuple[int, str | None]] = []
        self._actors: list[Who] = []
        self._ends = array("Q", [0])
        self._kinds, self._places, self._actor_of = _Known(_kind), _Known(_place), _Known(_actor)
        self._last: tuple[int, bytes] | None = None
        self._events: OrderedDict[int, Event] = OrderedDict()
        try:
            self._descriptor = os.open(self.file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise JournalError(f"{self.file} cannot be read: {error.strerror}") from error
        self.refresh()

    def __del__(self) -> None:
        if (descriptor := getattr(self, "_descriptor", -1)) >= 0:
            os.close(descriptor)

    def __len__(self) -> int:
        return len(self.types)

    def __getitem__(self, place: int) -> Event:
        """The event at a place, parsed."""
        if not 0 <= place < len(self.types):
            raise IndexError(place)
        event = self._events.get(place)
        if event is None:
            event = self._parsed(place)
            self._events[place] = event
            while len(self._events) > _KEPT:
                self._events.popitem(last=False)
        return event

    def __iter__(self) -> Iterator[Event]:
        return (self[place] for place in range(len(self)))

    def head(self, place: int) -> Head:
        """The envelope at a place, without parsing the rest."""
        (_, severity, outcome), (turn, call) = self._whats[place], self._wheres[place]
        return Head(self.seqs[place], self.types[place], severity, outcome, turn, call, self._actors[place])

    def line(self, place: int) -> bytes:
        """The raw line at a place, without its line break."""
        begin, end = self._ends[place], self._ends[place + 1]
        return os.pread(self._descriptor, end - begin - 1, begin)

    def place_of(self, seq: int) -> int:
        """The first place whose event has this number or a higher one; the length when there is none."""
        return bisect_left(self.seqs, seq)

    def refresh(self) -> int:
        """Take in the lines that were written since; the number of lines."""
        with self.file.open("rb", buffering=_READ) as stream, _without_collector():
            stream.seek(self._ends[-1])
            while lines := stream.readlines(_READ):
                if not lines[-1].endswith(b"\n"):
                    lines.pop()
                self._take(lines)
        return len(self.types)

    def search(self, words: str, start: int = 0, end: int | None = None) -> Iterator[int]:
        """Places from `start` to before `end` whose type or data contain the words in any case, in order."""
        end = len(self) if end is None else min(end, len(self))
        needle = json.dumps(words, ensure_ascii=False)[1:-1].lower().encode("utf-8", "surrogatepass")
        wanted = needle.decode("utf-8", "surrogatepass")
        while needle and start < end:
            stop = min(end, max(start + 1, bisect_right(self._ends, self._ends[start] + _BLOCK) - 1))
            base = self._ends[start]
            block = os.pread(self._descriptor, self._ends[stop] - base, base)
            if not needle.isascii():
                # Letters beyond ASCII have other lengths in the other case: each line is looked at by itself.
                yield from (place for place in range(start, stop) if self._holds(place, wanted))
            else:
                block = block.lower()
                found = block.find(needle)
                while found >= 0:
                    place = bisect_right(self._ends, base + found) - 1
                    if self._holds(place, wanted):
                        yield place
                    found = block.find(needle, self._ends[place + 1] - base)
            start = stop

    def _holds(self, place: int, wanted: str) -> bool:
        """Whether words, spelled as JSON spells them in small letters, stand in the type or the data."""
        event = self._events.get(place) or self._parsed(place)
        return wanted in event.type or wanted in text_of(event).lower()

    def _take(self, lines: list[bytes]) -> None:
        """Take whole lines in, column by column: a session of a hundred thousand is opened within a second."""
        if not lines:
            return
        found = list(map(_ENVELOPE.match, lines))
        rows = self._odd(lines, found) if None in found else [one.groups() for one in found if one is not None]
        seqs, times, monos, kinds, places, actors = zip(*rows, strict=True)
        begin = self._ends.pop()
        self._ends.extend(accumulate(map(len, lines), initial=begin))
        self.seqs.extend(map(int, seqs))
        # Kinds, calls and actors come again and again: what was once taken apart is looked up as it stands.
        whats = [self._kinds[kind] for kind in kinds]
        self._whats += whats
        self.types += [what[0] for what in whats]
        self.outcomes += [what[2] for what in whats]
        wheres = [self._places[place] for place in places]
        self._wheres += wheres
        self.calls += [where[1] for where in wheres]
        self._actors += [self._actor_of[actor] for actor in actors]
        self._clock(monos, times)

    def _odd(self, lines: list[bytes], found: list[re.Match[bytes] | None]) -> list[tuple[bytes, ...]]:
        """The fields of lines of which some are not spelled as we spell them."""
        rows: list[tuple[bytes, ...]] = []
        before = self.seqs[-1] if self.seqs else -1
        for raw, one in zip(lines, found, strict=True):
            fields = one.groups() if one is not None else _by_json(raw)
            rows.append(fields or (str(before + 1).encode(), b"", b"", *_UNREADABLE))
            before = int(rows[-1][0])
        return rows

    def _clock(self, monos: Sequence[bytes], times: Sequence[bytes]) -> None:
        """Take in when events were; one without a time was when the one before it was."""
        at = self.at[-1] if self.at else 0.0
        last, minute = self._last, self._last[1][:16] if self._last else b""
        append = self.at.append
        for raw, time in zip(monos, times, strict=True):
            if raw:
                mono = int(raw)
                if last is not None:
                    step = (mono - last[0]) / 1e9
                    at += step if 0 <= step < 60 and time[:16] == minute else _jump(step, time, last[1])
                last, minute = (mono, time), time[:16]
            append(at)
        self._last = last

    def _parsed(self, place: int) -> Event:
        raw = self.line(place)
        try:
            event = event_of(raw)
        except JournalError:
            if self.types[place] != UNREADABLE:
                self.types[place] = UNREADABLE
            return _unreadable(self.seqs[place], raw)
        return event


def text_of(event: Event) -> str:
    """The data of an event as the journal spells it."""
    data = event.data
    return json.dumps(data.raw, ensure_ascii=False) if isinstance(data, Unrecognised) else data.model_dump_json()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hundreds of thousands of objects are made and none is garbage: looking for it takes a third of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class _Known(dict[bytes, T]):
    """What was made of some bytes, made once."""

    def __init__(self, make: Callable[[bytes], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, raw: bytes) -> T:
        made = self[raw] = self._make(raw)
        return made


def _kind(raw: bytes) -> tuple[str, str, str]:
    kind, _, severity, _, outcome = raw.decode("utf-8", "replace").replace('":"', '","').split('","')
    return sys.intern(kind), sys.intern(severity), sys.intern(outcome)


def _place(raw: bytes) -> tuple[int, str | None]:
    turn, _, call = raw.decode("utf-8", "replace").partition(',"call":')
    return int(turn), None if call == "null" else call[1:-1]


def _actor(raw: bytes) -> Who:
    kind, _, name = raw.decode("utf-8", "replace").partition('","id":"')
    return Who(sys.intern(kind), name)


def _jump(step: float, time: bytes, before: bytes) -> float:
    """Seconds between two events whose clocks may not be comparable."""
    # Monotonic clocks are comparable within one boot only; where both disagree wildly it is another one.
    wall = _wall(time) - _wall(before)
    return max(0.0, step if step >= 0 and abs(step - wall) < 60 else min(max(wall, 0.0), 1.0))


def _wall(time: bytes) -> float:
    try:
        return datetime.fromisoformat(time.decode()).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _by_json(raw: bytes) -> tuple[bytes, ...] | None:
    """The same fields of a line that is not spelled as we spell it; None when it is no event."""
    try:
        event = event_of(raw.rstrip(b"\n"))
    except JournalError:
        return None
    envelope = {
        "v": 1, "seq": event.seq, "id": "", "time": event.time, "mono_ns": event.mono_ns, "type": event.type,
        "severity": event.severity, "outcome": event.outcome, "session": "", "turn": event.turn, "call": event.call,
        "parent": None, "actor": {"kind": event.actor.kind, "id": event.actor.id},
    }  # fmt: skip
    found = _ENVELOPE.match(
        json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    )
    return found.groups() if found is not None else None


def _unreadable(seq: int, raw: bytes) -> Event:
    text = raw[:4000].decode("utf-8", "replace")
    return Event(
        seq=seq, id="", time="", mono_ns=0, type=UNREADABLE, severity="critical", outcome="unknown", session="",
        actor=SYSTEM, data=Unrecognised(raw={"line": text}), prev="",
    )  # fmt: skip
