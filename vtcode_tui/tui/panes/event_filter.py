"""The filter of the event log: words and fields such as `type:` or `severity:`; all of them must hold."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.events.types import Event

SEVERITIES = ("info", "low", "medium", "high", "critical")


def _severity(word: str) -> Callable[[Event], bool]:
    if word not in SEVERITIES:
        raise ValueError(f"severity is one of {', '.join(SEVERITIES)}, not `{word}`")
    least = SEVERITIES.index(word)
    return lambda event: SEVERITIES.index(event.severity) >= least


def _turn(word: str) -> Callable[[Event], bool]:
    if not word.isdigit():
        raise ValueError(f"turn is a number, not `{word}`")
    return lambda event: event.turn == int(word)


FIELDS: dict[str, Callable[[str], Callable[[Event], bool]]] = {
    "type": lambda word: lambda event: word in event.type,
    "severity": _severity,
    "call": lambda word: (
        lambda event: (event.call or "").lower().startswith(word) or (event.call or "").endswith(word)
    ),
    "turn": _turn,
    "actor": lambda word: lambda event: word in (event.actor.kind, event.actor.id.lower()),
    "outcome": lambda word: lambda event: event.outcome.startswith(word),
}


def _word(word: str) -> Callable[[Event], bool]:
    return lambda event: word in event.type or word in event.data.model_dump_json().lower()


def _not(test: Callable[[Event], bool]) -> Callable[[Event], bool]:
    return lambda event: not test(event)


class EventFilter:
    """A text as a test of events. Raises ValueError with a sentence when a field or its value is unknown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tests: list[Callable[[Event], bool]] = []
        for part in text.lower().split():
            negated = part.startswith("-") and len(part) > 1
            name, colon, value = part.removeprefix("-" if negated else "").partition(":")
            if colon and value and name.isalpha():
                if name not in FIELDS:
                    near = get_close_matches(name, FIELDS, 1)
                    raise ValueError(
                        f"there is no field `{name}`" + (f": did you mean `{near[0]}:`?" if near else "")
                    )
                test = FIELDS[name](value)
            else:
                test = _word(name + colon + value)
            self._tests.append(_not(test) if negated else test)

    def passes(self, event: Event) -> bool:
        """Whether the event is to be shown."""
        return all(test(event) for test in self._tests)
