"""A conflict as rows: what the workspace holds, what the agent wrote, and which of them was chosen."""

from __future__ import annotations

from vtcode_tui.render.safety import plain_bytes, spans_of
from vtcode_tui.render.types import MUTED, Ground, Line, Span, Style
from vtcode_tui.render.wrap import cut_spans, from_cell, hard_fold
from vtcode_tui.workspace.changes import FileChange

_HEADS: dict[str, tuple[str, Ground]] = {"yours": ("yours  ", "removed"), "agents": ("agent  ", "added")}
_EDGE = 9


def clash_room(cells: int) -> int:
    """The cells of a line of either side."""
    return max(4, cells - _EDGE - 1)


def clash_heading(change: FileChange, index: int, chosen: str | bytes | None) -> tuple[Span, ...]:
    """Where a clash is, and what was decided of it."""
    at = next(number for number, clash in enumerate(change.clashes, 1) if clash.index == index)
    clash = change.clashes[at - 1]
    words = {None: "open", "workspace": "yours stays", "agent": "the agent's is taken"}
    said = words.get(chosen, "your own text") if not isinstance(chosen, bytes) else "your own text"
    style = Style("caution", "code", bold=True) if chosen is None else Style("good", "code", bold=True)
    return (
        Span(f"  conflict {at} of {len(change.clashes)} ", Style("caution", "code")),
        Span(f"at line {clash.start}  ", Style("muted", "code")),
        Span(said, style),
    )


def clash_line(raw: bytes, cells: int, side: str, *, wrap: bool, left: int) -> list[Line]:
    """One line of one side, with whose it is in front of it."""
    label, ground = _HEADS[side]
    style = Style("text", ground)
    spans = spans_of(plain_bytes(raw.removesuffix(b"\n")), style)
    room = clash_room(cells)
    rows = hard_fold(spans, room) if wrap else [Line(cut_spans(from_cell(spans, left), room))]
    head = Span(f"  {label}", MUTED._replace(ground=ground))
    return [Line((head, *row.spans), joined=row.joined, fill=ground) for row in rows]
