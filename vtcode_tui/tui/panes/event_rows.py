"""One row per event: local time, type and one sentence, coloured by severity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtcode_tui.common.clock import local
from vtcode_tui.render import MUTED, Span, Style, StyleName, cut, plain_line, sentence, spans_of

if TYPE_CHECKING:
    from vtcode_tui.events.types import Event

SEVERITY: dict[str, StyleName] = {"low": "caution", "medium": "caution", "high": "bad", "critical": "bad"}
LONGEST = 300


def row_of(event: Event) -> tuple[Span, ...]:
    """The row of an event."""
    colour = SEVERITY.get(event.severity)
    return (
        Span(f"{plain_line(local(event.time).clock):8} ", MUTED),
        Span(f"{plain_line(event.type):<19} ", Style(colour or "accent")),
        *spans_of(cut(sentence(event), LONGEST), Style(colour or "text")),
    )
