"""Names for calls: a letter and a number, unique in a session, short and safe in file names."""

from __future__ import annotations

from collections.abc import Callable


class Numbers:
    """One counter for all kinds of calls: `c` of the model, `h` of the human, `w` and `q` of vtcode itself."""

    def __init__(self, last: int = 0) -> None:
        self._last = last

    def of(self, letter: str) -> Callable[[], str]:
        """A source of names with this letter."""

        def fresh() -> str:
            self._last += 1
            return f"{letter}{self._last}"

        return fresh
