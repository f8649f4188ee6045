"""Names for calls: a letter and a number, unique in a session, short and safe in file names."""

from __future__ import annotations

from collections.abc import Callable


class Numbers:
    """Counts each kind of call: `c` of the model, `h` of the human, `w` and `q` of vtcode itself."""

    def __init__(self, last: int = 0) -> None:
        self._begin = last
        self._last: dict[str, int] = {}

    def of(self, letter: str) -> Callable[[], str]:
        """A source of names with this letter."""

        def fresh() -> str:
            self._last[letter] = self._last.get(letter, self._begin) + 1
            return f"{letter}{self._last[letter]}"

        return fresh
