"""The approval widget: what waits for the person, every byte of it, and what an answer would mean.

It never takes the focus and is never modal. The exact content comes first and is drawn from `request.shown` alone;
nothing else on the screen can stand in for it. The rules of when a yes counts are those of `tui.queue`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets._toast import ToastRack

from vtcode_tui.render import MUTED, Line, Span, Style, plain_line, spans_of
from vtcode_tui.tui.keys import key_on
from vtcode_tui.tui.panes.approval_rows import RISKS, change_rows, exact_rows, fact_rows, sandbox_rows, scope_rows
from vtcode_tui.tui.panes.approval_tree import Tree
from vtcode_tui.tui.panes.heading import Heading, Keys
from vtcode_tui.tui.queue import ApprovalQueue, Waiting
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.render.explanation import Node

COVERED_SECONDS = 0.3
"""After this time a row that something lay over is looked at again."""
NARROW = 78
"""Cells below which the answers take two rows."""


class Content(Sheet, can_focus=False):
    """The exact content and the facts of the request on the screen."""

    alike = False  # each row is drawn by itself, since the drawing of each counts

    def __init__(self, queue: ApprovalQueue) -> None:
        super().__init__(id="approval-content")
        self._queue = queue
        self._item: Waiting | None = None
        self._width = -1
        self._rows: list[Line] = []
        """All of them must have been on the screen before a yes counts."""
        self._exact: list[Line] = []
        self.parts = Tree()
        self._told_of: dict[int, Node] = {}
        """By row, the command of the policy's explanation that a click there opens or folds."""

    def lay(self) -> None:
        """Lay the current request out; at another width everything must be seen again."""
        item = self._queue.current
        # Before it has been on the screen it has no width; the gutter of its scroll bar is always there.
        width = self.text_width if self.size.width else max(1, self.app.size.width - 1)
        fresh = item is not self._item
        if fresh:
            self.parts.forget()
        self._told_of = {}
        if item is None:
            self._rows, self._exact = [], []
        else:
            if fresh or width != self._width:
                self._exact = exact_rows(item.request.shown, width)
                if item.request.changes is not None:
                    self._exact += change_rows(item.request.changes, width)
            explanation = item.request.decision.explanation
            before = [*self._exact, *fact_rows(item, width, self.parts.tells(explanation))]
            tree = self.parts.rows(explanation, width, key_on(self.app, "explain"))
            self._told_of = {len(before) + number: node for number, (_, node) in enumerate(tree)}
            lines = [line for line, _ in tree]
            self._rows = [*before, *lines, *sandbox_rows(item, width), *scope_rows(item, width)]
            rule = item.chosen.rule
            kept = "" if rule is None else json.dumps(dict(rule.rule), sort_keys=True, default=str)
            layout = (width, len(self._exact), f"{self.parts.state} {item.chosen.scope} {kept}")
            self._queue.laid_out(item, len(self._rows), layout)
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
        if self._item is not None and index < len(self._rows) and self.app.screen is self.screen:
            if self._covered(y):
                self.set_timer(COVERED_SECONDS, self.refresh)
            else:
                before = self._item.complete
                self._queue.saw(self._item, index)
                if self._item.complete != before:
                    self.call_later(self._queue.on_change)
        return super().render_line(y)

    def _covered(self, y: int) -> bool:
        """Whether a toast lies over a row of the screen: what is behind it was not seen."""
        region = self.content_region
        row = Region(region.x, region.y + y, region.width, 1)
        racks = (child for child in self.screen.children if isinstance(child, ToastRack))
        return any(row.overlaps(toast.region) for rack in racks for toast in rack.query("Toast"))

    def on_resize(self, event: events.Resize) -> None:
        """Another width cuts the rows elsewhere."""
        self.lay()

    def on_click(self, event: events.Click) -> None:
        """A click on a row of the explanation opens or folds what it tells of."""
        node = self._told_of.get(event.y + int(self.scroll_offset.y))
        if node is not None and event.chain == 1 and self.text_selection is None:
            self.parts.flip(node)
            self.post_message(self.Opened())

    class Opened(Message):
        """More, or less, of the explanation is on the screen."""


class ApprovalPane(Vertical):
    """Heading, content, and the row of answers."""

    def __init__(self, queue: ApprovalQueue) -> None:
        super().__init__(id="approvals")
        self.queue = queue
        self.heading = Heading("approvals", key="pane.approvals", id="approvals-heading")
        self.content = Content(queue)
        self.answers = Keys(id="approval-answers")
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
        # A fixed number of rows for each width: what is read must not move when the answers change their words.
        narrow = self.size.width < NARROW
        self.set_class(narrow, "-narrow")
        rows = self.content.row_count() + (3 if narrow else 2)
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
        risk = item.request.decision.risk
        spans = (
            Span(f"{index} of {count}  ", Style("caution", bold=True)),
            *spans_of(plain_line(item.request.call.tool), Style("accent")),
            Span(f"  {risk} risk", Style(RISKS.get(risk, "caution"), bold=True)),
            Span(f"  waits {waited // 60}:{waited % 60:02d}", MUTED),
        )
        more = f"{self._key('next')} next  " if count > 1 else ""
        self.heading.tell(spans, f"{more}{self._key('pane.approvals')} {'fold' if self.unfolded else 'open up'}")
        self._tell_answers(item)

    def _key(self, name: str) -> str:
        return key_on(self.app, name)

    def _tell_answers(self, item: Waiting) -> None:
        now = self.queue.clock()
        state = item.readiness(now, self.queue.grace)
        scope = {"once": "once", "session": "for this session", "always": "always"}[item.chosen.scope]
        yes = f" {self._key('approve')} approve {scope} "
        answers: list[tuple[str, Style, str]] = [
            (f" {self._key('deny')} deny ", Style("bad", "human"), "deny"),
            (f" {self._key('deny.why')} why ", MUTED, "deny_why"),
            (f" {self._key('edit')} edit ", MUTED, "edit_command"),
        ]
        if item.chosen.rule is not None:
            answers.append((f" {self._key('rule')} rule ", MUTED, "rule"))
        if len(item.rungs) > 1:
            answers.append((f" {self._key('scope')} scope ", MUTED, "scope"))
        first: tuple[str, Style, str]
        match state:
            case "ready":
                first = (yes, Style("good", "human", bold=True), "approve_click")
            case "settling":
                first = (yes, Style("muted", "human"), "")
                self._look_again(max(0.0, self.queue.grace - (now - item.changed)) + 0.01, now)
            case _:
                left = item.unseen()
                text = f" read on: {left} more row{'s' * (left != 1)} ({self._key('read.down')}) "
                first = (text, Style("caution", "human"), "read(1)")
        if (alike := len(self.queue.alike(now))) > 1:
            answers.insert(0, (f" {self._key('alike')} all {alike} ", Style("good", "human"), "alike_click"))
        spans = [Span(" "), Span(*first[:2]), Span("  "), *(Span(text, style) for text, style, _ in answers)]
        actions = {text: f"screen.{action}" for text, _, action in (first, *answers) if action}
        self.answers.show(tuple(spans), actions=actions)

    def _look_again(self, wait: float, now: float) -> None:
        """Draw the answers anew when the grace is over."""
        if now + wait > self._settle_due:
            self._settle_due = now + wait
            self.set_timer(wait, self._tell)

    def explain(self) -> None:
        """Open the policy's explanation further, or fold it."""
        self.content.parts.step()
        self.show()

    def on_content_opened(self) -> None:
        """The same by a click."""
        self.show()

    def read(self, direction: int) -> None:
        """Scroll the content by what is on the screen, less one row."""
        page = max(1, self.content.scrollable_content_region.height - 1)
        self.content.scroll_relative(y=direction * page, animate=False, immediate=True)
