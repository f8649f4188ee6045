"""The event log: every event of the session in one sheet, filtered, opened as a tree.

A row is made when it is drawn, from an event that is read when it is looked at. An opened event has more rows
beneath it; everything else is arithmetic on places, so that a million events cost a few numbers each.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import events
from textual.message import Message

from vtcode_tui.common.clock import local
from vtcode_tui.render import MUTED, Line, Span, Style, StyleName, plain_line, spans_of
from vtcode_tui.tui.keys import EVENTS, PANE, bindings
from vtcode_tui.tui.live_log import LiveLog
from vtcode_tui.tui.panes.event_filter import EventFilter, Searchable
from vtcode_tui.tui.panes.origin import Origin
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vtcode_tui.events.types import Event

FRAME = 1 / 15
TREE_ROWS = 400
PIECE = 100
"""So many events are filtered between two looks at the clock."""
TURN = 0.006
"""Seconds that a filter or an export works before it lets everybody else have their turn."""
ALL = 1 << 60


def tree(value: Any, depth: int = 1, name: str = "") -> list[Line]:
    """A value of JSON as an indented tree."""
    indent = Span("  " * depth + "  ")
    head = (indent, *spans_of(f"{plain_line(name)}  ", Style("accent"))) if name else (indent,)
    match value:
        case dict() if value:
            rows = [Line(head)] if name else []
            for key, item in value.items():
                rows += tree(item, depth + bool(name), str(key))
            return rows
        case list() | tuple() if value:
            rows = [Line(head)] if name else []
            for item in value:
                rows += tree(item, depth + 1, "" if isinstance(item, dict | list) else "-")
            return rows
        case str() if "\n" in value:
            rows = [Line(head)]
            body = Span("  " * (depth + 1) + "  ")
            rows += [Line((body, *spans_of(plain_line(text), Style("code")))) for text in value.split("\n")]
            return rows
        case str():
            return [Line((*head, *spans_of(plain_line(value), Style("code"))))]
        case _:
            return [Line((*head, *spans_of(plain_line(repr(value)), Style("syntax.number"))))]


class EventPane(Sheet):
    """Everything that happened, as the journal has it."""

    BINDINGS = bindings(PANE, EVENTS)
    follow_at_start = True
    click_moves = True
    click_selects = False

    class Goto(Message):
        """Show what belongs to an event in its own pane."""

        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

    class Filtering(Message):
        """The person wants to type a filter."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Export(Message):
        """The person wants events, by their places, kept in a file."""

        def __init__(self, places: Sequence[int]) -> None:
            super().__init__()
            self.places = places

    class Copied(Message):
        """Text for the clipboard."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text, self.what = text, what

    class Counted(Message):
        """The heading must say something else."""

    def __init__(self, row_of: Callable[[Event], tuple[Span, ...]] | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row_of = row_of
        self.live = LiveLog()
        """What happens here; not used by the viewer."""
        self.events: Searchable = self.live
        self._reach: int | None = None
        """How many of the events have happened already (the viewer); None: all of them."""
        self._shown: list[int] | None = None
        """Places of events that pass the filter; None: all do."""
        self._filtered = ALL
        """How many events the filter has looked at, while it is at work."""
        self.filter = EventFilter("")
        self.chain: tuple[Span, ...] = ()
        """What is known about the journal's chain."""
        self._open: dict[int, list[Line]] = {}
        self._open_at: list[int] = []
        """Positions in what is shown of the opened events that have happened, ascending."""
        self._before: list[int] = []
        """Rows that opened events add before each of them."""
        self._pending = False

    # What is in it.

    def add(self, event: Event) -> None:
        """One more event."""
        self.live.add(event)
        if self.filtering:
            return  # its piece comes yet
        if self._shown is not None:
            if not self.filter.passes(event):
                return
            self._shown.append(len(self.live) - 1)
        self._soon()

    def load(self, events: Searchable, reach: int) -> None:
        """All events of a journal at once (the viewer), of which the first `reach` have happened."""
        self.events, self._reach = events, reach
        self.narrow(self.filter.text)

    def reach(self, count: int) -> None:
        """The first `count` events have happened (the viewer)."""
        if count != self._reach:
            self._reach = count
            self._fold_index()
            if self.cursor is not None and (self.following or self.cursor >= self.row_count()):
                self.cursor = max(0, self.row_count() - 1)
            self.grown()
            self.post_message(self.Counted())

    def narrow(self, text: str) -> None:
        """Show only what passes; raises ValueError with what is wrong about the filter."""
        self.filter = EventFilter(text)
        self._filtered = ALL
        self._open.clear()
        self._fold_index()
        self.workers.cancel_node(self)
        count = len(self.events)
        self._shown = self.filter.places(self.events, 0, min(count, PIECE)) if text.strip() else None
        if self._shown is not None and count > PIECE:
            self._filtered = PIECE
            work: Any = partial(self._filter_on, self._shown)
            self.run_worker(work, group="filtering", exclusive=True)
        self.cursor = None if self.cursor is None else max(0, self.shown_count() - 1)
        self.following = True
        self.redraw()
        self.post_message(self.Counted())

    async def _filter_on(self, shown: list[int]) -> None:
        """Filter the rest of a long log piece by piece, so that keys are answered meanwhile."""
        until = time.perf_counter() + TURN
        while self._filtered < len(self.events):
            if time.perf_counter() >= until:
                self._soon()
                await asyncio.sleep(0)
                until = time.perf_counter() + TURN
            begin, end = self._filtered, min(len(self.events), self._filtered + PIECE)
            self._filtered = end
            shown += self.filter.places(self.events, begin, end)
        self._filtered = ALL
        self.post_message(self.Counted())

    @property
    def filtering(self) -> bool:
        """Whether the filter is still at work."""
        return self._filtered != ALL

    def total(self) -> int:
        """How many events have happened."""
        return len(self.events) if self._reach is None else min(self._reach, len(self.events))

    def shown_count(self) -> int:
        """How many of them pass the filter."""
        total = self.total()
        if self._shown is None:
            return total
        return len(self._shown) if self._reach is None else bisect_left(self._shown, total)

    @property
    def zone(self) -> str:
        """The time zone that its times are in, where the last event is; empty where there is none."""
        return local(self.events[self.total() - 1].time).zone if self.total() else ""

    def tell_chain(self, text: str, style: StyleName) -> None:
        """Say what is known about the journal's chain."""
        self.chain = spans_of(plain_line(text), Style(style))
        self.post_message(self.Counted())

    def _soon(self) -> None:
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(FRAME, self._frame)

    def _frame(self) -> None:
        self._pending = False
        if self.following and self.cursor is not None and not self.has_focus:
            self.cursor = max(0, self.row_count() - 1)
        self.grown()
        self.post_message(self.Counted())

    # Rows.

    def _fold_index(self) -> None:
        shown = self.shown_count()
        self._open_at = sorted(at for at in self._open if at < shown)
        total, self._before = 0, []
        for at in self._open_at:
            self._before.append(total)
            total += len(self._open[at])

    def row_count(self) -> int:
        """Events and the rows of those that are open."""
        extra = self._before[-1] + len(self._open[self._open_at[-1]]) if self._open_at else 0
        return self.shown_count() + extra

    def _locate(self, y: int) -> tuple[int, int]:
        """The position of the event that row `y` belongs to, and the row within it (0: the event's own)."""
        low, high = 0, len(self._open_at)
        while low < high:
            middle = (low + high) // 2
            if self._open_at[middle] + self._before[middle] < y:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return y, 0
        at = self._open_at[low - 1]
        inside = y - (at + self._before[low - 1])
        size = len(self._open[at])
        return (at, inside) if inside <= size else (y - self._before[low - 1] - size, 0)

    def event_at(self, y: int) -> Event | None:
        """The event that a row belongs to."""
        at, _ = self._locate(y)
        if not 0 <= at < self.shown_count():
            return None
        return self.events[at if self._shown is None else self._shown[at]]

    def row(self, y: int) -> Line:
        """One row."""
        at, inside = self._locate(y)
        if inside:
            return self._open[at][inside - 1]
        event = self.event_at(y)
        if event is None or self.row_of is None:
            return Line()
        mark = Span("▾ " if at in self._open else "  ", MUTED)
        return Line((mark, *self.row_of(event)))

    def put_at_seq(self, seq: int) -> None:
        """Bring the event with this number (or the last before it) onto the screen."""
        place = bisect_right(range(self.total()), seq, key=lambda at: self.events.head(at).seq) - 1
        if self._shown is not None and place not in self._shown:
            self.narrow("")
        if self._shown is not None:
            place = bisect_right(self._shown, place) - 1
        opened = bisect_left(self._open_at, place)
        extra = self._before[opened - 1] + len(self._open[self._open_at[opened - 1]]) if opened else 0
        if place >= 0:
            self.following = False
            self.put_cursor(place + extra)

    def find_origin(self, origin: Origin) -> int | None:
        """The number of the event that something came from; None where nothing here tells of it."""
        if not (origin.call or origin.path):
            return origin.seq or None
        for place in range(self.total() - 1, -1, -1):
            head = self.events.head(place)
            if origin.call and head.call == origin.call and head.type == origin.type:
                return head.seq
            if not origin.path or head.type != "file.changed":
                continue
            if getattr(self.events[place].data, "path", "") == origin.path:
                return head.seq
        return None

    # Keys.

    def on_focus(self) -> None:
        """The cursor appears where the eyes are: at the end."""
        if self.cursor is None and self.shown_count():
            self.put_cursor(self.row_count() - 1)
        self._strips.clear()

    def on_blur(self) -> None:
        """Without the keys no cursor is drawn."""
        self._strips.clear()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A second click opens what the first one put the cursor on."""
        if event.chain == 2 and self.cursor == event.y + int(self.scroll_offset.y):
            self.action_open()

    def action_open(self) -> None:
        """Open the event under the cursor as a tree, or fold it."""
        if self.cursor is None or (event := self.event_at(self.cursor)) is None:
            return
        at, inside = self._locate(self.cursor)
        if at in self._open:
            del self._open[at]
            self.cursor -= inside
        else:
            rows = tree(event.model_dump(mode="json"))
            if len(rows) > TREE_ROWS:
                rows = [
                    *rows[:TREE_ROWS],
                    Line((Span(f"    … {len(rows) - TREE_ROWS} more rows (y copies all)", MUTED),)),
                ]
            self._open[at] = rows
        self._fold_index()
        self.following = False
        self.redraw()
        # As much of the tree as there is room for, and its event above it.
        self.show_row(self.cursor + min(len(self._open.get(at, ())), self.scrollable_content_region.height - 1))
        self.put_cursor(self.cursor)

    def action_filter(self) -> None:
        """Ask for a filter."""
        self.post_message(self.Filtering(self.filter.text))

    def action_goto(self) -> None:
        """Show the message, diff or run that belongs to the event."""
        if self.cursor is not None and (event := self.event_at(self.cursor)) is not None:
            self.post_message(self.Goto(event))

    def action_copy(self) -> None:
        """Copy the event as JSON."""
        if self.cursor is not None and (event := self.event_at(self.cursor)) is not None:
            self.post_message(self.Copied(event.model_dump_json(indent=2), "event"))

    def action_export(self) -> None:
        """Have what is shown kept in a file."""
        if self.filtering:
            self.app.notify("the filter is still at work: in a moment", markup=False, timeout=3)
            return
        count = self.shown_count()
        self.post_message(self.Export(range(count) if self._shown is None else self._shown[:count]))

    async def lines_of(self, places: Sequence[int]) -> list[str]:
        """Events as lines of JSON, read in pieces: keys are looked after, a hundred thousand take seconds."""
        events, lines, until = self.events, [], time.perf_counter() + TURN
        for place in places:
            lines.append(events[place].model_dump_json() + "\n")
            if time.perf_counter() >= until:
                await asyncio.sleep(0)
                until = time.perf_counter() + TURN
        return lines
