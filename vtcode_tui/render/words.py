"""Two versions of a line compared word by word, and ranges of a line laid on another ground."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from unicodedata import normalize

from vtcode_tui.render.types import Ground, Span

Ranges = tuple[tuple[int, int], ...]
"""Stretches of a text, from one index up to another."""

_WORDS = re.compile(r"[^\W\d_]+|\d+|\s+|.", re.DOTALL)
_MOST_WORDS = 400
_SIMILAR = 0.4


def differences(old: str, new: str) -> tuple[Ranges, Ranges] | None:
    """What is different in each of two lines; None when they have so little in common that it would not help."""
    if old == new:
        return (), ()
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    before = _WORDS.findall(old[head : len(old) - tail])
    after = _WORDS.findall(new[head : len(new) - tail])
    if max(len(before), len(after)) > _MOST_WORDS:
        if (head + tail) < _SIMILAR * max(len(old), len(new)):
            return None
        return ((head, len(old) - tail),), ((head, len(new) - tail),)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    blocks = matcher.get_matching_blocks()
    same = head + tail + sum(len("".join(before[block.a : block.a + block.size])) for block in blocks)
    if 2 * same < _SIMILAR * (len(old) + len(new)):
        return None
    return (
        _ranges(before, head, [(block.a, block.size) for block in blocks]),
        _ranges(after, head, [(block.b, block.size) for block in blocks]),
    )


def _common(a: str, b: str) -> int:
    """The length of the common beginning, up to a word's edge."""
    size = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        size += 1
    while 0 < size < max(len(a), len(b)) and _inside_word(a, size) | _inside_word(b, size):
        size -= 1
    return size


def _inside_word(text: str, at: int) -> bool:
    return at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _ranges(words: Sequence[str], offset: int, same: Iterable[tuple[int, int]]) -> Ranges:
    """The words outside the matching blocks, as ranges of characters; neighbours a blank apart become one."""
    found: list[tuple[int, int]] = []
    at = 0
    place = offset
    for start, size in same:
        end = place + sum(map(len, words[at:start]))
        if end > place:
            found.append((place, end))
        place = end + sum(map(len, words[start : start + size]))
        at = start + size
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start - joined[-1][1] <= 1:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def look_alike(old: bytes, new: bytes) -> bool:
    """Whether two lines differ in nothing that is seen when they are drawn as usual."""
    if old.isascii() and new.isascii():
        if old.split() != new.split():
            return False
        odd = b"\t" in old or b"\t" in new or b"\r" in old or b"\r" in new
        return odd or old.endswith(b"\n") != new.endswith(b"\n")
    before, after = (normalize("NFKC", line.decode("utf-8", "replace")).split() for line in (old, new))
    return before == after


def on_ground(spans: Iterable[Span], ground: Ground, ranges: Ranges = (), marked: Ground = "") -> tuple[Span, ...]:
    """Spans laid on a ground; the characters in `ranges` on another."""
    result: list[Span] = []
    at = 0
    todo = list(ranges)
    for span in spans:
        text, style = span
        while text:
            while todo and todo[0][1] <= at:
                todo.pop(0)
            inside = bool(todo) and todo[0][0] <= at
            edge = (todo[0][1] if inside else todo[0][0]) - at if todo else len(text)
            part, text = text[:edge], text[edge:]
            result.append(Span(part, style._replace(ground=marked if inside else ground)))
            at += len(part)
    return tuple(result)
