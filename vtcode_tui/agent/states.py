"""Where a turn is, as a table: what may happen in each state, and the state that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from vtcode_tui.events.live import TurnState

Phase: TypeAlias = Literal["idle", "thinking", "calling", "compacting"]
Word: TypeAlias = Literal["idle", "thinking", "calling", "waiting", "running", "compacting"]
Step: TypeAlias = Literal["prompt", "tools", "results", "answer", "stop", "compact", "compacted"]

TABLE: Mapping[tuple[Phase, Step], Phase] = {
    ("idle", "prompt"): "thinking",
    ("thinking", "tools"): "calling",
    ("thinking", "answer"): "idle",
    ("thinking", "compact"): "compacting",
    ("compacting", "compacted"): "thinking",
    ("calling", "results"): "thinking",
    ("thinking", "stop"): "idle",
    ("calling", "stop"): "idle",
    ("compacting", "stop"): "idle",
    ("idle", "stop"): "idle",
}
"""Anything that is not in the table is a defect and raises."""


class TurnTable:
    """Walks the table and tells readers the word for it; while calls are made, the word is what holds them up."""

    def __init__(self, publish: Callable[[TurnState], None]) -> None:
        self.phase: Phase = "idle"
        self.turn = 0
        self._publish = publish
        self._waiting = 0
        self._running = 0
        self._told: tuple[int, Word] = (0, "idle")

    @property
    def word(self) -> Word:
        """What the status bar says."""
        if self.phase == "calling":
            return "waiting" if self._waiting else "running" if self._running else "calling"
        return self.phase

    def step(self, step: Step, turn: int | None = None) -> None:
        """Take a step; raises KeyError where the table has none."""
        self.phase = TABLE[self.phase, step]
        if turn is not None:
            self.turn = turn
        if self.phase == "idle":
            self._waiting = self._running = 0
        self._tell()

    def asking(self, change: int) -> None:
        """One more call (1), or one less (-1), waits for the human."""
        self._waiting = max(0, self._waiting + change)
        self._tell()

    def running(self, change: int) -> None:
        """One more call (1), or one less (-1), is under way in the sandbox."""
        self._running = max(0, self._running + change)
        self._tell()

    def _tell(self) -> None:
        now = (self.turn, self.word)
        if now != self._told:
            self._told = now
            self._publish(TurnState(self.turn, self.word))
