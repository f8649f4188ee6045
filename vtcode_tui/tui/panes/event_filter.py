"""The filter of the event log: words and fields such as `type:` or `severity:`; all of them must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from vtcode_tui.events.types import Event
    from vtcode_tui.sessions import Head

SEVERITIES = ("info", "low", "medium", "high", "critical")
OUTCOMES = ("success", "failure", "unknown")
Test: TypeAlias = "Callable[[Event | Head], bool]"


class Searchable(Protocol):
    """Events by their place, of which the envelopes can be had without the rest."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, place: int) -> Event:
        """One of them."""
        ...

    def head(self, place: int) -> Event | Head:
        """The envelope of one of them."""
        ...

    def search(self, words: str, start: int = 0, end: int | None = None) -> Iterator[int]:
        """The places from `start` to before `end` whose type or data contain the words, whatever their case."""
        ...


def _severity(word: str) -> Test:
    if word not in SEVERITIES:
        raise ValueError(f"severity is one of {', '.join(SEVERITIES)}, not `{word}`")
    least = SEVERITIES.index(word)
    return lambda event: event.severity in SEVERITIES[least:]


def _turn(word: str) -> Test:
    if not word.isdigit():
        raise ValueError(f"turn is a number, not `{word}`")
    return lambda event: event.turn == int(word)


def _outcome(word: str) -> Test:
    if word not in OUTCOMES:
        raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}, not `{word}`")
    return lambda event: event.outcome == word


FIELDS: dict[str, Callable[[str], Test]] = {
    "type": lambda word: lambda event: word in event.type,
    "severity": _severity,
    "call": lambda word: (
        lambda event: (event.call or "").lower().startswith(word) or (event.call or "").endswith(word)
    ),
    "turn": _turn,
    "actor": lambda word: lambda event: word in (event.actor.kind, event.actor.id.lower()),
    "outcome": _outcome,
}


EXAMPLES = {
    "type": "type:exec",
    "severity": "severity:high",
    "call": "call:c3",
    "turn": "turn:2",
    "actor": "actor:human",
    "outcome": "outcome:failure",
}


def holds(event: Event, word: str) -> bool:
    """Whether the type or the data of an event contain a word in small letters."""
    return word in event.type or word in event.data.model_dump_json().lower()


class EventFilter:
    """A text as a test of events. Raises ValueError with a sentence when a field or its value is unknown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tests: list[tuple[Test, bool]] = []
        self._words: list[tuple[str, bool]] = []
        for part in text.lower().split():
            negated = part.startswith("-") and len(part) > 1
            name, colon, value = part.removeprefix("-" if negated else "").partition(":")
            near = get_close_matches(name, FIELDS, 1) if colon and name.isalpha() else []
            if name in FIELDS and colon and value:
                self._tests.append((FIELDS[name](value), negated))
            elif name in FIELDS and colon:
                raise ValueError(f"`{name}:` needs a value right behind it, such as {EXAMPLES[name]}")
            elif near:
                raise ValueError(f"there is no field `{name}`: did you mean `{near[0]}:`?")
            else:  # an address, a place in a file: words that have a colon
                self._words.append((name + colon + value, negated))

    def _heads(self, head: Event | Head) -> bool:
        return all(test(head) != negated for test, negated in self._tests)

    def passes(self, event: Event) -> bool:
        """Whether the event is to be shown."""
        return self._heads(event) and all(holds(event, word) != negated for word, negated in self._words)

    def places(self, events: Searchable, start: int = 0, end: int | None = None) -> list[int]:
        """The places from `start` to before `end` of the events that are to be shown, ascending."""
        places = range(start, len(events) if end is None else end)
        chosen = [place for place in places if self._heads(events.head(place))] if self._tests else list(places)
        for word, negated in self._words:
            having = set(events.search(word, places.start, places.stop)) if chosen else set[int]()
            chosen = [place for place in chosen if (place in having) != negated]
        return chosen
