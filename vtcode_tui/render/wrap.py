"""Widths in terminal cells, and spans folded into rows of a width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, get_character_cell_size

from vtcode_tui.render.types import Line, Span


def width(text: str) -> int:
    """How many cells a terminal needs for the text: the same measure that Textual draws with."""
    return len(text) if text.isascii() else cell_len(text)


def width_of(spans: Iterable[Span]) -> int:
    """The cells of several spans."""
    return sum(width(span.text) for span in spans)


_PIECES = re.compile(r"[^\u0300-\u036f\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]"
                     r"(?:[\u0300-\u036f\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]|\u200d.)*|.", re.DOTALL)  # fmt: skip


def split_at(text: str, cells: int) -> tuple[str, str]:
    """The text in two, the first part at most `cells` wide; never cuts inside a character that is drawn as one."""
    if text.isascii():
        return text[:cells], text[cells:]
    used = end = 0
    for found in _PIECES.finditer(text):
        piece = found.group()
        used += get_character_cell_size(piece) if len(piece) == 1 else cell_len(piece)
        if used > cells:
            break
        end = found.end()
    return text[:end], text[end:]


def cut(text: str, cells: int) -> str:
    """The text in at most `cells` cells, with … at the end when something is missing."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    head = split_at(text, cells - 1)[0]
    return head if head.endswith("…") else head + "…"


def pad(text: str, cells: int) -> str:
    """The text in exactly `cells` cells."""
    text = cut(text, cells)
    return text + " " * (cells - width(text))


def cut_spans(spans: Iterable[Span], cells: int) -> tuple[Span, ...]:
    """Spans in at most `cells` cells, with … at the end when something is missing."""
    kept: list[Span] = []
    left = cells
    todo = tuple(spans)
    if width_of(todo) <= cells:
        return todo
    for span in todo:
        size = width(span.text)
        if size >= left:
            head = split_at(span.text, left - 1)[0]
            ended = (head or (kept[-1].text if kept else "")).endswith("…")  # a part of it was cut before
            kept.append(Span(head if ended else head + "…", span.style))
            break
        kept.append(span)
        left -= size
    return tuple(kept) if cells > 0 else ()


def _fitting(text: str, start: int, cells: int) -> int:
    """The index up to which the text from `start` on fits; at least one character further than `start`."""
    if text.isascii():
        return min(len(text), start + cells)
    look = 2 * cells + 8
    while True:
        piece = text[start : start + look]
        fits = len(split_at(piece, cells)[0])
        if fits < len(piece) or start + look >= len(text):
            return start + max(1, fits)
        look *= 2


class _Cutter:
    """Takes spans off the front of a line, by the number of characters."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._at = self._within = 0

    def take(self, count: int) -> tuple[Span, ...]:
        taken: list[Span] = []
        while count > 0 and self._at < len(self._spans):
            span = self._spans[self._at]
            left = len(span.text) - self._within
            if count >= left:
                taken.append(Span(span.text[self._within :], span.style) if self._within else span)
                self._at, self._within = self._at + 1, 0
            else:
                taken.append(Span(span.text[self._within : self._within + count], span.style))
                self._within += count
            count -= left
        return tuple(taken)


def _rows(
    spans: Sequence[Span], cells: int, first: tuple[Span, ...], rest: tuple[Span, ...], *, at_blanks: bool
) -> list[Line]:
    text = "".join([span.text for span in spans])
    room = max(1, cells - width_of(first))
    if len(text) <= room and width(text) <= room:
        return [Line((*first, *spans))]
    cutter = _Cutter(spans)
    rows: list[Line] = []
    start = 0
    while True:
        end = _fitting(text, start, room)
        if end < len(text) and at_blanks:
            blank = text.rfind(" ", start, end)
            end = blank + 1 or end
        rows.append(Line((rest if rows else first) + cutter.take(end - start), joined=bool(rows)))
        start = end
        if start >= len(text):
            return rows
        room = max(1, cells - width_of(rest))


def fold(
    spans: Iterable[Span], cells: int, *, first: tuple[Span, ...] = (), rest: tuple[Span, ...] = ()
) -> list[Line]:
    """One line of text as rows of at most `cells`, broken behind blanks where possible, inside words where not.

    `first` and `rest` are put before the first row and the others (bullets, indentation); the rows after the first
    are `joined`. No character is lost: the blank at a break stays at the row's end.
    """
    return _rows(tuple(spans), cells, first, rest, at_blanks=True)


def hard_fold(spans: Iterable[Span], cells: int) -> list[Line]:
    """One line as rows of at most `cells`, cut wherever the row is full: for code and commands."""
    return _rows(tuple(spans), cells, (), (), at_blanks=False)


def from_cell(spans: Iterable[Span], cells: int) -> tuple[Span, ...]:
    """Spans as they are seen after scrolling to the right: with … where something is further left."""
    todo = tuple(spans)
    if cells <= 0 or not todo:
        return todo
    rest = drop_cells(todo, cells + 1)
    return (Span("…", (rest or todo)[0].style), *rest)


def drop_cells(spans: Iterable[Span], cells: int) -> tuple[Span, ...]:
    """Spans without their first cells: what is seen after scrolling to the right."""
    if cells <= 0:
        return tuple(spans)
    kept: list[Span] = []
    left = cells
    for span in spans:
        if left > 0:
            head, tail = split_at(span.text, left)
            left -= width(head)
            if tail and left > 0:  # a wide character across the edge
                tail, left = " " + split_at(tail, 2)[1], 0
            if not tail:
                continue
            span = Span(tail, span.style)
        kept.append(span)
    return tuple(kept)
