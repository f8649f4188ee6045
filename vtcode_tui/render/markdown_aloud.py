"""Markdown for a screen reader: a table's rows are sentences, each cell behind the name of its column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from markdown_it.token import Token

from vtcode_tui.render.markdown_layout import lay
from vtcode_tui.render.markdown_parse import blocks, settled, with_words
from vtcode_tui.render.types import Line


def markdown_aloud(text: str, width: int) -> list[Line]:
    """A whole Markdown text as rows without drawn tables."""
    return lay(list(_without_tables(with_words(blocks(settled(text))))), width)


def _without_tables(tokens: Iterable[Token]) -> Iterator[Token]:
    table: list[Token] | None = None
    for token in tokens:
        if token.type == "table_open":
            table = []
        if table is None:
            yield token
            continue
        table.append(token)
        if token.type == "table_close":
            yield from _told(table)
            table = None


def _told(table: Sequence[Token]) -> Iterator[Token]:
    """A table as one paragraph, a line for each row; one that has a head only, as that."""
    rows: list[list[Token]] = []
    for token in table:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    names, *others = rows
    level = table[0].level
    children: list[Token] = []
    for row in others or [names]:
        if children:
            children.append(Token("hardbreak", "br", 0))
        children += _sentence(names if others else [], row)
    yield Token("paragraph_open", "p", 1, level=level)
    yield Token("inline", "", 0, level=level + 1, children=children)
    yield Token("paragraph_close", "p", -1, level=level)


def _sentence(names: Sequence[Token], cells: Sequence[Token]) -> list[Token]:
    parts: list[Token] = []
    for name, cell in zip_longest(names, cells):
        if parts:
            parts.append(_word("; "))
        if name is not None and name.content:
            parts += [*(name.children or ()), _word(": ")]
        parts += (cell.children if cell is not None else None) or [_word("empty")]
    return parts


def _word(text: str) -> Token:
    return Token("text", "", 0, content=text)
