"""A screen's state set aside: the keyframes by which a replay seeks backwards."""

from __future__ import annotations

import copy
from collections import Counter, deque
from dataclasses import dataclass

from vtcode_tui.terminal.grid import Grid
from vtcode_tui.terminal.state import State


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that `Screen.restore` needs. Rows are shared with the screen; nobody changes them."""

    kept: State
    decoder: tuple[bytes, int]
    pending: str
    string: str

    @classmethod
    def of(cls, state: State, decoder: tuple[bytes, int], pending: str, string: str) -> Snapshot:
        """Set aside a state that goes on changing."""
        return cls(_copy(state), decoder, pending, string)

    def state(self) -> State:
        """A state like the one that was set aside, to go on from."""
        return _copy(self.kept)


def _copy(state: State) -> State:
    new = copy.copy(state)
    new.counts = Counter(state.counts)
    new.reply = bytearray(state.reply)
    new.tabs = set(state.tabs)
    new.pens = state.pens.copy()
    new.clusters = state.clusters.copy()
    new.main = _grid(state.main)
    new.alternate = _grid(state.alternate) if state.alternate is not None else None
    new.grid = new.alternate or new.main
    return new


def _grid(grid: Grid) -> Grid:
    new = copy.copy(grid)
    new.texts, new.pens, new.wraps = grid.texts.copy(), grid.pens.copy(), grid.wraps.copy()
    new.history = deque(grid.history, grid.history.maxlen) if grid.history is not None else None
    return new
