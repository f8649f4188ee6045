"""The time line of the viewer: where we are, where approvals and violations are; a click goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from vtcode_tui.render import Span, Style, StyleName
from vtcode_tui.tui.brush import width_of
from vtcode_tui.tui.panes.heading import Row

if TYPE_CHECKING:
    from textual import events

    from vtcode_tui.sessions import Landmark, Recording

MARKS: tuple[tuple[Landmark, str, StyleName], ...] = (("approval", "┿", "caution"), ("violation", "╋", "bad"))
"""What is marked; the later wins where both fall on one cell."""
LEAST = 8
ROOMY = 16
"""Cells of the bar below which the words beside it are the shorter ones."""


class Timeline(Row):
    """One row: words, then a bar."""

    class Clicked(Message):
        """The person wants to be at this share of the session, 0 to 1."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self, recording: Recording | None = None) -> None:
        super().__init__(id="timeline")
        self.recording = recording
        self._marks: tuple[int, dict[int, tuple[str, StyleName]]] = (0, {})
        self._doubtful: float | None = None
        """The share of the session from which on nobody vouches for what is shown."""
        self._from, self._cells = 0, 0

    def doubt(self, seq: int) -> None:
        """From the event with this number on the journal was tampered with: the bar is red there."""
        if self.recording is not None and len(self.recording):
            place = min(self.recording.events.place_of(seq), len(self.recording) - 1)
            self._doubtful = self.recording.times[place] / (self.recording.duration or 1.0)

    def tell(
        self,
        words: tuple[Span, ...],
        share: float,
        rights: tuple[tuple[Span, ...], ...],
        actions: dict[str, str],
    ) -> None:
        """Say where we are: `share` of the whole time has passed.

        `rights` is what stands at the right, the longest first: one that leaves the bar its room is taken.
        `actions` is what clicks on the words do.
        """
        self._from = width_of(words)
        for right in rights:
            self._cells = max(0, min(96, self.size.width - self._from - width_of(right) - 3))
            if self._cells >= ROOMY:
                break
        bar = self._bar(share) if self._cells >= LEAST else ()
        self.show((*words, *bar), right, actions=actions)

    def _bar(self, share: float) -> tuple[Span, ...]:
        here = round(share * (self._cells - 1))
        marks = self._marked()
        spans = []
        doubtful = self._cells if self._doubtful is None else round(self._doubtful * (self._cells - 1))
        for cell in range(self._cells):
            passed: StyleName = "bad" if cell >= doubtful else "accent" if cell <= here else "muted"
            char, colour = marks.get(cell, ("━" if cell <= here else "─", passed))
            at: StyleName = "bad" if here >= doubtful else "accent"
            spans.append(Span("●", Style(at, bold=True)) if cell == here else Span(char, Style(colour)))
        return tuple(spans)

    def _marked(self) -> dict[int, tuple[str, StyleName]]:
        if self.recording is not None and self._marks[0] != self._cells:
            total, found = self.recording.duration or 1.0, dict[int, tuple[str, StyleName]]()
            for landmark, char, colour in MARKS:
                for place in self.recording.landmarks(landmark):
                    found[round(self.recording.times[place] / total * (self._cells - 1))] = (char, colour)
            self._marks = (self._cells, found)
        return self._marks[1]

    def on_click(self, event: events.Click) -> None:
        """Go where the bar was clicked."""
        cell = event.x - self._from
        if self._cells >= LEAST and 0 <= cell < self._cells:
            event.stop()
            self.post_message(self.Clicked(cell / (self._cells - 1)))
