"""Three texts merged, and where they cannot be: the stretches that clash. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from vtcode_tui.workspace.changes import Clash
from vtcode_tui.workspace.lines import spans, split_lines

_Change: TypeAlias = tuple[int, int, list[bytes]]
"""Base lines `[start:end]` became these."""


def pieces(base: bytes, workspace: bytes, agent: bytes) -> list[bytes | Clash]:
    """The merged text in order, a `Clash` wherever both sides changed the same or adjoining lines differently."""
    lines, real = split_lines(base), split_lines(workspace)
    ours, theirs = _changes(lines, real), _changes(lines, split_lines(agent))
    found: list[bytes | Clash] = []
    at, real_at, clashes = 0, 1, 0
    while ours or theirs:
        start, end, mine, other = _group(ours, theirs)
        found.append(b"".join(lines[at:start]))
        real_at += start - at
        a, b = _side(lines, mine, start, end), _side(lines, other, start, end)
        if a == b or not other:
            found.append(b"".join(a))
        elif not mine:
            found.append(b"".join(b))
        else:
            found.append(Clash(clashes, real_at, tuple(lines[start:end]), tuple(a), tuple(b)))
            clashes += 1
        real_at += len(a)
        at = end
    found.append(b"".join(lines[at:]))
    return found


def merge(base: bytes, workspace: bytes, agent: bytes) -> bytes | None:
    """Both sides' changes to `base` in one text; None when they clash."""
    if workspace == agent or base == agent:
        return workspace
    if base == workspace:
        return agent
    found = pieces(base, workspace, agent)
    texts = [piece for piece in found if not isinstance(piece, Clash)]
    return b"".join(texts) if len(texts) == len(found) else None


def settled(
    found: Sequence[bytes | Clash], answers: Mapping[int, Literal["workspace", "agent"] | bytes]
) -> bytes | None:
    """The merged text with every clash answered; None when the answers are not exactly those that are asked for."""
    if {piece.index for piece in found if isinstance(piece, Clash)} != answers.keys():
        return None
    return b"".join(
        _answered(piece, answers[piece.index]) if isinstance(piece, Clash) else piece for piece in found
    )


def _answered(clash: Clash, answer: Literal["workspace", "agent"] | bytes) -> bytes:
    if isinstance(answer, bytes):
        return answer
    return b"".join(clash.workspace if answer == "workspace" else clash.agent)


def _changes(lines: Sequence[bytes], others: Sequence[bytes]) -> list[_Change]:
    return [(i, j, list(others[k:m])) for i, j, k, m in spans(lines, others)]


def _group(ours: list[_Change], theirs: list[_Change]) -> tuple[int, int, list[_Change], list[_Change]]:
    """Take the next changes that touch each other off both lists, and the base lines that they cover."""
    start = end = min(side[0][0] for side in (ours, theirs) if side)
    taken: tuple[list[_Change], list[_Change]] = ([], [])
    grown = True
    while grown:
        grown = False
        for side, mine in zip((ours, theirs), taken, strict=True):
            while side and side[0][0] <= end:
                mine.append(side.pop(0))
                end, grown = max(end, mine[-1][1]), True
    return start, end, *taken


def _side(lines: Sequence[bytes], changes: Sequence[_Change], start: int, end: int) -> list[bytes]:
    made, at = list[bytes](), start
    for first, last, text in changes:
        made += [*lines[at:first], *text]
        at = last
    return [*made, *lines[at:end]]
