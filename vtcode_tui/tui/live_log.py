"""The events of the running session: the last ones at hand, the earlier ones read from the journal when needed.

However long the session, a bounded number of events is kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.events.types import Event
    from vtcode_tui.sessions import Head, JournalIndex

AT_HAND = 4096


class LiveLog:
    """Events by the order in which they were heard, from 0."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        """The session's folder. Until it is known every event is kept."""
        self._recent: list[Event] = []
        self._gone = 0
        """How many events are in the journal only."""
        self._first_seq = 0
        self._journal: JournalIndex | None = None

    def __len__(self) -> int:
        return self._gone + len(self._recent)

    def __getitem__(self, place: int) -> Event:
        if place >= self._gone:
            return self._recent[place - self._gone]
        journal = self._index()
        return journal[self._there(place)]

    def add(self, event: Event) -> None:
        """One more."""
        if not len(self):
            self._first_seq = event.seq
        self._recent.append(event)
        if len(self._recent) > 2 * AT_HAND and self.folder is not None:
            del self._recent[:AT_HAND]
            self._gone += AT_HAND

    def head(self, place: int) -> Event | Head:
        """The envelope of one of them."""
        return self._recent[place - self._gone] if place >= self._gone else self._index().head(self._there(place))

    def search(self, words: str, start: int = 0, end: int | None = None) -> Iterator[int]:
        """The places from `start` to before `end` whose type or data contain the words, whatever their case."""
        from vtcode_tui.tui.panes.event_filter import holds

        wanted, end = words.lower(), len(self) if end is None else end
        if start < self._gone:
            journal, begin = self._index(), self._there(0)
            for there in journal.search(words, begin + start, begin + min(end, self._gone)):
                yield there - begin
        for place in range(max(start, self._gone), end):
            if holds(self._recent[place - self._gone], wanted):
                yield place

    def _there(self, place: int) -> int:
        return self._index().place_of(self._first_seq) + place

    def _index(self) -> JournalIndex:
        from vtcode_tui.sessions import JournalIndex  # only a session that has become long needs it

        assert self.folder is not None
        if self._journal is None:
            self._journal = JournalIndex(self.folder)
        if len(self._journal) < self._journal.place_of(self._first_seq) + self._gone:
            self._journal.refresh()
        return self._journal
