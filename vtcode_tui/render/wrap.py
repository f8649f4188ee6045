"""Widths in terminal cells, and spans folded into rows of a width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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
    return split_at(text, cells - 1)[0] + "…" if cells > 0 else ""


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
            kept.append(Span(split_at(span.text, left - 1)[0] + "…", span.style))
            break
        kept.append(span)
        left -= size
    return tuple(kept) if cells > 0 else ()


_WORDS = re.compile(r" +|[^ ]+")


def _tokens(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Blanks and words; a word may go on over several spans."""
    word: list[Span] = []
    for span in spans:
        for found in _WORDS.finditer(span.text):
            piece = Span(found.group(), span.style)
            if piece.text[0] == " ":
                if word:
                    yield word
                    word = []
                yield [piece]
            else:
                word.append(piece)
    if word:
        yield word


def _append(row: list[Span], span: Span) -> None:
    if row and row[-1].style == span.style:
        row[-1] = Span(row[-1].text + span.text, span.style)
    else:
        row.append(span)


def fold(
    spans: Iterable[Span], cells: int, *, first: tuple[Span, ...] = (), rest: tuple[Span, ...] = ()
) -> list[Line]:
    """One line of text as rows of at most `cells`, broken at blanks where possible, inside words where not.

    `first` and `rest` are put before the first row and the others (bullets, indentation); the rows after the first
    are `joined`. No character is lost except that nothing is: blanks at a break stay at the row's end if they fit.
    """
    todo = tuple(spans)
    room = max(1, cells - width_of(first))
    if width_of(todo) <= room:
        return [Line(first + todo)]
    rows: list[Line] = []
    row: list[Span] = []
    used = 0

    def close() -> None:
        nonlocal row, used, room
        rows.append(Line((rest if rows else first) + tuple(row), joined=bool(rows)))
        row, used, room = [], 0, max(1, cells - width_of(rest))

    for word in _tokens(todo):
        size = width_of(word)
        blank = word[0].text[0] == " "
        if used + size > room and used and not blank:
            close()
        for span in word:
            text = span.text
            while used + width(text) > room:
                head, text = split_at(text, room - used)
                if not head and not used:  # one character wider than the whole row
                    head, text = text[:1], text[1:]
                if head:
                    _append(row, Span(head, span.style))
                close()
                if not text:
                    break
            if text:
                _append(row, Span(text, span.style))
                used += width(text)
    if row or not rows:
        close()
    return rows


def hard_fold(spans: Iterable[Span], cells: int) -> list[Line]:
    """One line as rows of at most `cells`, cut wherever the row is full: for code and commands."""
    rows: list[Line] = []
    row: list[Span] = []
    used = 0
    for span in spans:
        text = span.text
        while text:
            head, tail = split_at(text, max(1, cells) - used)
            if not head and not used:
                head, tail = text[:1], text[1:]
            if head:
                row.append(Span(head, span.style))
                used += width(head)
            if tail:
                rows.append(Line(tuple(row), joined=bool(rows)))
                row, used = [], 0
            text = tail
    rows.append(Line(tuple(row), joined=bool(rows)))
    return rows


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
