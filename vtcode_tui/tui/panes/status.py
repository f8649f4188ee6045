"""The status bar: where we are, what contains us, who answers, what it costs, and what the turn does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.strip import Strip

from vtcode_tui.render import MUTED, Span, Style, StyleName, cut, cut_spans, plain_line, spans_of
from vtcode_tui.render.telling import plural
from vtcode_tui.tui.brush import width_of
from vtcode_tui.tui.keys import EVERYWHERE, Hint, first_key, footer, key_for
from vtcode_tui.tui.panes.heading import Row, hinted

_REVIEW = Hint(key_for("pane.diff"), "to review", first_key("pane.diff"))
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
    why: str = ""
    """Why another model than the chosen one answers."""
    used: int = 0
    window: int = 0
    cost: float | None = None
    cached: float | None = None
    """The share of all input that came out of the provider's prompt caches."""
    journal: str = ""
    journal_good: bool = True
    state: str = "idle"
    detail: str = ""
    runs: int = 0
    """Runs that have not ended, those that no turn waits for included."""
    queued: int = 0
    keys: tuple[Hint, ...] = ()
    """Keys of what has the focus, and a word for each."""
    always: tuple[Hint, ...] = footer((EVERYWHERE,))
    review: Hint = _REVIEW
    """The key to what is staged."""

    @property
    def staged_text(self) -> str:
        """How much is staged, and where it is to be seen."""
        return f"{self.staged} {self.review.word} ({self.review.key})"


def tokens(count: int) -> str:
    """1234 as 1.2k."""
    return str(count) if count < 1000 else f"{count / 1000:.1f}k" if count < 100_000 else f"{count // 1000}k"


Part = tuple[int, tuple[Span, ...]]
"""How dispensable a part is (0: never), and what it says."""
_ALL = 8
_WHY, _LEAST_WHY = -1, 20
"""The rank of the reason for another model, which is cut before it pushes anything off, and its least cells."""


def _turn(status: Status) -> list[Part]:
    words, colour = {"idle": ("ready", "muted"), "waiting": ("waits for you", "caution")}.get(
        status.state, (status.state, "accent")
    )
    if status.detail:
        words += f" {plain_line(status.detail)}"
    parts: list[Part] = [(0, (Span(cut(words, 32), Style(colour)),))]  # type: ignore[arg-type]
    if (beside := status.runs - (status.state == "running")) > 0:
        parts.append((1, (Span(f"{plural(beside, 'run')} going on", Style("accent")),)))
    if status.queued:
        parts.append((1, (Span(f"{status.queued} queued", Style("caution")),)))
    return parts


def _place(status: Status) -> list[Part]:
    parts: list[Part] = [(5, spans_of(cut(plain_line(status.title or status.workspace), 28), MUTED))]
    if status.trusted is False:
        parts.append((1, (Span("not trusted", Style("bad")),)))
    if status.tier == "none":
        parts.append((0, (Span("NO SANDBOX", Style("bad", bold=True)),)))
    elif status.tier:
        parts.append((2, (Span(f"sandbox {plain_line(status.tier)}", Style(TIERS.get(status.tier, "caution"))),)))
    if status.mode != "build":
        parts.append((1, (Span(plain_line(status.mode), Style("caution")),)))
    if status.staged:
        parts.append((1, (Span(status.staged_text, Style("caution")),)))
    return parts


def _model(status: Status, cells: int) -> list[Part]:
    """`cells` are those of the whole bar."""
    parts: list[Part] = []
    if status.model is not None:
        most = 22 if status.why else 30
        named = spans_of(cut(plain_line(status.model), most)) if status.model else (Span("no model", Style("bad")),)
        # Who took over is said for as long as it is said why.
        parts.append((1 if status.why else 4, named))
        if status.why:
            parts.append((_WHY, spans_of(cut(plain_line(status.why), cells * 5 // 8), Style("caution"))))
    if status.window:
        share = status.used * 100 // status.window
        colour: StyleName = "bad" if share >= 90 else "caution" if share >= 70 else "muted"
        parts.append(
            (
                3 if share < 70 else 1,
                (Span(f"{tokens(status.used)}/{tokens(status.window)} {share}%", Style(colour)),),
            )
        )
    if status.cached:
        parts.append((6, (Span(f"{status.cached:.0%} cached", MUTED),)))
    if status.cost:
        parts.append((6, (Span(f"${status.cost:.2f}", MUTED),)))
    if status.journal:
        parts.append(
            (
                6 if status.journal_good else 0,
                (Span(status.journal, MUTED if status.journal_good else Style("bad")),),
            )
        )
    return parts


def _tries(keys: int) -> list[tuple[int, int]]:
    """What is said, from everything to the least: parts below a rank, and how many keys of what has the focus.

    The second key goes before the context's meter, the first (what stops a turn) only after it.
    """
    fewer = [(5, count) for count in range(keys - 1, 1, -1)]
    second, first = min(keys, 2), min(keys, 1)
    least = [(4, second), (4, first), (3, first), (3, 0), (2, 0)]
    return [(_ALL, keys), (7, keys), (6, keys), (5, keys), *fewer, *least]


def spans_for(status: Status, cells: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The left and the right side; where there is little room the more dispensable parts go first."""
    parts = [*_turn(status), *_place(status), *_model(status, cells)]
    for least, keys in _tries(len(status.keys)):
        parts = [part for part in parts if part[0] < least]
        # The key of the list of all keys is the last to go.
        right = _hints((*status.keys[:keys], *status.always[: None if least == _ALL else 1]))
        if _total(parts) + width_of(right) <= cells:
            break
    over = _total(parts) + width_of(right) - cells
    left: tuple[Span, ...] = ()
    for rank, spans in parts:
        if rank == _WHY and over > 0:
            spans = cut_spans(spans, max(_LEAST_WHY, width_of(spans) - over))
        left = (*left, Span("  " if left else " "), *spans)
    return left, right


def _total(parts: list[Part]) -> int:
    """The cells of the left side and of the two that stand between it and the right one."""
    return sum(width_of(spans) + 2 for _, spans in parts) + 1


def _hints(hints: Sequence[Hint]) -> tuple[Span, ...]:
    return (*hinted(hints)[0], Span(" ", MUTED))


class StatusBar(Row):
    """One row at the bottom of the screen; laid out when it is drawn, however often it is told something."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self.status = Status()

    def tell(self, **changes: object) -> None:
        """Say something else."""
        self.become(replace(self.status, **changes))  # type: ignore[arg-type]

    def answers(self, model: str, why: str = "") -> None:
        """Name the model that answers; `why` it is another one than before, which stays for as long as it does."""
        self.tell(model=model, why=why or (self.status.why if model == self.status.model else ""))

    def become(self, status: Status) -> None:
        """Say all of this instead."""
        if status != self.status:
            self.status = status
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw what there is room for."""
        self.left, self.right = spans_for(self.status, self.size.width)
        self.clicks = hinted((*self.status.keys, *self.status.always))[1]
        self.clicks[self.status.staged_text] = f"app.press({self.status.review.press!r})"
        return super().render_line(y)
