"""Tokens of markdown-it as rows of a width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it.token import Token

from vtcode_tui.render.safety import link_target, linked, plain, plain_line, spans_of
from vtcode_tui.render.syntax import START, highlight, lexer_named
from vtcode_tui.render.table import table_rows
from vtcode_tui.render.types import MUTED, TEXT, Line, Span, Style
from vtcode_tui.render.wrap import cut, fold, hard_fold, width, width_of

_RULE = Style("rule")
_BULLETS = "•◦▪"


@dataclass(frozen=True, slots=True)
class _Edge:
    """What stands left of a block: once before its first row, then before each further one."""

    first: tuple[Span, ...] = ()
    rest: tuple[Span, ...] = ()

    def inside(self, first: tuple[Span, ...], rest: tuple[Span, ...], cells: int) -> _Edge:
        """The edge of what stands within; deep nesting stops to indent where half of the width is gone."""
        if width_of(self.rest) + width_of(first) > cells // 2:
            return self
        return _Edge(self.first + first, self.rest + rest)

    def later(self) -> _Edge:
        return _Edge(self.rest, self.rest)


def lay(tokens: Sequence[Token], cells: int) -> list[Line]:
    """All blocks, one empty row between two of them."""
    rows: list[Line] = []
    _blocks(tokens, 0, len(tokens), cells, _Edge(), TEXT, rows)
    return rows


def language_of(info: str) -> str:
    """The language that a fence's first line names."""
    return plain(info).strip().split(" ")[0].split(",")[0].strip("{}.")


def fence_head(info: str, cells: int) -> list[Line]:
    """The row above a listing: its language, and what else its first line says."""
    label = cut(f"  {info.strip()}".rstrip(), cells)
    return [Line((Span(label, Style("muted", "code")),) if label else (), fill="code")]


def code_rows(lines: Sequence[tuple[Span, ...]], cells: int, edge: _Edge | None = None) -> list[Line]:
    """Lines of code, indented by two cells on their own ground; too long ones go on in the next row."""
    edge = edge or _Edge()
    margin = Span("  ", Style("code", "code"))
    room = max(1, cells - width_of(edge.rest) - 2)
    rows: list[Line] = []
    for spans in lines:
        for row in hard_fold(spans, room):
            left = edge.rest if rows else edge.first
            rows.append(Line((*left, margin, *row.spans), joined=row.joined, fill="code"))
    return rows


def _closing(tokens: Sequence[Token], start: int) -> int:
    level = tokens[start].level
    for index in range(start + 1, len(tokens)):
        if tokens[index].level == level and tokens[index].nesting < 0:
            return index
    return len(tokens) - 1


def _blocks(
    tokens: Sequence[Token],
    start: int,
    end: int,
    cells: int,
    edge: _Edge,
    style: Style,
    rows: list[Line],
    *,
    tight: bool = False,
) -> None:
    index = start
    first = True
    while index < end:
        token = tokens[index]
        stop = _closing(tokens, index) if token.nesting > 0 else index
        if not first and not (tight and token.hidden) and not tight:
            rows.append(Line(_blank(edge.rest)))
        _block(tokens, index, stop, cells, edge if first else edge.later(), style, rows)
        first = False
        index = stop + 1
    if first and edge.first:
        rows.append(Line(edge.first))


def _blank(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return spans if any(span.text.strip() for span in spans) else ()


def _block(
    tokens: Sequence[Token], index: int, stop: int, cells: int, edge: _Edge, style: Style, rows: list[Line]
) -> None:
    token = tokens[index]
    match token.type:
        case "paragraph_open":
            _paragraph(tokens[index + 1], cells, edge, style, rows)
        case "heading_open":
            level = int(token.tag[1])
            heading = Style("heading", bold=True, underline=level == 1)
            if level > 2:
                edge = edge.inside((Span("#" * level + " ", MUTED),), (Span(" " * (level + 1), MUTED),), cells)
            _paragraph(tokens[index + 1], cells, edge, heading, rows)
        case "bullet_list_open" | "ordered_list_open":
            _list(tokens, index, stop, cells, edge, style, rows)
        case "blockquote_open":
            bar = (Span("▌ ", Style("quote")),)
            _blocks(
                tokens, index + 1, stop, cells, edge.inside(bar, bar, cells), style._replace(name="quote"), rows
            )
        case "fence" | "code_block":
            _listing(token, cells, edge, rows)
        case "hr":
            room = max(1, cells - width_of(edge.first))
            rows.append(Line((*edge.first, Span("─" * room, _RULE))))
        case "table_open":
            inner_cells = max(4, cells - width_of(edge.rest))
            for number, row in enumerate(table_rows(_cells(tokens, index, stop, style), inner_cells)):
                left = edge.rest if number else edge.first
                rows.append(Line((*left, *row.spans), joined=row.joined))
        case _:
            text = plain(token.content)
            for number, part in enumerate(text.split("\n") if text else ()):
                inner = edge.later() if number else edge
                rows.extend(fold(spans_of(part, style), cells, first=inner.first, rest=inner.rest))


def _listing(token: Token, cells: int, edge: _Edge, rows: list[Line]) -> None:
    head = fence_head(plain_line(token.info), max(1, cells - width_of(edge.first)))[0]
    rows.append(Line((*edge.first, *head.spans), fill="code"))
    rows.extend(code_rows(code_lines(token), cells, edge.later()))


def code_lines(token: Token) -> list[tuple[Span, ...]]:
    """The lines of a whole listing in their colours."""
    lexer = lexer_named(language_of(token.info))
    lines = plain(token.content.removesuffix("\n")).split("\n")
    rows: list[tuple[Span, ...]] = []
    stack = START
    for begin in range(0, len(lines), 32):
        styled, stack = highlight(lines[begin : begin + 32], lexer, stack)
        rows += styled
    return rows


def _list(
    tokens: Sequence[Token], index: int, stop: int, cells: int, edge: _Edge, style: Style, rows: list[Line]
) -> None:
    opening = tokens[index]
    ordered = opening.type == "ordered_list_open"
    number = int(opening.attrs.get("start", 1)) if ordered else 0
    tight = not any(
        token.type == "paragraph_open" and token.level == opening.level + 2 and not token.hidden
        for token in tokens[index:stop]
    )
    depth = sum(span.style == MUTED for span in edge.rest)
    at = index + 1
    while at < stop:
        end = _closing(tokens, at)
        bullet = f"{number}. " if ordered else f"{_BULLETS[min(depth, 2)]} "
        left = (Span(bullet, Style("accent")),)
        inner = edge.inside(left, (Span(" " * width(bullet), MUTED),), cells)
        if at > index + 1 and not tight:
            rows.append(Line(_blank(edge.rest)))
        _blocks(tokens, at + 1, end, cells, inner, style, rows, tight=tight)
        edge = edge.later()
        number += 1
        at = end + 1


def _paragraph(inline: Token, cells: int, edge: _Edge, style: Style, rows: list[Line]) -> None:
    for number, spans in enumerate(inline_lines(inline, style)):
        inner = edge.later() if number else edge
        rows.extend(fold(spans, cells, first=inner.first, rest=inner.rest))


_EMPHASIS: dict[str, dict[str, Any]] = {
    "strong_open": {"bold": True},
    "em_open": {"italic": True},
    "s_open": {"strike": True},
    "link_open": {"name": "link", "underline": True},
}


def inline_lines(inline: Token, style: Style) -> list[list[Span]]:
    """The inline content of a block; a new list for each hard line break."""
    lines: list[list[Span]] = [[]]
    styles = [style]
    targets: list[tuple[str, int]] = []
    for token in inline.children or ():
        now = styles[-1]
        row = lines[-1]
        match token.type:
            case "code_inline":
                row.extend(spans_of(plain_line(token.content), now._replace(name="code", ground="code")))
            case "softbreak":
                row.append(Span(" ", now))
            case "hardbreak":
                lines.append([])
            case "image":
                source = _where(token, "src")
                row.extend(spans_of(f"🖼 {plain_line(token.content)} ({source})", MUTED))
            case opening if opening in _EMPHASIS:
                href = str(token.attrs.get("href", ""))
                styles.append(now._replace(**_EMPHASIS[opening], link=link_target(href) or now.link))
                targets.append((_where(token, "href"), len(row)))
            case "link_close":
                styles.pop()
                row.extend(_target(*targets.pop(), row))
            case _ if token.nesting < 0 and len(styles) > 1:
                styles.pop()
                targets.pop()
            case _:
                row.extend(linked(plain_line(token.content), now))
    return lines


def _where(token: Token, attribute: str) -> str:
    """Where a link or an image leads, and the title that a browser would show beside the pointer."""
    title = plain_line(str(token.attrs.get("title", "")))
    return plain_line(str(token.attrs.get(attribute, ""))) + (f' "{title}"' if title else "")


def _target(where: str, begin: int, row: list[Span]) -> tuple[Span, ...]:
    """Where a link leads, unless that is what its text says."""
    shown = "".join(span.text for span in row[begin:])
    return () if where.removeprefix("mailto:") in (shown, f"{shown}/") else spans_of(f" ({where})", MUTED)


def _cells(tokens: Sequence[Token], index: int, stop: int, style: Style) -> list[list[tuple[list[Span], str]]]:
    """Rows of a table; each cell is its spans and its alignment. The first row is the heading."""
    table: list[list[tuple[list[Span], str]]] = []
    for at in range(index, stop):
        token = tokens[at]
        if token.type == "tr_open":
            table.append([])
        elif token.type in {"th_open", "td_open"}:
            align = str(token.attrs.get("style", "")).removeprefix("text-align:")
            inner = style._replace(bold=True) if token.type == "th_open" else style
            spans = [span for part in inline_lines(tokens[at + 1], inner) for span in part]
            table[-1].append((spans, align))
    return table
