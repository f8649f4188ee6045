"""The runs of the terminal pane: each on a screen of its own, and how they are told apart in one row of tabs."""

from __future__ import annotations

import shlex
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Span, Style, StyleName, cut, plain_line
from vtcode_tui.tui.brush import width_of

if TYPE_CHECKING:
    from vtcode_tui.terminal import Screen, Snapshot

FRAME_BYTES = 128 << 10
"""The viewer keeps a screen each time that a run has written so much."""
TABS = 5
"""Tabs that are shown at once, at most."""
KEPT_RUNS = 24
BACKLOG = 512 << 10
"""Bytes that may wait to be parsed: more than the scrollback holds of ordinary output."""


@dataclass(frozen=True, slots=True)
class Written:
    """What is kept of a run that has ended: the end of its output as a terminal wants it, and how it ended."""

    columns: int = 80
    rows: int = 24
    data: bytes = b""
    ending: str = ""
    """Empty where nothing says it."""
    good: bool = True
    skipped: int = 0
    """Bytes before `data` that are not read."""


def blank_screen(columns: int, rows: int) -> Screen:
    """An empty screen."""
    from vtcode_tui.terminal import Screen  # loaded with the first run, not with the first paint

    return Screen(columns, rows)


@dataclass(slots=True, eq=False)
class RunView:
    """One run on its screen."""

    call: str
    title: str
    blank: Callable[[], Screen]
    """Makes the screen that it begins with."""
    terminal: bool
    ending: str = ""
    good: bool = True
    waiting: deque[bytes] = field(default_factory=deque)
    backlog: int = 0
    skipped: int = 0
    eaten: int = 0
    """Pieces of output that its screen has taken in."""
    frames: Frames | None = None
    """Set by the viewer: screens on the way, to go back to."""
    source: Callable[[], Written] | None = None
    """Reads what it wrote, where that is on disk only."""
    _screen: Screen | None = None

    @property
    def screen(self) -> Screen:
        """The screen, made when somebody looks at it or writes on it: most runs of a recording are not seen."""
        if self._screen is None:
            self._screen = self.blank()
        return self._screen

    def take(self, written: Written) -> None:
        """Show what was kept, on a screen of the size that it was written for."""
        self.wipe()
        self.blank = partial(blank_screen, written.columns, written.rows)
        self.waiting.append(written.data)
        self.backlog, self.skipped = len(written.data), written.skipped
        if written.ending:
            self.ending, self.good = written.ending, written.good

    def wipe(self) -> None:
        """Begin with an empty screen again."""
        self._screen, self.eaten = None, 0
        self.waiting.clear()


@dataclass(slots=True, eq=False)
class Frames:
    """Screens of one run after so many pieces of its output, in order; the viewer goes back by them."""

    kept: list[tuple[int, Snapshot]] = field(default_factory=list)
    unkept: int = 0
    """Bytes taken in since the last one was kept."""

    def keep(self, view: RunView, size: int) -> None:
        """Note the screen of a view that has just taken in a piece of so many bytes, if it is time."""
        self.unkept += size
        last = self.kept[-1][0] if self.kept else 0
        if view.eaten > last and (self.unkept >= FRAME_BYTES or not view.waiting):
            self.kept.append((view.eaten, view.screen.snapshot()))
            self.unkept = 0

    def latest(self, pieces: int) -> tuple[int, Snapshot] | None:
        """The last screen after at most so many pieces."""
        place = bisect_right(self.kept, pieces, key=lambda frame: frame[0])
        return self.kept[place - 1] if place else None


def lines_of(data: bytes, terminal: bool) -> bytes:
    """Output as a terminal wants it: that of a pipe has line feeds only."""
    return data if terminal else data.replace(b"\n", b"\r\n")


def short(title: str) -> str:
    """What a command is called in its tab: the program, and its first word that is no option."""
    try:
        words = shlex.split(title)
    except ValueError:
        words = title.split()
    while words and ("=" in words[0] or words[0] in {"env", "sudo", "time", "exec"}):
        words = words[1:]
    named = (
        [PurePath(words[0]).name, *[word for word in words[1:] if not word.startswith("-")][:1]] if words else []
    )
    return cut(plain_line(" ".join(named)), 14) or "run"


def _mark(view: RunView) -> tuple[str, StyleName]:
    if not view.ending:
        return "●", "accent"
    return ("✓", "good") if view.good else ("✗", "bad")


def tabs(views: Iterable[RunView], front: RunView | None, cells: int) -> tuple[tuple[Span, ...], dict[str, str]]:
    """One tab for the run in front (where none is, for the last) and as many around it as `cells` have room for.

    And what a click on each does.
    """
    runs = list(views)
    place = runs.index(front) if front is not None else len(runs) - 1
    parts = [_tab(number, view, view is front) for number, view in enumerate(runs, 1)]
    first, last = place, place
    all_fit = len(runs) <= TABS and sum(map(width_of, parts)) <= cells
    # Where not all are shown, it is said how many are not, on either side.
    room = cells - width_of(parts[place]) - (0 if all_fit else 2 * len(f"‹{len(runs)} ") + 1)
    # To both sides in turn: what is to be seen are the neighbours.
    while last - first + 1 < min(TABS, len(runs)):
        sides = [at for at in (first - 1, last + 1) if 0 <= at < len(runs)]
        near = min(sides, key=lambda at: (abs(at - place), at))
        room -= width_of(parts[near])
        if room < 0:
            break
        first, last = min(first, near), max(last, near)
    spans: list[Span] = [Span(f"‹{first} ", MUTED)] if first else []
    for part in parts[first : last + 1]:
        spans += part
    if rest := len(runs) - 1 - last:
        spans.append(Span(f" {rest}› ", MUTED))
    return tuple(spans), {parts[at][0].text: f"screen.run_tab({at})" for at in range(first, last + 1)}


def _tab(number: int, view: RunView, in_front: bool) -> tuple[Span, Span]:
    mark, colour = _mark(view)
    look = Style("heading", "human", bold=True) if in_front else MUTED
    return Span(f" {number} {short(view.title)} ", look), Span(f"{mark} ", Style(colour, look.ground))
