"""Differences between texts as hunks, and some of them applied. Standard library only.

Lines are bytes with their ends. Big files stay fast: what is equal at both ends is cut off, lines that occur once
in both texts split the rest (patience), and only what remains between them is compared exhaustively or taken whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from vtcode_tui.workspace.changes import Hunk

Span = tuple[int, int, int, int]
"""Lines `a[i:j]` became `b[k:l]`."""

_EXHAUSTIVE = 400_000
"""Pairs of lines up to which a stretch is compared exhaustively."""


def split_lines(text: bytes) -> list[bytes]:
    """Lines with their ends; only a line feed ends one, so that joining gives the same bytes."""
    lines = text.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def hunks_of(old: bytes, new: bytes) -> tuple[Hunk, ...]:
    """What to replace in `old` to get `new`. A pure insertion stands before old line `old_start`."""
    a, b = split_lines(old), split_lines(new)
    return tuple(Hunk(n, i + 1, tuple(a[i:j]), k + 1, tuple(b[k:m])) for n, (i, j, k, m) in enumerate(spans(a, b)))


def apply_hunks(
    old: bytes, hunks: Sequence[Hunk], chosen: Collection[int], own: Mapping[int, bytes] | None = None
) -> bytes:
    """`old` with the hunks of these indexes applied, and nothing else. `own`: other texts for some of them."""
    own = own or {}
    lines, made, at = split_lines(old), list[bytes](), 0
    for hunk in hunks:
        if hunk.index not in chosen:
            continue
        start = hunk.old_start - 1
        made += lines[at:start]
        if tuple(lines[start : start + len(hunk.old_lines)]) != hunk.old_lines:
            raise ValueError(f"hunk {hunk.index} was made for another text")
        made += [own[hunk.index]] if hunk.index in own else hunk.new_lines
        at = start + len(hunk.old_lines)
    made += lines[at:]
    return b"".join(made)


def spans(a: Sequence[bytes], b: Sequence[bytes]) -> list[Span]:
    """The stretches that differ, in order, none touching the next."""
    joined: list[Span] = []
    for i, j, k, m in _spans(a, b, 0, len(a), 0, len(b)):
        if joined and joined[-1][1] == i and joined[-1][3] == k:
            joined[-1] = (joined[-1][0], j, joined[-1][2], m)
        else:
            joined.append((i, j, k, m))
    return joined


def _spans(a: Sequence[bytes], b: Sequence[bytes], i: int, j: int, k: int, m: int) -> Iterator[Span]:
    work = [(i, j, k, m)]
    while work:
        i, j, k, m = work.pop()
        while i < j and k < m and a[i] == b[k]:
            i, k = i + 1, k + 1
        while i < j and k < m and a[j - 1] == b[m - 1]:
            j, m = j - 1, m - 1
        if i == j or k == m:
            if i != j or k != m:
                yield (i, j, k, m)
            continue
        if (j - i) * (m - k) <= _EXHAUSTIVE:
            for tag, i1, i2, k1, k2 in SequenceMatcher(None, a[i:j], b[k:m], autojunk=False).get_opcodes():
                if tag != "equal":
                    yield (i + i1, i + i2, k + k1, k + k2)
            continue
        anchors = _anchors(a, b, i, j, k, m)
        if not anchors:
            yield (i, j, k, m)
            continue
        pieces = []
        for x, y in anchors:
            pieces.append((i, x, k, y))
            i, k = x + 1, y + 1
        pieces.append((i, j, k, m))
        work.extend(reversed(pieces))


def _anchors(a: Sequence[bytes], b: Sequence[bytes], i: int, j: int, k: int, m: int) -> list[tuple[int, int]]:
    """Lines that occur once on each side, the longest sequence of them that keeps its order."""
    once_a, once_b = _once(a, i, j), _once(b, k, m)
    pairs = [(x, once_b[line]) for line, x in once_a.items() if line in once_b]
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, (_, y) in enumerate(pairs):
        at = bisect_left(tails, y)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [y]
        ends[at : at + 1] = [place]
    chain, at = [], ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _once(lines: Sequence[bytes], start: int, end: int) -> dict[bytes, int]:
    seen: dict[bytes, int] = {}
    for place in range(start, end):
        seen[lines[place]] = -1 if lines[place] in seen else place
    return {line: place for line, place in seen.items() if place >= 0}


def is_binary(data: bytes) -> bool:
    """Whether this is shown as bytes: a NUL in its first 8,000 bytes, as git says."""
    return b"\0" in data[:8000]
