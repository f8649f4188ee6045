"""Words of a command line, and what they may become once a shell has looked at them.

A word that the shell would change is never taken for a literal: it is a set of shapes, each a known beginning and
a tail that is empty, a glob, or anything at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Tail: TypeAlias = Literal["", "glob", "any"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A family of values: all begin with `start`; a glob's `pattern` is what follows in writing."""

    start: str
    tail: Tail = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: `text` as written, `value` where only one is possible, otherwise its shapes and the reason."""

    text: str
    value: str | None
    shapes: tuple[Shape, ...] = ()
    splits: bool = False
    """May become no word at all, or several."""
    why: str = ""
    """What the shell would change; empty for a plain literal."""
    loose: bool = False
    """Its value is split at blanks, so that any part of it may stand at the beginning of a word."""
    odd: str = ""
    """How the writing hides a value that is nevertheless certain."""
    source: tuple[tuple[Word, ...], ...] = ()
    """The commands of the plain pipeline whose output this is."""

    @property
    def options(self) -> tuple[Shape, ...]:
        """Every family of values that this word may have."""
        return (Shape(self.value),) if self.value is not None else self.shapes

    @property
    def may_be_option(self) -> bool:
        """Whether some value begins with a dash."""
        if self.value is not None:
            return self.value.startswith("-")
        return self.loose or any(s.start.startswith("-") or (not s.start and s.tail) for s in self.shapes)

    def after(self, count: int) -> Word:
        """The word without its first `count` characters, which must be certain in every shape."""
        if self.value is not None:
            return Word(self.text, self.value[count:], odd=self.odd)
        shapes = tuple(Shape(s.start[count:], s.tail, s.pattern) for s in self.shapes)
        return Word(self.text, None, shapes, self.splits, self.why, self.loose, self.odd)

    @property
    def start(self) -> str:
        """What every value begins with."""
        if self.value is not None:
            return self.value
        starts = [s.start for s in self.shapes]
        if not starts:
            return ""
        first, last = min(starts), max(starts)
        same = 0
        while same < len(first) and same < len(last) and first[same] == last[same]:
            same += 1
        return first[:same]


def literal(text: str) -> Word:
    """A word that is exactly its text, as in an argument vector."""
    return Word(text, text)


def unknown(text: str, why: str, *, start: str = "", splits: bool = False) -> Word:
    """A word of which only the beginning is known."""
    return Word(text, None, (Shape(start, "any"),), splits, why, splits)


MOST_SHAPES = 64


def joined(text: str, parts: list[Word]) -> Word:
    """The word that parts make when they are written without a blank between them."""
    if len(parts) == 1:
        only = parts[0]
        return only if only.text == text else replace(only, text=text)
    odd = next((p.odd for p in parts if p.odd), "")
    if all(p.value is not None for p in parts):
        return Word(text, "".join(p.value or "" for p in parts), odd=odd)
    shapes: list[Shape] = [Shape("")]
    for part in parts:
        shapes = [_append(left, right) for left in shapes for right in part.options]
        if len(shapes) > MOST_SHAPES:
            return unknown(text, "too many possible values", splits=True)
    why = next((p.why for p in parts if p.why), "")
    splits, loose = any(p.splits for p in parts), any(p.loose for p in parts)
    return Word(text, None, tuple(dict.fromkeys(shapes)), splits, why, loose, odd)


def _append(left: Shape, right: Shape) -> Shape:
    match left.tail, right.tail:
        case "", tail:
            return Shape(left.start + right.start, tail, right.pattern)
        case "glob", "any":
            return Shape(left.start, "any")
        case "glob", _:
            return Shape(left.start, "glob", left.pattern + right.start + right.pattern)
        case _:
            return Shape(left.start, "any")
