"""Time in a recorded session: where we are, how fast it goes on, and how to be elsewhere quickly.

The viewer tells each event through the same `dispatch` as the app. To be elsewhere it begins the story anew a
little before that place, at an event with no call under way: however long the session, a jump costs the same.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from vtcode_tui.tui.dispatch import tell
from vtcode_tui.tui.panes.blocks import Note
from vtcode_tui.tui.panes.events import PIECE, TURN

if TYPE_CHECKING:
    from vtcode_tui.events.types import Event, FileChanged
    from vtcode_tui.sessions import Landmark, Output, Recording
    from vtcode_tui.tui.story import Story

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
AHEAD = 400
"""Events that are told one by one rather than jumped over."""
BEHIND = 200
"""Events before the place that the story begins with, at least, where there are so many."""


class Player:
    """A recording and a place in it: the first `index` events have been told, and what runs wrote until `at`."""

    def __init__(self, recording: Recording, story: Story) -> None:
        self.recording, self.story = recording, story
        self.index = 0
        self.at = 0.0
        """Seconds since the beginning."""
        self.begin = 0
        """The event that the story in the panes begins with."""
        self._began: dict[str, int] = {}
        """The runs in the panes, and the event that each began with."""
        self._outputs: dict[str, tuple[Output, int]] = {}
        """What those wrote that are seen or still run, and how many pieces of it have been shown."""
        self._until = 0.0
        """The time until which output is shown."""
        self._telling = False
        story.stage.terminal.to_front = self._to_front

    @property
    def staged(self) -> dict[str, FileChanged]:
        """What is staged at this moment, by path."""
        return self.recording.staged(self.index)

    def next_at(self) -> float | None:
        """When something happens next; None at the end."""
        times = [output.times[shown] for output, shown in self._outputs.values() if shown < len(output.times)]
        if self.index < len(self.recording):
            times.append(self.recording.times[self.index])
        return min(times, default=None)

    def seek(self, index: int) -> None:
        """Be where the first `index` events have been told, and what came before the next one."""
        index = max(0, min(index, len(self.recording)))
        after = self.recording.times[index] if index < len(self.recording) else float("inf")
        self._be(index, after)
        self.at = self.recording.times[index - 1] if index else 0.0

    def advance(self, at: float) -> None:
        """Go on to a time."""
        self._be(max(self.index, self.recording.index_at(at)), at)
        self.at = max(self.at, min(at, self.recording.duration))

    def seek_time(self, at: float) -> None:
        """Be at a time: in the middle of a run too."""
        at = max(0.0, min(at, self.recording.duration))
        self._be(self.recording.index_at(at), at)
        self.at = at

    def step(self, delta: int) -> None:
        """So many events on or back."""
        self.seek(self.index + delta)

    def jump(self, landmark: Landmark, direction: int = 1) -> bool:
        """To just after the next (or last) such landmark; False when there is none."""
        look = self.recording.following if direction > 0 else self.recording.preceding
        found = look(self.index, landmark)
        if found is not None:
            self.seek(found)
        return found is not None

    async def look_for(self, words: str) -> int | None:
        """Just after the next event that contains the words, in pieces between which keys are answered."""
        events, until = self.recording.events, time.perf_counter() + TURN
        for begin in range(self.index, len(events), PIECE):
            place = next(events.search(words, begin, begin + PIECE), None)
            if place is not None:
                return place + 1
            if time.perf_counter() >= until:
                await asyncio.sleep(0)
                until = time.perf_counter() + TURN
        return None

    def extend(self) -> bool:
        """Begin the story in the panes earlier; False when it begins at the beginning already."""
        if not self.begin:
            return False
        index, at = self.index, self.at
        self._restart(self.recording.scene(max(0, self.begin - (index - self.begin))))
        self._be(index, at)
        return True

    def _be(self, index: int, at: float) -> None:
        if index < self.index or index - self.index > AHEAD:
            self._restart(self.recording.scene(max(0, index - BEHIND)))
        self._telling = True
        # A run that comes to the front on the way is not looked at.
        while self.index < index:
            self._tell(self.recording.events[self.index])
            self.index += 1
        self._telling, self._until = False, at
        terminal = self.story.stage.terminal
        for call, run in terminal.runs.items():
            if run is terminal.current or not run.ending or call in self._outputs:
                self._show_output(call)

    def _to_front(self, call: str) -> None:
        if not self._telling:
            self._show_output(call)

    def _show_output(self, call: str) -> None:
        """Have a run on its screen as it was; read now what it wrote, if nobody has looked at it yet."""
        if call not in self._began:
            return
        output, shown = self._outputs.get(call) or (self.recording.output(self._began[call]), 0)
        count = output.until(self._until)
        self._outputs[call] = (output, count)
        if count != shown:
            self.story.stage.terminal.show_until(call, output.pieces, count)

    def _tell(self, event: Event) -> None:
        tell(event, self.story)
        if event.type == "exec.started" and event.call in self.story.stage.terminal.runs:
            self._began[event.call] = self.recording.events.place_of(event.seq)
            self._outputs.pop(event.call, None)

    def _restart(self, begin: int) -> None:
        """Empty the panes and tell what a story that begins here must know."""
        stage, story = self.story.stage, self.story
        self._telling = True
        self._outputs.clear()
        self._began.clear()
        stage.terminal.clear()
        stage.status.become(type(stage.status.status)(title=stage.status.status.title))
        story.restore([])
        for event in self.recording.before(begin):
            self._tell(event)
        for event in self.recording.last_run(begin):
            self._tell(event)
        earlier = f"{begin:,} earlier events: scroll up here, or `0` goes to the beginning"
        story.restore([Note(text=earlier, tight=False)] if begin else [])
        self.begin = self.index = begin
