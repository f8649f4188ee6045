"""A journal examined, its chain and its meaning: in one go, or the chain in another process and the meaning here.

What two processes find counts only where neither has anything to say against the journal. In every other case, also
when the other process died, it is walked again in one go: a verdict never depends on how it was come to. Both have
the same bytes, read once: a file that is exchanged meanwhile shows neither of them another face.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from vtcode_tui.events.chain import Walk, walk
from vtcode_tui.events.lines import bounded_lines, opened
from vtcode_tui.events.meaning import Sense
from vtcode_tui.events.spelling import BEFORE, Around, Frames, beginning, payload_of

T = TypeVar("T")

_WORTH = 16 << 20
"""Bytes of a journal from which on another process is worth its start, which takes 7 ms, and its copied pages."""
_MOST = 512 << 20
"""Bytes of a journal that are held in memory for that."""


class Beside(Protocol):
    """Does a piece of work in another process, as `sandbox.beside` does; its answer is None where there is none."""

    def __call__(self, work: Callable[[], T]) -> AbstractContextManager[Callable[[], T | None]]:
        """The answer, waited for, while the block runs."""
        ...


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: `elsewhere` are the approvals that were not given after the line right before them."""

    walk: Walk
    notes: tuple[str, ...]
    elsewhere: Mapping[int, str]


class _Unread:
    """Judges nothing: for a walk that is about the chain alone."""

    reads: frozenset[bytes] = frozenset()

    def __init__(self) -> None:
        self.notes: list[tuple[int, str]] = []

    def __call__(self, seq: int, kind: bytes, around: Around, data: dict[str, Any], prev: str) -> list[Any]:
        return []


def examine(
    path: Path, *, keys: Collection[str] | None, wanted: Collection[int], beside: Beside | None = None
) -> Examined:
    """Walk a journal and judge what it says. Raises JournalError when the file cannot be read."""
    with opened(path) as file:
        stream: BinaryIO = file
        if beside is not None and _WORTH <= os.fstat(file.fileno()).st_size <= _MOST:
            whole = file.read()
            stream = BytesIO(whole)
            with beside(partial(_chain, whole, keys, wanted)) as answer:
                sense = Sense()
                events = _judged(BytesIO(whole), sense)
                found = answer() if events is not None else None
            if found is not None and not found[0].problems and found[0].size == events:
                return _examined(*found, sense)
        sense = Sense()
        return _examined(walk(stream, keys=keys, wanted=wanted, meaning=sense), [], sense)


def _examined(chain: Walk, notes: list[tuple[int, str]], sense: Sense) -> Examined:
    merged = heapq.merge(notes, sense.notes, key=lambda note: note[0])
    return Examined(chain, tuple(text for _, text in merged), sense.elsewhere)


def _chain(
    whole: bytes, keys: Collection[str] | None, wanted: Collection[int]
) -> tuple[Walk, list[tuple[int, str]]]:
    unread = _Unread()
    return walk(BytesIO(whole), keys=keys, wanted=wanted, meaning=unread), unread.notes


def _judged(stream: BinaryIO, sense: Sense) -> int | None:
    """How many events there are; None where there is something to say against them."""
    events, reads, frames, frame = 0, sense.reads, Frames(), BEFORE
    for raw in bounded_lines(stream):
        if not raw.endswith(b"\n"):
            break
        found = beginning(raw)
        if found is None:
            return None
        kind = found[4]
        if kind in reads:
            start = found.end()
            if not raw.startswith(frame[0], start):
                frame = frames.at(raw, start)
            text, _, around = frame
            data = payload_of(raw, start + len(text) - 1)
            if data is None or around is None or sense(events, kind, around, data, raw[-66:-2].decode("latin-1")):
                return None
        events += 1
    return events
