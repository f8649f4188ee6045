"""A layer is brought back to a moment that was noted, whatever runs, acceptances and people did since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from tests.workspace.conftest import Bench
from tests.workspace.test_staging import OPERATIONS
from vtcode_tui.workspace.changes import ChangeSet
from vtcode_tui.workspace.wire import decode


def backwards(bench: Bench, mark: int) -> dict[str, str]:
    return {c.path: c.op for c in decode(bench.moment("since", mark)["changes"]).files}


def test_what_going_back_would_change_is_told_from_now_to_then(bench: Bench) -> None:
    bench.staged([("append", "a.txt", "nine\n"), ("rmtree", "d/e"), ("write", "new/x", "x")])
    seen = bench.staged()
    bench.moment("note", 1)
    bench.staged(
        [("append", "a.txt", "ten\n"), ("write", "d/e/f.txt", "again\n"), ("rmtree", "new"), ("remove", "b.txt")]
    )
    assert backwards(bench, 1) == {"a.txt": "update", "b.txt": "create", "d/e/f.txt": "delete", "new/x": "create"}
    assert bench.go_back(1)["failed"] == {}
    assert bench.staged() == seen
    assert backwards(bench, 1) == {}


def test_going_back_to_the_beginning_empties_the_layer(bench: Bench) -> None:
    before = bench.staged()
    bench.staged([("append", "a.txt", "nine\n"), ("rmtree", "d")])
    bench.go_back(0)
    assert bench.staged() == before
    assert bench.changes() == ChangeSet()


def test_what_a_human_changed_since_is_kept(bench: Bench) -> None:
    bench.staged([("shell", "sed -i s/two/TWO/ a.txt")])
    bench.changes()
    bench.moment("note", 1)
    bench.staged([("shell", "sed -i s/three/THREE/ a.txt")])
    bench.direct([("shell", "sed -i s/seven/SEVEN/ a.txt"), ("write", "b.txt", "human\n")])
    bench.go_back(1)
    bench.changes()
    seen = bench.staged()
    assert seen["a.txt"][2].split() == ["one", "TWO", "three", "four", "five", "six", "SEVEN", "eight"]
    assert seen["b.txt"][2] == "human\n"


def test_what_was_accepted_since_stays_in_the_workspace(bench: Bench) -> None:
    bench.staged([("shell", "sed -i s/two/TWO/ a.txt")])
    bench.changes()
    bench.moment("note", 1)
    bench.staged([("shell", "sed -i s/TWO/2/ a.txt"), ("write", "new", "x")])
    bench.accept(turn=1)
    bench.go_back(1, turn=1)
    assert (bench.root / "a.txt").read_text().split()[1] == "2"
    assert (bench.root / "new").exists()
    (change,) = bench.changes().files
    assert (change.path, change.conflict, change.hunks[0].new_lines) == ("a.txt", "", (b"TWO\n",))


def test_a_file_that_is_too_large_to_keep_is_named_and_left(bench: Bench) -> None:
    bench.staged([("shell", "head -c 9000000 /dev/zero > big")])
    assert bench.moment("note", 1)["not_kept"] == 1
    bench.staged([("remove", "big")])
    assert "too large" in bench.go_back(1)["failed"]["big"]


def test_build_products_stay(bench: Bench) -> None:
    bench.direct([("write", ".gitignore", "*.o\n")])
    bench.staged([("write", "x.o", "x"), ("write", "y", "y")])
    bench.go_back(0)
    seen = bench.staged()
    assert "x.o" in seen
    assert "y" not in seen


@given(first=OPERATIONS, second=OPERATIONS, accepted=st.booleans())
@example(first=[("rmtree", "d")], second=[("write", "d/e/f.txt", "x")], accepted=False)
@example(first=[("write", "n/m", "x")], second=[("rmtree", "n"), ("write", "n", "x")], accepted=False)
@example(first=[("rmtree", "d"), ("write", "d", "x")], second=[("remove", "d")], accepted=False)
@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_runs_did_they_see_again_what_they_saw(
    benches: Callable[[], Bench], first: Any, second: Any, accepted: bool
) -> None:
    bench = benches()
    seen = bench.staged(first)
    bench.changes()
    bench.moment("note", 1)
    bench.staged(second)
    if accepted:
        assert bench.accept(turn=1)["failed"] == {}
        now = bench.direct()
        assert bench.go_back(1, turn=1)["failed"] == {}
        assert bench.direct() == now, "going back touches no real file"
    else:
        assert bench.go_back(1)["failed"] == {}
        assert bench.staged() == seen
        bench.go_back(0)
        assert bench.changes() == ChangeSet()
