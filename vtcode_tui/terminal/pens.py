"""Colours and attributes of cells, interned: a cell holds one character that stands for its pen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

Colour: TypeAlias = "int | tuple[int, int, int] | None"
"""A palette index (0-255), red-green-blue, or None for the terminal's own colour."""


class Pen(NamedTuple):
    """How a cell is drawn."""

    foreground: Colour = None
    background: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    blink: bool = False
    reverse: bool = False
    hidden: bool = False
    strike: bool = False


PLAIN = Pen()
_ONE_COLOUR = re.compile(r"([34])8;2;([0-9]{1,3});([0-9]{1,3});([0-9]{1,3})")
PLAIN_ID = "\0"
_MOST_PENS = 0xD000  # below the surrogates, so that every id is an ordinary two-byte character

_FLAGS: dict[int, tuple[str, bool]] = {
    1: ("bold", True),
    2: ("dim", True),
    3: ("italic", True),
    4: ("underline", True),
    5: ("blink", True),
    6: ("blink", True),
    7: ("reverse", True),
    8: ("hidden", True),
    9: ("strike", True),
    21: ("underline", True),
    23: ("italic", False),
    24: ("underline", False),
    25: ("blink", False),
    27: ("reverse", False),
    28: ("hidden", False),
    29: ("strike", False),
}


class PenTable:
    """Pens by id and back. The ids of pens that no cell uses are given up when the table is full."""

    def __init__(self) -> None:
        self.pens: list[Pen] = [PLAIN]
        self._ids: dict[Pen, str] = {PLAIN: PLAIN_ID}
        self._selected: dict[tuple[str, str], str] = {}

    def copy(self) -> PenTable:
        """Another table with the same pens."""
        new = PenTable()
        new.pens, new._ids = self.pens.copy(), self._ids.copy()
        return new

    @property
    def full(self) -> bool:
        """Whether `compact` is due before more pens are made."""
        return len(self.pens) >= _MOST_PENS

    def id_of(self, pen: Pen) -> str:
        """The character that stands for a pen; when the table is full, the plain one."""
        known = self._ids.get(pen)
        if known is not None:
            return known
        if self.full:
            return PLAIN_ID
        new = self._ids[pen] = chr(len(self.pens))
        self.pens.append(pen)
        return new

    def pen(self, identifier: str) -> Pen:
        """The pen that a character stands for."""
        return self.pens[ord(identifier)]

    def select(self, current: str, parameters: str) -> str:
        """The pen after SGR `parameters` (the text between `CSI` and `m`) were applied to the current one."""
        if not parameters or parameters == "0":
            return PLAIN_ID
        key = (current, parameters)
        known = self._selected.get(key)
        if known is None:
            if len(self._selected) > 4096:
                self._selected.clear()
            known = self._selected[key] = self.id_of(_painted(self.pens[ord(current)], parameters))
        return known

    def erased(self, current: str) -> str:
        """The pen of cells erased while `current` is in force: its background and nothing else."""
        return self.select(current, "erase") if current != PLAIN_ID else PLAIN_ID

    def compact(self, used: Iterable[str]) -> dict[int, str]:
        """Forget all pens but the used ones; returns a table for `str.translate` over the pens of all rows."""
        old = self.pens
        kept = sorted(set(used) | {PLAIN_ID})
        if len(kept) > _MOST_PENS // 2:
            kept = [PLAIN_ID]  # a picture in more colours than any screen has: it loses them
        table = dict.fromkeys(range(len(old)), PLAIN_ID)
        self.pens, self._ids = [], {}
        self._selected.clear()
        for identifier in kept:
            table[ord(identifier)] = chr(len(self.pens))
            self._ids[old[ord(identifier)]] = chr(len(self.pens))
            self.pens.append(old[ord(identifier)])
        return table


def _painted(pen: Pen, parameters: str) -> Pen:
    """As `applied`; a picture sets one 24-bit colour after the other, each of them new."""
    if found := _ONE_COLOUR.fullmatch(parameters):
        which, red, green, blue = found.groups()
        colour = (int(red), int(green), int(blue))
        if max(colour) < 256:
            return Pen(colour, *pen[1:]) if which == "3" else Pen(pen[0], colour, *pen[2:])
    return applied(pen, parameters)


def applied(pen: Pen, parameters: str) -> Pen:
    """The pen after a select-graphic-rendition sequence; unknown parameters change nothing."""
    if parameters == "erase":
        return Pen(background=pen.background)
    groups = parameters.split(";")[:64]
    at = 0
    while at < len(groups):
        group = groups[at]
        at += 1
        if ":" in group:
            pen = _with_colons(pen, group)
            continue
        code = int(group) if group.isdecimal() and len(group) < 6 else 0 if not group else -1
        if code in (38, 48, 58):
            colour, taken = _extended(groups[at : at + 4])
            at += taken
            pen = _coloured(pen, code, colour)
        else:
            pen = _simple(pen, code)
    return pen


def _simple(pen: Pen, code: int) -> Pen:
    if code in _FLAGS:
        name, value = _FLAGS[code]
        return pen._replace(**{name: value})
    match code:
        case 0:
            return PLAIN
        case 22:
            return pen._replace(bold=False, dim=False)
        case 39:
            return pen._replace(foreground=None)
        case 49:
            return pen._replace(background=None)
        case _ if 30 <= code <= 37:
            return pen._replace(foreground=code - 30)
        case _ if 40 <= code <= 47:
            return pen._replace(background=code - 40)
        case _ if 90 <= code <= 97:
            return pen._replace(foreground=code - 82)
        case _ if 100 <= code <= 107:
            return pen._replace(background=code - 92)
        case _:
            return pen


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0 if not text else 256


def _extended(groups: list[str]) -> tuple[Colour | str, int]:
    """The colour after 38, 48 or 58 and how many parameters it took; a text instead of a colour: none given."""
    match groups:
        case ["5", index, *_]:
            value = _number(index)
            return (value if value < 256 else "none"), 2
        case ["2", red, green, blue, *_]:
            rgb = (_number(red), _number(green), _number(blue))
            return (rgb if max(rgb) < 256 else "none"), 4
        case _:
            return "none", 1 if groups else 0


def _coloured(pen: Pen, code: int, colour: Colour | str) -> Pen:
    if isinstance(colour, str) or code == 58:
        return pen
    return pen._replace(foreground=colour) if code == 38 else pen._replace(background=colour)


def _with_colons(pen: Pen, group: str) -> Pen:
    parts = group.split(":")[:8]
    match parts:
        case ["4", style]:
            return pen._replace(underline=style != "0")
        case ["38" | "48" | "58" as code, "5", index, *_]:
            return _coloured(pen, int(code), _extended(["5", index])[0])
        case ["38" | "48" | "58" as code, "2", red, green, blue]:
            return _coloured(pen, int(code), _extended(["2", red, green, blue])[0])
        case ["38" | "48" | "58" as code, "2", _, red, green, blue, *_]:
            return _coloured(pen, int(code), _extended(["2", red, green, blue])[0])
        case _:
            return pen
