"""Tables as rows: columns as wide as their content, narrowed and wrapped when the screen is too small."""

from __future__ import annotations

from collections.abc import Sequence

from vtcode_tui.render.types import Line, Span, Style
from vtcode_tui.render.wrap import cut, cut_spans, fold, width_of

Cell = tuple[list[Span], str]
"""Content and alignment: `left`, `right`, `center` or empty."""

_RULE = Style("rule")
_SEPARATOR = Span(" │ ", _RULE)


def table_rows(table: Sequence[Sequence[Cell]], cells: int) -> list[Line]:
    """Heading, rule, rows. A cell that does not fit goes on in the next row."""
    if not table or not table[0]:
        return []
    columns = len(table[0])
    widths = _widths(table, columns, cells)
    rows = _row(table[0], widths)
    rows.append(Line((Span(cut("─┼─".join("─" * size for size in widths), cells), _RULE),)))
    for row in table[1:]:
        rows.extend(_row(row, widths))
    # More columns than there are cells: what does not fit is cut, and says so.
    return rows if sum(widths) + 3 * (columns - 1) <= cells else [Line(cut_spans(row.spans, cells)) for row in rows]


def _widths(table: Sequence[Sequence[Cell]], columns: int, cells: int) -> list[int]:
    wanted = [
        max([1, *(width_of(row[column][0]) for row in table if column < len(row))]) for column in range(columns)
    ]
    room = max(columns, cells - 3 * (columns - 1))
    if sum(wanted) <= room:
        return wanted
    # Narrow columns keep what they need; the wide ones share the rest evenly.
    widths = list(wanted)
    open_columns = sorted(range(columns), key=wanted.__getitem__)
    left = room
    while open_columns:
        share = max(1, left // len(open_columns))
        column = open_columns.pop(0)
        widths[column] = min(wanted[column], share)
        left -= widths[column]
    return widths


def _row(row: Sequence[Cell], widths: Sequence[int]) -> list[Line]:
    folded = [fold(cell[0], size) for cell, size in zip(row, widths, strict=False)]
    height = max((len(lines) for lines in folded), default=0)
    rows: list[Line] = []
    for at in range(height):
        spans: list[Span] = []
        for column, size in enumerate(widths):
            if column:
                spans.append(_SEPARATOR)
            content = folded[column][at].spans if column < len(folded) and at < len(folded[column]) else ()
            align = row[column][1] if column < len(row) else ""
            gap = max(0, size - width_of(content))
            left = gap if align == "right" else gap // 2 if align == "center" else 0
            if left:
                spans.append(Span(" " * left))
            spans.extend(content)
            if gap > left:
                spans.append(Span(" " * (gap - left)))
        rows.append(Line(tuple(spans)))
    return rows
