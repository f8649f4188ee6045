"""One row per event: time, type, severity and what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtcode_tui.render import MUTED, Span, Style, StyleName, plain_line, spans_of

if TYPE_CHECKING:
    from vtcode_tui.events.types import Event

SEVERITY: dict[str, StyleName] = {
    "info": "muted",
    "low": "text",
    "medium": "caution",
    "high": "bad",
    "critical": "bad",
}
_TOLD = ("reason", "message", "detail", "text", "summary", "path", "host", "what", "argv", "tool", "model", "kind")


def about(event: Event) -> str:
    """What an event is about, in a few words."""
    data: Any = event.data
    words = [value for name in _TOLD if (value := getattr(data, name, None))]
    shown = [" ".join(map(str, word)) if isinstance(word, tuple) else str(word) for word in words[:2]]
    return "  ".join(shown)


def row_of(event: Event) -> tuple[Span, ...]:
    """The row of an event."""
    colour = SEVERITY.get(event.severity, "text")
    call = f"{event.call[-4:]} " if event.call else "     "
    return (
        Span(f"{event.time[11:19]} ", MUTED),
        Span(f"{plain_line(event.type):<19} ", Style(colour if colour != "muted" else "accent")),
        Span(plain_line(call), MUTED),
        *spans_of(plain_line(about(event)[:400]), Style(colour if colour != "muted" else "text")),
    )
