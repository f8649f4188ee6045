"""Which panes are on the screen: a pure function of its size and of what the person chose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

Pane: TypeAlias = Literal["chat", "diff", "approvals", "terminal", "events"]
SIDE: tuple[Pane, ...] = ("diff", "terminal", "events")
PANES: tuple[Pane, ...] = ("chat", "diff", "approvals", "terminal", "events")

NARROW, WIDE, TALL = 100, 150, 40


LEAST, MOST = 20, 80
"""Percent of the width (or height) that the chat may take."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How the room is shared out: percent for the chat, and the rows of the side panes in relation."""

    rows: tuple[int, int, int] = (500, 500, 300)
    """Of diff, terminal and events."""
    chat: int = 50

    def of(self, pane: Pane) -> int:
        """The share of a side pane."""
        return self.rows[SIDE.index(pane)]

    def with_chat(self, percent: int) -> Shares:
        """The chat takes so much, as far as the others are left some."""
        return replace(self, chat=max(LEAST, min(MOST, percent)))

    def grown(self, pane: Pane, steps: int) -> Shares:
        """A side pane gets more rows (fewer, where `steps` is negative)."""
        total = sum(self.rows)
        grown = round(self.of(pane) * 1.25**steps)
        return self._with(pane, max(total // 12, min(total * 4 // 5, grown)))

    def parted(self, upper: Pane, lower: Pane, share: float) -> Shares:
        """The room of two neighbours is parted anew; the upper one gets this share of it."""
        both = self.of(upper) + self.of(lower)
        first = round(both * max(0.1, min(0.9, share)))
        return self._with(upper, first)._with(lower, both - first)

    def _with(self, pane: Pane, value: int) -> Shares:
        rows = list(self.rows)
        rows[SIDE.index(pane)] = max(1, value)
        return replace(self, rows=(rows[0], rows[1], rows[2]))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person wants to see."""

    selected: Pane = "chat"
    side: Pane = "diff"
    """The side pane seen last: shown beside the chat where there is room for one only."""
    zoomed: bool = False
    hidden: frozenset[Pane] = field(default_factory=frozenset)
    shares: Shares = field(default_factory=Shares)
    waiting: bool = False
    """Whether something waits for an approval: then its strip is always on the screen."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is shown; `stacked` puts the chat above the side panes instead of beside them."""

    visible: frozenset[Pane]
    stacked: bool = False


def arrange(width: int, height: int, choice: Choice) -> Arrangement:
    """All five at 160x48; the chat and one pane at middle sizes; one pane at a time at 80x24."""
    approvals: frozenset[Pane] = frozenset({"approvals"}) if choice.waiting else frozenset()
    roomy = width >= WIDE and height >= TALL
    if choice.selected == "approvals" or roomy:
        approvals = frozenset({"approvals"})
    if choice.zoomed and choice.selected != "approvals":
        return Arrangement(approvals | {choice.selected})
    if roomy:
        side: frozenset[Pane] = frozenset(SIDE)
    elif width >= NARROW and height >= TALL:
        side = frozenset({choice.side, "terminal" if choice.side == "diff" else "diff"})
    else:
        side = frozenset({choice.side})
    if width >= NARROW:
        return Arrangement(_keep(approvals | side | {"chat"}, choice), stacked=False)
    if height >= TALL:
        return Arrangement(_keep(approvals | {choice.side, "chat"}, choice), stacked=True)
    main: Pane = choice.selected if choice.selected in SIDE else "chat"
    return Arrangement(approvals | {main})


def _keep(panes: frozenset[Pane], choice: Choice) -> frozenset[Pane]:
    shown = panes - (choice.hidden - {choice.selected})
    if choice.waiting:
        shown |= {"approvals"}
    return shown if shown - {"approvals"} else shown | {"chat"}
