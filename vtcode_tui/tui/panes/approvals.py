"""The approval widget: what waits for the person, every byte of it, and what an answer would mean.

It never takes the focus and is never modal. The exact content comes first and is drawn from `request.shown` alone;
nothing else on the screen can stand in for it. The rules of when a yes counts are those of `tui.queue`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip

from vtcode_tui.render import MUTED, Line, Span, Style, StyleName, fold, hard_fold, plain_line, spans_of
from vtcode_tui.tui.panes.heading import Heading, Row
from vtcode_tui.tui.queue import ApprovalQueue, Rung, Waiting
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.workspace.changes import ChangeSet

RISKS: dict[str, StyleName] = {"low": "good", "medium": "caution", "high": "bad"}
LABELS = 9


def exact_rows(shown: str, cells: int) -> list[Line]:
    """The signed text, cut only where a row is full; nothing is added but the edge."""
    rows: list[Line] = []
    for text in shown.split("\n"):
        body = hard_fold(spans_of(text, Style("text", "code", bold=True)), max(1, cells - 4))
        for row in body:
            edge = Span(" ↪ " if row.joined else " ▌ ", Style("muted") if row.joined else Style("caution"))
            rows.append(Line((edge, *row.spans), joined=row.joined, fill="code"))
    return rows


def fact_rows(item: Waiting, cells: int, *, root: str = "") -> list[Line]:
    """Folder, policy, sandbox and scope of a request; beneath the exact content."""
    request = item.request
    decision = request.decision
    rows: list[Line] = []

    def fact(label: str, *spans: Span) -> None:
        head = Span(f"   {label:<{LABELS}} ", MUTED)
        rest = Span(" " * (LABELS + 4))
        rows.extend(fold(spans, cells - 1, first=(head,), rest=(rest,)))

    if str(request.call.cwd) not in request.shown:
        fact("in", *spans_of(plain_line(str(request.call.cwd)), Style("code")))
    fact(
        "why",
        Span(f"{decision.risk} risk", Style(RISKS.get(decision.risk, "caution"), bold=True)),
        Span(", rule ", MUTED),
        *spans_of(plain_line(decision.rule), Style("accent")),
        Span(": ", MUTED),
        *spans_of(plain_line(decision.reason)),
    )
    for check in decision.checks:
        if check.result in {"prompt", "deny"} and check.detail and check.detail != decision.reason:
            text = f"{check.name}: {check.detail}"
            fact("", *spans_of(plain_line(text), MUTED))
    for index, text in enumerate(request.sandbox):
        fact("sandbox" if index == 0 else "", *spans_of(plain_line(text)))
    rows += _scope_rows(item, cells)
    if request.changes is not None:
        rows += change_rows(request.changes, cells)
    return rows


def _scope_rows(item: Waiting, cells: int) -> list[Line]:
    def name(rung: Rung) -> str:
        scope = {"once": "once", "session": "this session", "always": "always"}[rung.scope]
        return scope if rung.rule is None else f"{scope}: {plain_line(rung.rule.name)}"

    rows: list[Line] = []
    head, rest = Span(f"   {'scope':<{LABELS}} ", MUTED), Span(" " * (LABELS + 4))
    spans: list[Span] = []
    for index, rung in enumerate(item.rungs):
        chosen = index == item.rung
        spans.append(Span("● " if chosen else "○ ", Style("accent") if chosen else MUTED))
        spans += spans_of(name(rung), Style("text", bold=True) if chosen else MUTED)
        spans.append(Span("   "))
    rows += fold(spans, cells - 1, first=(head,), rest=(rest,))
    rule = item.chosen.rule
    if rule is None:
        return rows
    text = json.dumps(dict(rule.rule), ensure_ascii=True, default=str)
    rows += hard_fold((Span(f"   {'rule':<{LABELS}} ", MUTED), *spans_of(text, Style("code", "code"))), cells - 1)
    if rule.text:
        rows += fold(spans_of(plain_line(rule.text)), cells - 1, first=(rest,), rest=(rest,))
    for label, examples in (("also", rule.also_allows), ("not", rule.still_prompts)):
        if examples:
            words = ", ".join(plain_line(example) for example in examples)
            front = Span(f"   {label:<{LABELS}} ", MUTED)
            rows += fold(
                spans_of(words, Style("caution" if label == "also" else "muted")),
                cells - 1,
                first=(front,),
                rest=(rest,),
            )
    return rows


def change_rows(changes: ChangeSet, cells: int) -> list[Line]:
    """What an edit would do, line by line: shown where changes cannot be staged and reviewed afterwards."""
    rows: list[Line] = []
    for file in changes.files:
        rows.append(
            Line((Span(f"   {file.op:<{LABELS}} ", MUTED), *spans_of(plain_line(file.path), Style("accent"))))
        )
        for hunk in file.hunks:
            for sign, style, lines in (("-", "removed", hunk.old_lines), ("+", "added", hunk.new_lines)):
                for raw in lines:
                    text = plain_line(raw.decode(errors="replace").rstrip("\n"))
                    look = Style(style, style)  # type: ignore[arg-type]
                    for row in hard_fold((Span(f"{sign} ", look), *spans_of(text, look)), cells - 5):
                        rows.append(Line((Span("   "), *row.spans), joined=row.joined, fill=style))  # type: ignore[arg-type]
    return rows


class Content(Sheet, can_focus=False):
    """The exact content and the facts of the request on the screen."""

    def __init__(self, queue: ApprovalQueue) -> None:
        super().__init__(id="approval-content")
        self._queue = queue
        self._item: Waiting | None = None
        self._width = -1
        self._rows: list[Line] = []
        self._exact = 0

    def lay(self) -> None:
        """Lay the current request out; at another width everything must be seen again."""
        item = self._queue.current
        width = self.text_width
        fresh = item is not self._item
        if item is None:
            self._rows, self._exact = [], 0
        else:
            exact = exact_rows(item.request.shown, width)
            if item.request.changes is not None:
                exact += change_rows(item.request.changes, width)
            self._exact = len(exact)
            self._rows = [*exact, *fact_rows(item, width)]
            if fresh or width != self._width:
                self._queue.laid_out(item, self._exact, again=not fresh)
        self._item, self._width = item, width
        self.redraw()
        if fresh:
            self.scroll_to(y=0, animate=False, immediate=True)

    def row_count(self) -> int:
        """All rows of the request."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]

    def render_line(self, y: int) -> Strip:
        """Draw a row, and note that it is on the screen."""
        index = int(self.scroll_offset.y) + y
        if self._item is not None and index < self._exact and self.app.screen is self.screen:
            before = self._item.complete
            self._queue.saw(self._item, index)
            if self._item.complete != before:
                self.call_later(self._queue.on_change)
        return super().render_line(y)

    def on_resize(self, event: events.Resize) -> None:
        """Another width cuts the rows elsewhere."""
        self.lay()


class ApprovalPane(Vertical):
    """Heading, content, and the row of answers."""

    def __init__(self, queue: ApprovalQueue) -> None:
        super().__init__(id="approvals")
        self.queue = queue
        self.heading = Heading("approvals", "F4", id="approvals-heading")
        self.content = Content(queue)
        self.answers = Row(id="approval-answers")
        self.unfolded = False
        self._settle_due = 0.0

    def compose(self) -> ComposeResult:
        """Three parts, top to bottom."""
        yield self.heading
        yield self.content
        yield self.answers

    def on_mount(self) -> None:
        """Show that nothing waits; the clock of waiting stands still meanwhile."""
        self._clock = self.set_interval(1.0, self._tell, pause=True)
        self.show()

    def show(self) -> None:
        """Something about the queue changed."""
        waiting = bool(self.queue.waiting)
        self.set_class(waiting, "-waiting")
        self.set_class(self.unfolded, "-unfolded")
        self.content.lay()
        if waiting:
            self._clock.resume()
        else:
            self._clock.pause()
        self._fit()
        self._tell()

    def _fit(self) -> None:
        rows = self.content.row_count() + 2
        self.styles.height = max(1, rows) if self.queue.waiting else 1

    def on_resize(self, event: events.Resize) -> None:
        """Rows were cut elsewhere: the height that fits is another one."""
        self.call_after_refresh(self._fit)

    def _tell(self) -> None:
        item = self.queue.current
        if item is None:
            self.heading.tell("nothing waits for you")
            self.answers.show(())
            return
        index, count = self.queue.waiting.index(item) + 1, len(self.queue.waiting)
        waited = max(0, int(self.queue.clock() - item.since))
        spans = (
            Span(f"{index} of {count}  ", Style("caution", bold=True)),
            *spans_of(plain_line(item.request.call.tool), Style("accent")),
            Span(f"  waits {waited // 60}:{waited % 60:02d}", MUTED),
        )
        more = "alt+↑↓ others  " if count > 1 else ""
        self.heading.tell(spans, f"{more}F4 {'fold' if self.unfolded else 'open up'}")
        self._tell_answers(item)

    def _tell_answers(self, item: Waiting) -> None:
        now = self.queue.clock()
        state = item.readiness(now, self.queue.grace)
        scope = {"once": "once", "session": "for this session", "always": "always"}[item.chosen.scope]
        yes = f" ^Y approve {scope} "
        no, why, edit, wider = " ^N deny ", " alt+n and say why ", " alt+e edit ", " alt+s scope "
        actions = {no: "screen.deny", why: "screen.deny_why", edit: "screen.edit_command", wider: "screen.scope"}
        left: tuple[Span, ...]
        match state:
            case "ready":
                left = (Span(" "), Span(yes, Style("good", "human", bold=True)))
                actions[yes] = "screen.approve_click"
            case "settling":
                left = (Span(" "), Span(yes, Style("muted", "human")))
                wait = max(0.0, self.queue.grace - (now - item.changed)) + 0.01
                if now + wait > self._settle_due:
                    self._settle_due = now + wait
                    self.set_timer(wait, self._tell)
            case _:
                left = (
                    Span(" "),
                    Span(f" read on: {item.unseen()} more rows (ctrl+↓) ", Style("caution", "human")),
                )
        left = (*left, Span("  "), Span(no, Style("bad", "human")), Span(why, MUTED), Span(edit, MUTED))
        if len(item.rungs) > 1:
            left = (*left, Span(wider, MUTED))
        self.answers.show(left, actions=actions)

    def read(self, direction: int) -> None:
        """Scroll the content by what is on the screen, less one row."""
        page = max(1, self.content.scrollable_content_region.height - 1)
        self.content.scroll_relative(y=direction * page, animate=False, immediate=True)
