"""The status bar: where we are, what contains us, who answers, what it costs, and what the turn does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vtcode_tui.render import MUTED, Span, Style, StyleName, cut, plain_line, spans_of
from vtcode_tui.tui.panes.heading import Row
from vtcode_tui.tui.sheet import width_of

TIERS: dict[str, StyleName] = {"full": "good", "kernel": "good", "seatbelt": "good", "none": "bad"}


@dataclass(frozen=True, slots=True)
class Status:
    """What the bar says."""

    workspace: str = ""
    title: str = ""
    trusted: bool | None = None
    tier: str = ""
    staged: int = 0
    mode: str = "build"
    model: str | None = None
    """None: not known yet; empty: there is none."""
    used: int = 0
    window: int = 0
    cost: float | None = None
    journal: str = ""
    journal_good: bool = True
    state: str = "idle"
    detail: str = ""
    queued: int = 0


def tokens(count: int) -> str:
    """1234 as 1.2k."""
    return str(count) if count < 1000 else f"{count / 1000:.1f}k" if count < 100_000 else f"{count // 1000}k"


def spans_for(status: Status, cells: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The left and the right side; at small widths the less urgent parts go first."""
    gap = Span("  ")
    state = {"idle": ("ready", "muted"), "waiting": ("waits for you", "caution")}.get(
        status.state, (status.state, "accent")
    )
    parts: list[tuple[int, tuple[Span, ...]]] = []
    words = state[0] + (f" {plain_line(status.detail)}" if status.detail else "")
    parts.append((0, (Span(cut(words, 32), Style(state[1])),)))  # type: ignore[arg-type]
    if status.queued:
        parts.append((1, (Span(f"{status.queued} queued", Style("caution")),)))
    name = status.title or status.workspace
    parts.append((4, spans_of(cut(plain_line(name), 28), MUTED)))
    if status.trusted is False:
        parts.append((1, (Span("not trusted", Style("bad")),)))
    if status.tier:
        parts.append((2, (Span(f"sandbox {status.tier}", Style(TIERS.get(status.tier, "caution"))),)))
    if status.mode != "build":
        parts.append((1, (Span(status.mode, Style("caution")),)))
    if status.staged:
        parts.append((1, (Span(f"{status.staged} to review", Style("caution")),)))
    if status.model is not None:
        model = spans_of(cut(plain_line(status.model), 30)) if status.model else (Span("no model", Style("bad")),)
        parts.append((3, model))
    if status.window:
        share = status.used * 100 // status.window
        colour: StyleName = "bad" if share >= 90 else "caution" if share >= 70 else "muted"
        parts.append((3, (Span(f"{tokens(status.used)}/{tokens(status.window)} {share}%", Style(colour)),)))
    if status.cost:
        parts.append((5, (Span(f"${status.cost:.2f}", MUTED),)))
    if status.journal:
        parts.append((5, (Span(status.journal, MUTED if status.journal_good else Style("bad")),)))
    right = (Span("F1 help  ^P commands ", MUTED),)
    for rank in (6, 5, 4, 3, 2):
        total = sum(width_of(spans) + 2 for _, spans in parts) + 1
        if total + width_of(right) + 2 > cells and rank == 6:
            right = (Span("F1 help ", MUTED),)
        if total + width_of(right) + 2 <= cells:
            break
        parts = [part for part in parts if part[0] < rank]
    left: tuple[Span, ...] = (Span(" "),)
    for _, spans in parts:
        left = (*left, *spans, gap)
    return left, right


class StatusBar(Row):
    """One row at the bottom of the screen."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self.status = Status()

    def tell(self, **changes: object) -> None:
        """Say something else."""
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        if self.size.width:
            self.show(*spans_for(self.status, self.size.width))

    def become(self, status: Status) -> None:
        """Say all of this instead."""
        self.status = status
        self.tell()

    def on_resize(self) -> None:
        """Another width has room for more or less."""
        self.show(*spans_for(self.status, self.size.width))
