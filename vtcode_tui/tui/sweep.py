"""When the collector of garbage looks at everything: not while somebody waits for the screen.

A full collection walks every object that is alive and holds the loop for 50 to 200 ms, and Python begins one
whenever enough was made. Here the young generations are collected as ever, and a full one waits for a pause of
the keys. What outlived it is not walked again until a good deal more has come.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable
from typing import Any

from textual._styles_cache import StylesCache

PAUSE = 1.0
"""Seconds without a key before a full collection."""
MIDDLE = 3
"""Collections of the youngest generation after which the middle one is due: each waits for what one walks, and
ten, as Python has it, were up to 20 ms."""
DUE = 12
"""Collections of the middle generation after which a full one is due: it has some 10,000 objects to walk then."""
LONGEST = 600
"""And after which it is begun whoever types: about a million objects."""
GROWN = 100_000
"""Objects that have outlived full collections before all are walked again, for those that died since."""
AWAY = 60.0
"""Seconds without a key before that: it takes longest, a quarter of a second with a long session."""

Later = Callable[[float, Callable[[], object]], object]
"""Calls something after so many seconds, in the loop; may be asked from any thread."""


class Sweep:
    """Takes the full collections of this process over between `begin` and `end`."""

    def __init__(
        self, later: Later, pressed: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._later, self._pressed, self._clock = later, pressed, clock
        self._before: tuple[int, int, int] | None = None
        self._waits = False
        self._grown = 0

    def begin(self) -> None:
        """What there is now stays: leave it alone, and hold full collections back."""
        if self._before is None:
            self._before = gc.get_threshold()
            gc.callbacks.append(self._collected)
        gc.set_threshold(self._before[0], MIDDLE, 1 << 30)
        gc.freeze()
        self._grown = 0
        gc.enable()

    def end(self) -> None:
        """Let Python decide again."""
        if self._before is not None:
            gc.callbacks.remove(self._collected)
            gc.set_threshold(*self._before)
            _forget_widgets()
            gc.unfreeze()
            self._before = None

    def _collected(self, phase: str, told: dict[str, Any]) -> None:
        if phase == "stop" and told["generation"] == 1 and not self._waits and gc.get_count()[2] >= DUE:
            self._waits = True
            with contextlib.suppress(RuntimeError):
                # The loop may be closed already: then there is nobody left to wait.
                self._later(self._left(), self._when_quiet)

    def _left(self) -> float:
        # No longer than needed: the more there is to walk, the longer the walk holds the loop.
        return max(0.0, PAUSE - (self._clock() - self._pressed()))

    def _when_quiet(self) -> None:
        left = self._left()
        if left > 0 and gc.get_count()[2] < LONGEST:
            self._later(left, self._when_quiet)
            return
        self._waits = False
        if self._before is not None:
            self._walk()

    def _walk(self) -> None:
        _forget_widgets()
        if self._grown > GROWN and self._clock() - self._pressed() >= AWAY:
            gc.unfreeze()
            gc.collect()
            self._grown = 0
        else:
            gc.collect()
            # How much there is in all is not asked: Python counts it one by one, for longer than such a walk takes.
            self._grown += len(gc.get_objects(generation=2))
        gc.freeze()


def _forget_widgets() -> None:
    """Let go of painted rows: Textual remembers 1,024 widgets that were painted, for two styles of each."""
    StylesCache.get_inner_outer.cache_clear()
