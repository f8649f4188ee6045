"""A session as it can be read from top to bottom: for `sessions show`, replay, and screen readers.

Each event is a heading (time, who, what) and, where there is one, its text beneath. Everything is safe to draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vtcode_tui.common.clock import local
from vtcode_tui.events.types import Event, ExecOutput, FileChanged
from vtcode_tui.render.markdown_aloud import markdown_aloud
from vtcode_tui.render.markdown_stream import markdown
from vtcode_tui.render.safety import plain, plain_line, spans_of
from vtcode_tui.render.telling import Told, told
from vtcode_tui.render.types import MUTED, TEXT, Line, Span, Style, StyleName
from vtcode_tui.render.wrap import cut, fold, hard_fold, pad

_WHO = 9
_BODY = 12
"""Lines of a tool's result, an output or a diff that are shown before the rest is only counted."""


def sentence(event: Event) -> str:
    """The event in one line of safe text: what an event log shows."""
    entry = told(event)
    first = entry.body.lstrip().partition("\n")[0] if entry.who in {"you", "model"} else ""
    return plain_line(f"{entry.text}: {first}" if first else entry.text)


def _time(event: Event) -> str:
    return plain_line(local(event.time).clock)


def lines_of(
    event: Event, width: int, *, verbose: bool = False, whole: bool = False, aloud: bool = False
) -> list[Line]:
    """One event as rows; none for details unless `verbose`. `whole` shows long texts to their end.

    `aloud` is for a screen reader: tables are told row by row.
    """
    entry = told(event)
    if entry.weight == "detail" and not verbose:
        return []
    time = _time(event) if width >= 40 else ""
    who = pad(plain_line(entry.who), _WHO)
    first = (Span(f"{time}  " if time else "", MUTED), Span(f"{who} ", Style(entry.style, bold=True)))
    indent = len(time) + 2 * bool(time) + _WHO + 1
    rest = (Span(" " * indent),)
    heading_style = Style(entry.style)
    rows = fold(spans_of(plain_line(entry.text), heading_style), width, first=first, rest=rest)
    if entry.body:
        inner = max(20, width - indent)
        if entry.markdown:
            body = (markdown_aloud if aloud else markdown)(entry.body, inner)
        else:
            body = _body(event, entry, inner, whole=whole or not _is_output(event))
        rows += [row._replace(spans=(*rest, *row.spans)) if row.spans else row for row in body]
    return rows


def _is_output(event: Event) -> bool:
    return isinstance(event.data, ExecOutput | FileChanged) or event.type == "tool.finished"


def _body(event: Event, entry: Told, width: int, *, whole: bool) -> list[Line]:
    texts = plain(entry.body.rstrip("\n")).split("\n")
    shown = texts if whole else texts[:_BODY]
    rows: list[Line] = []
    for text in shown:
        style = _diff_style(text) if isinstance(event.data, FileChanged) else TEXT
        rows += hard_fold(spans_of(text, style), width)
    if len(texts) > len(shown):
        more = f"… {len(texts) - len(shown):,} more lines"
        rows.append(Line((Span(cut(more, width), MUTED),)))
    return rows


_DIFF: dict[str, StyleName] = {"+": "added", "-": "removed", "@": "hunk"}


def _diff_style(text: str) -> Style:
    return Style(_DIFF.get(text[:1], "muted"))


def timeline(events: Iterable[Event], width: int, *, verbose: bool = False, whole: bool = False) -> Iterator[Line]:
    """A session as rows, an empty one between turns."""
    turn = None
    for event in events:
        rows = lines_of(event, width, verbose=verbose, whole=whole)
        if not rows:
            continue
        if turn is not None and event.turn != turn:
            yield Line()
        turn = event.turn
        yield from rows


def timeline_text(
    events: Iterable[Event], width: int = 100, *, verbose: bool = False, whole: bool = False
) -> Iterator[str]:
    """A session as lines of plain text, without line ends."""
    for row in timeline(events, width, verbose=verbose, whole=whole):
        yield row.text.rstrip()
