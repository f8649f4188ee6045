"""The doctor screen: what this machine and this configuration can do, and the remedy for what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.render import MUTED, Line, Span, Style, StyleName, fold, plain_line, spans_of
from vtcode_tui.tui.keys import PANE, bindings
from vtcode_tui.tui.panes.heading import CLOSES, Heading
from vtcode_tui.tui.sheet import Sheet

MARKS: dict[str, tuple[str, StyleName]] = {"ok": ("✓", "good"), "missing": ("✗", "bad"), "note": ("·", "caution")}


class Diagnosis(Protocol):
    """One thing that was looked at."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def state(self) -> str:
        """`ok`, `missing` or `note`."""

    @property
    def detail(self) -> str:
        """One sentence."""

    @property
    def remedy(self) -> str:
        """What to do about it."""


class Report(Sheet):
    """Every finding, each with its remedy."""

    BINDINGS: ClassVar[list[Any]] = bindings(PANE)

    def __init__(self) -> None:
        super().__init__(id="doctor-text")
        self.findings: Sequence[Diagnosis] = ()
        self._rows: list[Line] = []

    def redraw(self) -> None:
        """Lay the findings out."""
        cells = max(20, self.text_width - 2)
        rows = [Line()]
        if not self.findings:
            rows.append(Line((Span("  looking …", MUTED),)))
        for finding in self.findings:
            mark, colour = MARKS.get(finding.state, MARKS["note"])
            head = (Span(f"  {mark} ", Style(colour)), *spans_of(f"{plain_line(finding.name)}  ", Style("accent")))
            rows += fold(spans_of(plain_line(finding.detail)), cells, first=head, rest=(Span("      "),))
            if finding.remedy and finding.state != "ok":
                first = (Span("      → ", MUTED),)
                rows += fold(spans_of(plain_line(finding.remedy)), cells, first=first, rest=(Span("        "),))
        self._rows = rows
        super().redraw()

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]


class Doctor(ModalScreen[None]):
    """Looks at everything when it opens."""

    BINDINGS: ClassVar[list[Any]] = [Binding("escape,q", "app.pop_screen", "close", priority=True, show=False)]

    def __init__(self, look: Callable[[], Sequence[Diagnosis]]) -> None:
        super().__init__()
        self._look = look

    def compose(self) -> ComposeResult:
        """A heading and the findings."""
        with Vertical(id="doctor"):
            yield Heading("doctor", CLOSES)
            yield Report()

    def on_mount(self) -> None:
        """Look, behind the first paint."""
        self.query_one(Report).focus()
        self.run_worker(self._examine(), exit_on_error=True)

    async def _examine(self) -> None:
        report = self.query_one(Report)
        report.findings = await asyncio.to_thread(self._look)
        report.redraw()
