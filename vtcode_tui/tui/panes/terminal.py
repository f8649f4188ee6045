"""The terminal pane: the real screen of each run, one at a time, and the person's keyboard when they take it over.

Bytes of a run end in the emulator (`terminal.Screen`); what is drawn are its cells. Parsing has a budget per
turn of the loop, so that a flood of output never delays a key; what nobody could have read is skipped and
counted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from vtcode_tui.render import MUTED, Line, Span, Style, cut, plain_line, spans_of
from vtcode_tui.tui.brush import width_of
from vtcode_tui.tui.keys import PANE, TERMINAL, bindings
from vtcode_tui.tui.panes.origin import Origin
from vtcode_tui.tui.panes.pens import look_of
from vtcode_tui.tui.panes.run_tabs import RunTabs
from vtcode_tui.tui.panes.runs import BACKLOG, Frames, RunView, blank_screen, lines_of, tabs

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from vtcode_tui.terminal import Found, Screen

FRAME = 1 / 30
FLOOD_FRAME = 1 / 8
FLOOD = 16 << 10
"""Bytes between two frames beyond which nobody reads along: painting them all would take half of the time."""
BUDGET = 0.008
SLICE = 8192
BESIDE_TABS = 26
"""Cells of the heading for its name and for the key at its end."""


class TerminalPane(RunTabs):
    """The runs of the session, the newest in front."""

    BINDINGS = bindings(PANE, TERMINAL)
    follow_at_start = True
    hangs = False

    class Sized(Message):
        """A run's terminal has another size."""

        def __init__(self, call: str, columns: int, rows: int) -> None:
            super().__init__()
            self.call, self.columns, self.rows = call, columns, rows

    class Kill(Message):
        """The person wants a run to end."""

        def __init__(self, call: str) -> None:
            super().__init__()
            self.call = call

    class Changed(Message):
        """The heading must say something else."""

    class Find(Message):
        """The person wants to search."""

    class Copied(Message):
        """Text for the clipboard."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text, self.what = text, what

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._found: list[Found] = []
        self._found_at = 0
        self._pending = False
        self._pumping = False
        self._fed = 0
        self._flood = False
        self._frames: dict[str, Frames] = {}

    # What happens.

    @property
    def alive(self) -> int:
        """How many runs have not ended."""
        return sum(not view.ending for view in self.runs.values())

    def open(self, call: str, title: str, *, terminal: bool) -> None:
        """A run begins; it comes to the front unless the person has taken another one over."""
        view = RunView(call, title, self._new_screen, terminal)
        self.keep(view)
        if not self.taken:
            self.bring(view)
        if terminal:
            self.post_message(self.Sized(call, *self._cells()))

    def _new_screen(self) -> Screen:
        return blank_screen(*self._cells())

    def feed(self, call: str, data: bytes, *, terminal: bool) -> None:
        """Bytes that a run wrote."""
        if call not in self.runs:
            return
        view = self.runs[call]
        view.waiting.append(lines_of(data, terminal))
        view.backlog += len(data)
        while view.backlog > BACKLOG and len(view.waiting) > 1:
            lost = len(view.waiting.popleft())
            view.backlog -= lost
            view.skipped += lost
        self._pump_soon()

    def _pump_soon(self) -> None:
        if not self._pumping and self.is_mounted:
            # Never here: whoever tells of output must go on at once.
            self._pumping = True
            self.call_later(self._pump)

    def finished(self, call: str, ending: str, *, good: bool) -> None:
        """A run ended."""
        if call in self.runs:
            self.runs[call].ending, self.runs[call].good = ending, good
            if self.taken and self.current is self.runs[call]:
                self.ended()
            self.soon()

    def taken_in(self) -> None:
        """A run has more to be drawn."""
        self._pump_soon()
        self.soon()

    def show_until(self, call: str, pieces: Sequence[bytes], count: int) -> None:
        """Show a run as it was after the first `count` pieces of its output (the viewer goes to another time)."""
        if call not in self.runs:
            return
        view = self.runs[call]
        if view.frames is None:
            view.frames = self._frames.setdefault(call, Frames())
        if count < view.eaten + len(view.waiting):
            view.wipe()
        frame = view.frames.latest(count)
        if frame is not None and frame[0] > view.eaten + len(view.waiting):
            view.screen.restore(frame[1])
            view.eaten = frame[0]
            view.waiting.clear()
        begin = view.eaten + len(view.waiting)
        view.waiting.extend(lines_of(piece, view.terminal) for piece in pieces[begin:count])
        view.backlog = 0
        self._pump_soon()

    def _pump(self) -> None:
        if not self._pumping:
            return
        end = time.perf_counter() + BUDGET
        left = False
        for view in [view for view in self.runs.values() if view.waiting]:
            while view.waiting and time.perf_counter() < end:
                data = view.waiting.popleft()
                if len(data) > SLICE:
                    view.waiting.appendleft(data[SLICE:])
                    data = data[:SLICE]
                else:
                    view.eaten += 1
                view.backlog -= len(data)
                view.screen.feed(data)
                if view.frames is not None:
                    view.frames.keep(view, len(data))
                else:
                    self._fed += len(data)
            left = left or bool(view.waiting)
            replies = view.screen.take_replies()
            if replies and view.terminal and not view.ending:
                self.post_message(self.Typed(view.call, replies))
        self._pumping = left
        recorded = self.current is not None and self.current.frames is not None
        if left and recorded:
            self.call_later(self._pump)
        elif left:
            # As long again for everybody else: a flood takes half of the loop at most.
            self.set_timer(BUDGET, self._pump)
        self.soon()
        if recorded and not left:
            self._frame()  # somebody waits for this moment, and it is over

    @property
    def busy(self) -> bool:
        """Whether output waits to be drawn."""
        return self._pumping or self._pending

    def soon(self) -> None:
        """Draw with the next frame."""
        if not self._pending and self.is_mounted:
            self._pending = True
            self.set_timer(FLOOD_FRAME if self._flood else FRAME, self._frame)

    def now(self) -> None:
        """Draw what waits for the next frame with what is drawn next."""
        self._pump()
        self._frame()

    def _frame(self) -> None:
        if not self._pending:
            return
        self._pending = False
        self._flood, self._fed = self._fed > FLOOD, 0
        self.redraw()
        self.post_message(self.Changed())

    # Rows.

    def bring(self, view: RunView) -> None:
        """This run to the front, with nothing searched in it yet."""
        self._found = []
        super().bring(view)

    def row_count(self) -> int:
        """History and screen of the run in front, without the blank rows that nothing was written to."""
        if self.current is None:
            return 0
        screen = self.current.screen
        if screen.alternate or self.taken:
            return screen.height
        last = screen.height - 1
        floor = max(0, screen.history + screen.cursor.row)
        while last > floor and not screen.text(last):
            last -= 1
        return last + 1

    def row(self, y: int) -> Line:
        """A row's text, for selection and search; whole where the next row goes on with it."""
        if self.current is None or y >= self.current.screen.height:
            return Line()
        screen = self.current.screen
        text = screen.plain(screen.cells(y)[0]) if screen.cells(y)[2] else screen.text(y)
        return Line((Span(text),), joined=y > 0 and screen.cells(y - 1)[2])

    def looks(self, first: int, last: int) -> Iterator[Hashable]:
        """The characters of rows with their colours; one with the cursor or a match in it is like no other."""
        view = self.current
        if view is None:
            return
        screen, special = view.screen, {found.row for found in self._found}
        special.add(screen.history + screen.cursor.row)
        for y in range(first, last):
            yield object() if y in special else tuple((run.text, look_of(run.pen)) for run in screen.runs(y))

    def make_strip(self, y: int, width: int, base: RichStyle, *, marked: bool) -> Strip:
        """The cells of a row in their own colours."""
        view = self.current
        # A run may have erased its history since the rows were counted; they are counted again with the next frame.
        if view is None or y >= view.screen.height:
            return Strip.blank(width, base)
        screen = view.screen
        segments = [Segment(run.text, base + look_of(run.pen)) for run in screen.runs(y)]
        strip = self._matched(Strip(segments), y) if self._found else Strip(segments)
        cursor = screen.cursor
        if not view.ending and cursor.visible and view.terminal and y == screen.history + cursor.row:
            strip = strip.extend_cell_length(max(width, cursor.column + 1), base)
            block = base + RichStyle(reverse=True) if self.taken else base + RichStyle(underline=True)
            at = cursor.column
            cell = strip.crop(at, at + 1).apply_style(block)
            strip = Strip.join([strip.crop(0, at), cell, strip.crop(at + 1)])
        return strip.extend_cell_length(width, base)

    def summary(self) -> tuple[tuple[Span, ...], dict[str, str]]:
        """The runs in one row: a tab each, how the one in front stands; and what a click on each tab does."""
        view = self.current
        if view is None and not self.runs:
            return (Span("no run yet", MUTED),), {}
        if view is None:
            earlier = Span("earlier", MUTED)
            room = (self.size.width or 80) - BESIDE_TABS - width_of((earlier,))
            front, actions = tabs(self.runs.values(), None, room)
            return (*front, earlier), actions
        if view.ending:
            state = Span(view.ending, Style("muted" if view.good else "bad"))
        else:
            state = Span("you type" if self.taken else "running", Style("caution" if self.taken else "accent"))
        skipped = (Span(f"  {view.skipped >> 10} kB not drawn", MUTED),) if view.skipped else ()
        matches = (Span(f"  {len(self._found)} found", MUTED),) if self._found else ()
        if len(self.runs) > 1:
            room = (self.size.width or 80) - BESIDE_TABS - width_of((state, *skipped, *matches))
            front, actions = tabs(self.runs.values(), view, room)
        else:
            front, actions = (*spans_of(cut(plain_line(view.title), 48), Style("code")), Span("  ")), {}
        return (*front, state, *skipped, *matches), actions

    # Size.

    def _cells(self) -> tuple[int, int]:
        size = self.scrollable_content_region.size
        return (size.width, size.height) if size.width and size.height else (80, 24)

    def on_resize(self, event: events.Resize) -> None:
        """Programs are told the size that they are shown at."""
        columns, rows = self._cells()
        for view in self.runs.values():
            if not view.ending and (view.screen.columns, view.screen.rows) != (columns, rows):
                view.screen.resize(columns, rows)
                if view.terminal:
                    self.post_message(self.Sized(view.call, columns, rows))
        super().on_resize(event)
        self.post_message(self.Changed())

    # Keys.

    def on_focus(self) -> None:
        """The heading shines; who comes here wants to see a run."""
        self.bring_last()
        self.post_message(self.Changed())

    def action_kill(self) -> None:
        """End the run in front."""
        if self.current is not None and not self.current.ending:
            self.post_message(self.Kill(self.current.call))

    def action_origin(self) -> None:
        """Show the event that began the run in front."""
        if self.current is not None:
            self.post_message(Origin(call=self.current.call, type="exec.started"))

    def action_find(self) -> None:
        """Ask what to search for."""
        self.post_message(self.Find())

    def find(self, words: str) -> bool:
        """Mark every place that holds the words and go to the last of them; False when there is none."""
        from vtcode_tui.terminal import search  # loaded by the first run already

        self._found = search(self.current.screen, words) if self.current is not None and words else []
        self._found_at = len(self._found)
        self._strips.clear()
        self.refresh()
        self.post_message(self.Changed())
        self.action_match(-1)
        return bool(self._found)

    def action_match(self, delta: int) -> None:
        """To another place that holds the words, round the end."""
        if self._found:
            self._found_at = (self._found_at + delta) % len(self._found)
            self.following = False
            self.show_row(self._found[self._found_at].row, margin=2)
            self._strips.clear()
            self.refresh()

    def _matched(self, strip: Strip, y: int) -> Strip:
        """The row with the places marked that hold the words."""
        for place, found in enumerate(self._found):
            if found.row == y:
                look = self.brush.look(Style(ground="match", bold=place == self._found_at), self.rich_style)
                inside = strip.crop(found.start, found.end).text
                strip = Strip.join(
                    [strip.crop(0, found.start), Strip([Segment(inside, look)]), strip.crop(found.end)]
                )
        return strip

    def action_copy(self) -> None:
        """Copy everything that the run in front has on its screen and above it."""
        if self.current is not None:
            told = self.get_selection(Selection(None, None))
            self.post_message(self.Copied((told[0] if told else "").rstrip("\n") + "\n", "output"))
