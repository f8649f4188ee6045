"""Notices a model that goes in circles: the same call with the same answer, again and again."""

from __future__ import annotations

from collections import Counter, deque

from vtcode_tui.common.files import sha256_of

REPEATS = 4
"""How often the same call may give the same answer, among the last calls, before the human is asked."""
_WINDOW = 16


class Repetition:
    """Remembers the last calls with what they answered."""

    def __init__(self) -> None:
        self._last: deque[str] = deque(maxlen=_WINDOW)

    def seen(self, tool: str, arguments: str, answer: str) -> int:
        """Note a call; how often the same one gave the same answer lately."""
        key = sha256_of("\0".join((tool, arguments, answer)))
        self._last.append(key)
        return Counter(self._last)[key]

    def forget(self) -> None:
        """Start counting anew: the human said to go on, or said something new."""
        self._last.clear()
