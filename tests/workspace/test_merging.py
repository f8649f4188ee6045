from __future__ import annotations

from typing import Literal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.workspace import merging
from vtcode_tui.workspace.changes import Clash

_FILE = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"d"]), max_size=8).map(b"".join)
Side = Literal["workspace", "agent"]


def clashes(base: bytes, workspace: bytes, agent: bytes) -> list[Clash]:
    return [piece for piece in merging.pieces(base, workspace, agent) if isinstance(piece, Clash)]


@given(base=_FILE, mine=_FILE, theirs=_FILE)
@settings(max_examples=examples(150, 5_000))
def test_a_merge_has_both_sides_or_is_refused(base: bytes, mine: bytes, theirs: bytes) -> None:
    merged = merging.merge(base, mine, theirs)
    assert merged == merging.merge(base, theirs, mine)
    assert merging.merge(base, mine, base) == mine
    assert merging.merge(base, mine, mine) == mine


def test_changes_far_apart_merge_and_adjoining_ones_do_not() -> None:
    base = b"".join(b"%d\n" % n for n in range(20))
    mine, theirs = base.replace(b"3\n", b"three\n", 1), base.replace(b"15\n", b"fifteen\n")
    assert merging.merge(base, mine, theirs) == mine.replace(b"15\n", b"fifteen\n")
    assert merging.merge(base, mine, base.replace(b"\n4\n", b"\nfour\n")) is None


@given(base=_FILE, workspace=_FILE, agent=_FILE)
@settings(max_examples=examples(150, 5_000))
def test_one_side_answered_everywhere_keeps_what_only_the_other_changed(
    base: bytes, workspace: bytes, agent: bytes
) -> None:
    found = merging.pieces(base, workspace, agent)
    answers: dict[int, Side | bytes] = {piece.index: "workspace" for piece in found if isinstance(piece, Clash)}
    mine = merging.settled(found, answers)
    assert mine is not None
    # Merging what was settled with the workspace's own file finds nothing left to ask.
    assert merging.merge(workspace, workspace, mine) == mine
    assert b"".join(b"".join(p.workspace) if isinstance(p, Clash) else p for p in found) == mine
    for clash in (piece for piece in found if isinstance(piece, Clash)):
        assert clash.workspace != clash.agent


@given(base=_FILE, workspace=_FILE, agent=_FILE)
@example(base=b"", workspace=b"x\n", agent=b"y\n")
@settings(max_examples=examples(150, 5_000))
def test_a_clash_stands_where_the_workspace_has_its_lines(base: bytes, workspace: bytes, agent: bytes) -> None:
    lines = workspace.splitlines(keepends=True)
    for clash in clashes(base, workspace, agent):
        assert tuple(lines[clash.start - 1 : clash.start - 1 + len(clash.workspace)]) == clash.workspace


def test_every_clash_must_be_answered_and_nothing_else() -> None:
    found = merging.pieces(b"a\nb\nc\n", b"A\nb\nC\n", b"1\nb\n3\n")
    assert merging.settled(found, {0: "workspace"}) is None
    assert merging.settled(found, {0: "workspace", 1: "agent", 2: b""}) is None
    assert merging.settled(found, {0: "workspace", 1: "agent"}) == b"A\nb\n3\n"
    assert merging.settled(found, {0: b"own\n", 1: b""}) == b"own\nb\n"
