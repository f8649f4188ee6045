"""Time in a recorded session: where we are, how fast it goes on, and how to be elsewhere quickly.

The viewer tells each moment through the same `dispatch` as the app. Going back begins at the last keyframe
before the place: the blocks of the chat as they were, and the screens of the runs.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vtcode_tui.events.types import ChangesReviewed, Event, FileChanged
from vtcode_tui.tui.dispatch import show_live, tell
from vtcode_tui.tui.story import Story

if TYPE_CHECKING:
    from vtcode_tui.sessions import Landmark, Recording
    from vtcode_tui.terminal import Snapshot
    from vtcode_tui.tui.panes.blocks import Block
    from vtcode_tui.tui.panes.status import Status
    from vtcode_tui.tui.panes.terminal import RunView

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
EVERY = 1000
"""Moments between keyframes."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The panes at one moment. Blocks that may still change are copies; finished ones are shared."""

    index: int
    events: int
    blocks: tuple[Block, ...]
    runs: tuple[tuple[RunView, Snapshot], ...]
    front: str
    status: Status
    staged: dict[str, FileChanged]


class Player:
    """A recording and a place in it: the first `index` moments have been told."""

    def __init__(self, recording: Recording, story: Story) -> None:
        self.recording, self.story = recording, story
        self.index = 0
        self.events_told = 0
        self.staged: dict[str, FileChanged] = {}
        """What was staged at this moment, by path."""
        self._frames: list[Keyframe] = []
        self._keep()

    @property
    def at(self) -> float:
        """Seconds since the beginning."""
        return self.recording.moments[self.index - 1].at if self.index else 0.0

    def next_at(self) -> float | None:
        """When the next moment is; None at the end."""
        moments = self.recording.moments
        return moments[self.index].at if self.index < len(moments) else None

    def seek(self, index: int) -> None:
        """Be where the first `index` moments have been told."""
        index = max(0, min(index, len(self.recording)))
        if index < self.index or index - self.index > EVERY:
            place = bisect_right(self._frames, index, key=lambda frame: frame.index) - 1
            frame = self._frames[place]
            if index < self.index or frame.index > self.index:
                self._restore(frame)
        while self.index < index:
            self._tell()

    def step(self, delta: int) -> None:
        """So many events on or back; what is no event goes with the event before it."""
        moments, index = self.recording.moments, self.index
        if delta > 0:
            index += 1
            while index < len(moments) and not isinstance(moments[index].what, Event):
                index += 1
        else:
            index -= 1
            while index > 0 and not isinstance(moments[index - 1].what, Event):
                index -= 1
        self.seek(index)

    def jump(self, landmark: Landmark) -> bool:
        """To just after the next such landmark; False when there is none."""
        found = self.recording.following(self.index - 1, landmark)
        if found is not None:
            self.seek(found + 1)
        return found is not None

    def find(self, words: str) -> bool:
        """To just after the next event that contains the words."""
        wanted = words.lower()
        for index in range(self.index, len(self.recording)):
            what = self.recording.moments[index].what
            if isinstance(what, Event) and (wanted in what.type or wanted in what.data.model_dump_json().lower()):
                self.seek(index + 1)
                return True
        return False

    def _tell(self) -> None:
        what = self.recording.moments[self.index].what
        if isinstance(what, Event):
            tell(what, self.story)
            self.events_told += 1
            self._remember(what)
        else:
            show_live(what, self.story)
        self.index += 1
        if self.index % EVERY == 0 and self._frames[-1].index < self.index:
            self.story.stage.terminal.drain()
            self._keep()

    def _remember(self, event: Event) -> None:
        if isinstance(event.data, FileChanged):
            if event.data.staged:
                self.staged[event.data.path] = event.data
            elif event.data.via in {"accept", "rollback", "rewind"}:
                self.staged.pop(event.data.path, None)
        elif isinstance(event.data, ChangesReviewed):
            for path in event.data.paths:
                self.staged.pop(path, None)

    def _keep(self) -> None:
        stage = self.story.stage
        calls = {id(block) for block in self.story.calls.values() if block.state in {"asked", "waiting", "running"}}
        open_now = {id(block) for block in (self.story.answer, self.story.thought) if block is not None} | calls
        blocks = tuple(copy.copy(block) if id(block) in open_now else block for block in stage.chat.blocks)
        runs = tuple((replace(view), view.screen.snapshot()) for view in stage.terminal.runs.values())
        front = stage.terminal.current.call if stage.terminal.current else ""
        self._frames.append(
            Keyframe(self.index, self.events_told, blocks, runs, front, stage.status.status, dict(self.staged))
        )

    def _restore(self, frame: Keyframe) -> None:
        stage, story = self.story.stage, self.story
        self.index, self.events_told, self.staged = frame.index, frame.events, dict(frame.staged)
        story.restore([copy.copy(block) if block.call else block for block in frame.blocks])
        stage.terminal.restore(frame.runs, frame.front)
        stage.status.become(frame.status)
