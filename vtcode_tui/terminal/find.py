"""Searching a screen with its history, and taking text out of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.cells import cell_len

from vtcode_tui.terminal.screen import Screen


@dataclass(frozen=True, slots=True)
class Found:
    """A match: the row (counted as `Screen.cells` does) and its cells from `start` up to `end`."""

    row: int
    start: int
    end: int


def search(
    screen: Screen, what: str, *, regex: bool = False, case: bool = False, limit: int = 10_000
) -> list[Found]:
    """Every place where the text occurs, from the oldest row to the newest; rows that wrap are searched as one.

    Raises re.error for a pattern that is none.
    """
    pattern = re.compile(what if regex else re.escape(what), 0 if case else re.IGNORECASE)
    if not what:
        return []
    found: list[Found] = []
    row = 0
    while row < screen.height and len(found) < limit:
        texts = [_padded(screen, row)]
        while screen.cells(row + len(texts) - 1)[2] and row + len(texts) < screen.height and len(texts) < 100:
            texts.append(_padded(screen, row + len(texts)))
        whole = "".join(texts)
        for match in pattern.finditer(whole.rstrip(" ")):
            if match.end() > match.start():
                found.extend(_places(texts, row, match.start(), match.end()))
        row += len(texts)
    return found[:limit]


def _padded(screen: Screen, row: int) -> str:
    text = screen.text(row)
    if screen.cells(row)[2]:
        return text + " " * (screen.columns - cell_len(text))
    return text


def _places(texts: list[str], row: int, start: int, end: int) -> list[Found]:
    """A match in joined rows, as one stretch of cells for each row it touches."""
    places = []
    offset = 0
    for index, text in enumerate(texts):
        first, last = max(start - offset, 0), min(end - offset, len(text))
        if first < last:
            places.append(Found(row + index, cell_len(text[:first]), cell_len(text[:last])))
        offset += len(text)
    return places
