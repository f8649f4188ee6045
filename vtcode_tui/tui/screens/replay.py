"""The viewer: the same panes, fed from a journal; play, pause, speed, step, jump, search; and is it authentic?

Nothing here can run a tool: neither the core nor the gate nor the sandbox is imported.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult

from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.events import verify
from vtcode_tui.render import (
    MUTED,
    FileDiff,
    Span,
    Style,
    StyleName,
    lexer_for,
    markdown,
    parse_unified,
    plain_line,
    spans_of,
)
from vtcode_tui.sessions import Recording
from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.keys import REPLAY, bindings
from vtcode_tui.tui.panes.event_rows import row_of
from vtcode_tui.tui.panes.timeline import Timeline
from vtcode_tui.tui.player import AHEAD, SPEEDS, Player
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.panes import PaneScreen
from vtcode_tui.tui.story import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtcode_tui.events import Report
    from vtcode_tui.events.types import FileChanged
    from vtcode_tui.sessions import Landmark
    from vtcode_tui.tui.panes.events import EventPane

IDLE_LIMIT = 2.0
"""Seconds that nothing happens are cut to this."""
FRAME = 1 / 30
TICK = 1.0
"""Seconds after which the time goes on to be seen, also where nothing happens in the session."""
STATES: dict[str, tuple[str, str, StyleName]] = {
    "sealed": ("journal intact and sealed", "sealed", "good"),
    "open": ("journal intact, not closed", "intact, not closed", "caution"),
    "torn": ("journal torn by a crash, intact up to there", "torn by a crash", "caution"),
    "unanchored": ("journal intact, an anchor is missing", "an anchor is missing", "caution"),
    "tampered": ("JOURNAL TAMPERED WITH", "TAMPERED", "bad"),
}
"""What verification says, what it says where the time line would have no room beside that, and its colour."""


def clock(seconds: float) -> str:
    """75 as 1:15."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def place_of(text: str) -> tuple[str, float] | None:
    """`#120` as an event, `1:30` or `90` as a time; None for anything else."""
    text = text.strip()
    if text.startswith("#") and text[1:].isdigit():
        return "event", float(text[1:])
    parts = text.split(":")
    if not text or len(parts) > 3 or not all(part.isdigit() for part in parts):
        return None
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + int(part)
    return "time", float(seconds)


class ReplayScreen(PaneScreen):
    """A recorded session."""

    BINDINGS: ClassVar[list[Any]] = bindings(REPLAY)
    own_keys = (REPLAY,)

    def __init__(self, folder: Path, *, start_at_end: bool = False) -> None:
        super().__init__()
        self.folder = folder
        self.timeline = Timeline()
        self.player: Player | None = None
        self.playing = False
        self.speed = SPEEDS.index(1.0)
        self.report: Report | None = None
        self._staged: dict[str, FileChanged] = {}
        self._clock_at = 0.0
        self._clock_from = 0.0
        self._round = 0
        """Counts where the clock began anew: what woke up for an earlier round has nothing to do."""
        self._sought = ""
        """What was searched for last."""
        self._start_at_end = start_at_end
        self.clock: Callable[[], float] = time.monotonic
        self.after: Callable[[float, Callable[[], None]], object] = self.set_timer
        """Calls back after so many seconds of that clock."""
        self.problem = ""
        """Why the journal cannot be shown."""
        self.ready = asyncio.Event()
        """Set when the journal has been read and verified, or cannot be read."""
        self.diff.editable = False

    def compose(self) -> ComposeResult:
        """The panes, the time line, the status bar."""
        yield from self.compose_stage()
        yield self.timeline
        yield self.status

    def on_mount(self) -> None:
        """Read the journal behind the first paint."""
        self.events.row_of = row_of
        self.place()
        self.on_diff_pane_counted()
        self.on_terminal_pane_changed()
        self.timeline.show((Span(" reading the journal …", MUTED),))
        self.chat.focus()
        self.run_worker(self._load(), exit_on_error=True)

    async def _load(self) -> None:
        try:
            recording = await asyncio.to_thread(Recording, self.folder, idle_limit=IDLE_LIMIT)
        except (VtcodeError, OSError, ValueError) as error:
            self.problem = plain_line(str(error))
            self.timeline.show((Span(f" the journal cannot be read: {self.problem}", Style("bad")),))
            self.ready.set()
            return
        # A hundred thousand events are no garbage: walking them all would hold a seek up for 0.1 s now and then.
        if isinstance(self.app, BaseApp):
            self.app.sweep.begin()
        self.player = Player(recording, Story(self))
        self.timeline.recording = recording
        self.player.seek(len(recording) if self._start_at_end else 1)
        while not self.chat.blocks and self.player.index < min(len(recording), AHEAD):
            self.player.step(1)  # to what there is to see first: an empty chat tells nobody what this is
        self.events.load(recording.events, self.player.index)
        self._drawn()
        self.watch(self.chat, "scroll_y", self._at_top, init=False)
        await self._warm(recording)
        self.report = await asyncio.to_thread(verify, self.folder)
        (words, _), colour = self._standing(self.report)
        self.events.tell_chain(words, colour)
        if self.report.state == "tampered":
            self.timeline.doubt(self.report.first_bad or 0)
        self._tell_time()
        self.ready.set()

    async def _warm(self, recording: Recording) -> None:
        """Have ready what the first jump would wait for."""
        for kind in {*recording.events.types}:
            # How an event is read is worked out with the first of its type.
            _ = recording.events[recording.events.types.index(kind)]
            await asyncio.sleep(0)
        _ = markdown("*all* that `Markdown` loads", 80)
        await asyncio.to_thread(_load_panes, tuple(recording.staged(len(recording))))

    def _at_top(self, y: float) -> None:
        """Who scrolls up to where the story in the chat begins is told what came before."""
        player = self.player
        if y > 0 or player is None or self.chat.following or not player.begin:
            return
        first = next((block.seq for block in self.chat.blocks if block.seq), 0)
        if player.extend():
            self.chat.show_seq(first)

    # What is shown.

    def _drawn(self) -> None:
        player = self.player
        if player is None:
            return
        self.events.reach(player.index)
        staged = player.staged
        if staged.keys() != self._staged.keys() or any(staged[path] is not self._staged[path] for path in staged):
            self._staged = staged
            self.diff.show_diffs([_diff(data.path, data.diff, data.op) for data in staged.values()])
            self.on_diff_pane_counted()
        self.chat.now()
        self.terminal.now()
        # What a journal says of itself is no verdict on it: that stands beside the time line.
        self.status.tell(journal="")
        # Now, and not when the panes' messages come round: so all of it is one painting.
        self.on_event_pane_counted()
        self.on_terminal_pane_changed()
        self._tell_time()

    def _standing(self, report: Report) -> tuple[tuple[str, str], StyleName]:
        words, short, colour = STATES[report.state]
        bad = f" from event {report.first_bad}" if report.first_bad is not None else ""
        return (f"{words}{bad}", f"{short}{bad}"), colour

    def _tell_time(self) -> None:
        player = self.player
        if player is None:
            return
        total, at = player.recording.duration, player.at
        # As wide at every moment: the marks beside them stand still.
        play, speed = " ▶  " if self.playing else " ❚❚ ", f"{SPEEDS[self.speed]:g}×"
        last = f"{len(player.recording) - 1:,}"
        spans: list[Span] = [
            Span(play, Style("accent", bold=True)),
            Span(speed, MUTED),
            Span(" " * (6 - len(speed)), MUTED),
            Span(f"{clock(at):>{len(clock(total))}} / {clock(total)}  "),
            Span(f"{f'#{max(0, player.index - 1):,}':>{len(last) + 1}} of {last}  ", MUTED),
        ]
        if self.report is None:
            rights: tuple[tuple[Span, ...], ...] = ((Span("verifying … ", MUTED),),)
        else:
            both, colour = self._standing(self.report)
            rights = tuple(spans_of(f"{words} ", Style(colour, bold=colour == "bad")) for words in both)
        clicks = {play: "screen.play", speed: "screen.speed(1)"}
        self.timeline.tell(tuple(spans), at / total if total else 1.0, rights, clicks)

    def on_timeline_clicked(self, message: Timeline.Clicked) -> None:
        """Be where the time line was clicked."""
        self._move(lambda player: player.seek_time(message.share * player.recording.duration))

    def on_event_pane_goto(self, message: EventPane.Goto) -> None:
        """Be at the moment of an event, with its message, diff or terminal in view."""
        self.playing = False
        seq = message.event.seq
        self._move(lambda player: player.seek(player.recording.events.place_of(seq) + 1))
        super().on_event_pane_goto(message)

    # Time.

    def action_play(self) -> None:
        """Play, or pause; at the end, from the beginning."""
        if self.player is None:
            return
        if self.playing:
            self._catch_up()
        self.playing = not self.playing
        if self.playing and self.player.next_at() is None:
            self.player.seek(0)
        self._go_on()
        self._drawn()

    def _now(self) -> float:
        """The moment of the session that the clock is at."""
        return self._clock_from + (self.clock() - self._clock_at) * SPEEDS[self.speed]

    def _catch_up(self) -> None:
        """Tell what should have happened by now: the last frame may be a second ago."""
        if self.playing and self.player is not None:
            self.player.advance(self._now())

    def _go_on(self) -> None:
        """From here on, at this speed; what was to be woken for the speed or place before sleeps on."""
        self._clock_at = self.clock()
        self._clock_from = self.player.at if self.player else 0.0
        self._round += 1
        if self.playing:
            self.after(FRAME, partial(self._frame, self._round))

    def _frame(self, round_: int) -> None:
        player = self.player
        if not self.playing or player is None or round_ != self._round:
            return
        now = self._now()
        player.advance(now)
        upcoming = player.next_at()
        if upcoming is None:
            self.playing = False
        else:
            # Asleep until something happens: a pause in the session costs next to nothing here either.
            asleep = max(FRAME, min(TICK, (upcoming - now) / SPEEDS[self.speed]))
            self.after(asleep, partial(self._frame, round_))
        self._drawn()

    def _move(self, act: Any) -> None:
        if self.player is not None:
            act(self.player)
            self._go_on()
            self._drawn()

    def action_skip(self, seconds: int) -> None:
        """So many seconds on or back, playing or not."""
        self._catch_up()
        self._move(lambda player: player.seek_time(player.at + seconds))

    def action_step(self, delta: int) -> None:
        """One event on or back."""
        self.playing = False
        self._move(lambda player: player.step(delta))

    def action_speed(self, delta: int) -> None:
        """Faster or slower."""
        self._catch_up()
        self.speed = max(0, min(len(SPEEDS) - 1, self.speed + delta))
        self._go_on()
        self._drawn()

    def action_jump(self, landmark: Landmark, direction: int = 1) -> None:
        """To the next one of a kind, or the last one before."""
        self.playing = False
        if self.player is not None and not self.player.jump(landmark, direction):
            self.app.notify(f"no {'further' if direction > 0 else 'earlier'} {landmark}", markup=False, timeout=2)
        self._move(lambda player: None)

    def action_seek_to(self, index: int) -> None:
        """To the beginning or the end."""
        self.playing = False
        self._move(lambda player: player.seek(len(player.recording) if index < 0 else index))

    def action_seek(self) -> None:
        """Ask where to go."""

        def go(text: str) -> str:
            return "" if not text.strip() or self.go(text) else "a place is a time (1:30) or an event (#120)"

        self.app.push_screen(Ask("go to", hint="1:30 is a time, #120 an event", take=go))

    def go(self, text: str) -> bool:
        """To `1:30` or `#120`; False when that is no place."""
        place = place_of(text)
        if place is None:
            return False
        kind, number = place
        if kind == "time":
            self._move(lambda player: player.seek_time(number))
        else:
            self._move(lambda player: player.seek(player.recording.events.place_of(int(number)) + 1))
        return True

    def action_find(self) -> None:
        """Ask what to search for."""
        ask = Ask("search from here on", self._sought, hint="enter again: the next one")
        self.app.push_screen(ask, lambda text: self.find(text or ""))

    def find(self, text: str) -> None:
        """To just after the next event that contains the text; who goes elsewhere meanwhile stays there."""
        if self.player is not None and text:
            self._sought = text
            if self.playing:
                self.action_play()
            self.run_worker(self._find(self.player, text), group="search", exclusive=True, exit_on_error=True)

    async def _find(self, player: Player, text: str) -> None:
        began = player.index, player.at
        if (found := await player.look_for(text)) is None:
            self.app.notify("not found further on", markup=False, timeout=2)
        elif (player.index, player.at) == began and not self.playing:
            self._move(lambda player: player.seek(found))

    def action_back(self) -> None:
        """To the chat; there: leave the viewer."""
        if self.focused is not self.chat:
            self.action_pane("chat")
        elif len(self.app.screen_stack) > 1:
            self.playing = False
            self.dismiss(None)
        else:
            self.app.exit(0)

    def action_stop(self) -> None:
        """Copy the selection, or leave."""
        if text := self.get_selected_text():
            self.copy(text, "selection")
            self.clear_selection()
        else:
            self.app.exit(0)

    def action_take_over(self) -> None:
        """A recorded run cannot be typed into."""
        self.app.notify("this is a recording", markup=False, timeout=2)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The approval queue is not a pane of the viewer."""
        return not (action == "pane" and parameters == ("approvals",))


def _load_panes(changed: Iterable[str]) -> None:
    """Load what the first diff, run and scroll bar need, and the languages of files."""
    import vtcode_tui.render.diff
    import vtcode_tui.terminal
    import vtcode_tui.tui.scroll_bar

    _ = vtcode_tui.render.diff, vtcode_tui.terminal.Screen, vtcode_tui.tui.scroll_bar
    for path in changed:
        lexer_for(path)


def _diff(path: str, text: str, op: Any) -> FileDiff:
    return parse_unified(path, text, op)
