"""What a human may choose of a change besides taking or leaving it: parts, their own words, sides of a conflict."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from tests.workspace.conftest import Bench
from vtcode_tui.workspace import staging
from vtcode_tui.workspace.changes import ChangeSet, Choice, Edited, FileChange, Overwrite, Rewritten, Settled
from vtcode_tui.workspace.choices import described, from_json, own_texts, to_json
from vtcode_tui.workspace.wire import decode

TWO_HUNKS = ("shell", "sed -i -e s/two/TWO/ -e s/seven/SEVEN/ a.txt")


def only(changes: ChangeSet) -> FileChange:
    (change,) = changes.files
    return change


def words(bench: Bench) -> str:
    return " ".join((bench.root / "a.txt").read_text().split())


def seen(bench: Bench) -> str:
    return " ".join(bench.staged()["a.txt"][2].split())


def in_conflict(bench: Bench) -> FileChange:
    bench.staged([("shell", "sed -i -e s/two/TWO/ -e s/five/FIVE/ a.txt")])
    bench.changes()
    bench.direct([("shell", "sed -i -e s/two/zwei/ -e s/eight/acht/ a.txt")])
    return only(bench.changes())


def test_a_hunk_is_accepted_with_the_humans_own_text(bench: Bench) -> None:
    bench.staged([TWO_HUNKS])
    answer = bench.accept({"a.txt": Edited({0: b"Zwei\nund\n"})})
    assert words(bench) == "one Zwei und three four five six seven eight"
    assert seen(bench) == "one Zwei und three four five six SEVEN eight", "the agent sees it, and keeps the rest"
    assert [h.new_lines for h in only(bench.changes()).hunks] == [(b"SEVEN\n",)]
    (told,) = decode(answer["changes"]).files
    assert told.after_sha256 == sha256((bench.root / "a.txt").read_bytes()).hexdigest()
    assert (told.added, told.removed) == (2, 1)


def test_an_edited_hunk_and_an_untouched_one_leave_nothing_to_review(bench: Bench) -> None:
    bench.staged([TWO_HUNKS])
    bench.accept({"a.txt": Edited({0: b"", 1: b"SEVEN\n"})})
    assert words(bench) == "one three four five six SEVEN eight" == seen(bench)
    assert bench.changes() == ChangeSet()


def test_a_partial_acceptance_is_told_as_what_was_written(bench: Bench) -> None:
    bench.staged([TWO_HUNKS])
    (told,) = decode(bench.accept({"a.txt": frozenset({1})})["changes"]).files
    assert told.after_sha256 == sha256((bench.root / "a.txt").read_bytes()).hexdigest()
    assert (told.added, told.removed) == (1, 1)


def test_a_conflict_names_its_clashes_and_is_settled_one_by_one(bench: Bench) -> None:
    change = in_conflict(bench)
    assert "changed in the workspace" in change.conflict
    (clash,) = change.clashes
    assert (clash.base, clash.workspace, clash.agent, clash.start) == ((b"two\n",), (b"zwei\n",), (b"TWO\n",), 2)
    assert bench.accept({"a.txt": Settled({0: "agent"})})["failed"] == {}
    # What only one side changed is there from both.
    assert words(bench) == "one TWO three four FIVE six seven acht" == seen(bench)
    assert bench.changes() == ChangeSet()


@pytest.mark.parametrize(
    ("choice", "result"),
    [
        (Settled({0: "workspace"}), "one zwei three four FIVE six seven acht"),
        (Settled({0: b"2\n"}), "one 2 three four FIVE six seven acht"),
        (Rewritten(b"mine alone\n"), "mine alone"),
        (Overwrite(), "one TWO three four FIVE six seven eight"),
    ],
)
def test_a_conflict_is_decided_as_the_human_says(bench: Bench, choice: Choice, result: str) -> None:
    in_conflict(bench)
    assert bench.accept({"a.txt": choice})["failed"] == {}
    assert words(bench) == result == seen(bench)
    assert bench.changes() == ChangeSet()


@pytest.mark.parametrize(
    "choice", [None, frozenset({0}), Edited({0: b"x\n"}), Settled({}), Settled({0: "agent", 1: "agent"})]
)
def test_a_choice_that_does_not_answer_the_conflict_writes_nothing(bench: Bench, choice: Choice) -> None:
    in_conflict(bench)
    before = bench.direct()
    assert "error" in bench.accept({"a.txt": choice})
    assert bench.direct() == before


def test_a_hunk_of_a_file_in_conflict_is_not_discarded_and_the_conflict_stays(bench: Bench) -> None:
    change = in_conflict(bench)
    assert len(change.hunks) > 1
    assert "keep yours" in bench.discard({"a.txt": frozenset({0})})["error"]
    assert only(bench.changes()) == change
    bench.discard({"a.txt": None})
    assert bench.changes() == ChangeSet()
    assert words(bench) == "one zwei three four five six seven acht"


def test_a_settled_change_must_be_in_conflict_and_a_hunk_must_exist(bench: Bench) -> None:
    bench.staged([TWO_HUNKS, ("link", "second", "a.txt")])
    before = bench.direct()
    for choice in (Settled({}), Edited({7: b"x\n"}), frozenset({7})):
        assert "error" in bench.accept({"a.txt": choice})
    assert "symlink" in bench.accept({"second": Rewritten(b"x")})["error"]
    assert bench.direct() == before


def test_an_edit_over_a_deletion_is_decided_as_a_whole(bench: Bench) -> None:
    bench.staged([("append", "b.txt", "x\n"), ("rmtree", "d")])
    bench.changes()
    bench.direct([("remove", "b.txt"), ("append", "d/e/f.txt", "mine\n")])
    conflicts = {c.path: c for c in bench.changes().files if c.conflict}
    assert conflicts.keys() == {"b.txt", "d/e/f.txt"}
    assert bench.accept({"b.txt": Overwrite(), "d/e/f.txt": Rewritten(b"both\n")})["failed"] == {}
    assert (bench.root / "b.txt").read_text() == "b\nx\n"
    assert (bench.root / "d/e/f.txt").read_text() == "both\n"
    assert bench.staged()["d/e/f.txt"][2] == "both\n", (
        "the folder that the agent deleted holds the human's file again"
    )


def test_two_new_files_of_one_name_are_one_clash(bench: Bench) -> None:
    bench.staged([("write", "new", "agent\n")])
    bench.changes()
    bench.discard({})
    bench.staged([("write", "fresh", "agent\n")])
    bench.changes()
    bench.direct([("write", "fresh", "human\n")])
    change = next(c for c in bench.changes().files if c.path == "fresh")
    (clash,) = change.clashes
    assert (clash.workspace, clash.agent) == ((b"human\n",), (b"agent\n",))
    bench.accept({"fresh": Settled({0: b"human\nagent\n"})})
    assert (bench.root / "fresh").read_text() == "human\nagent\n"


def test_own_text_waits_for_the_end_of_a_run(bench: Bench) -> None:
    bench.staged([TWO_HUNKS])
    before = bench.direct()
    assert "when the run has ended" in bench.accept({"a.txt": Edited({0: b"x\n"})}, live=True)["error"]
    assert bench.direct() == before
    assert bench.accept({"a.txt": frozenset({0})}, live=True)["done"] == ["a.txt"]


@pytest.mark.parametrize("after", ["plan", "steps"])
def test_own_text_survives_a_crash(bench: Bench, after: str) -> None:
    bench.staged([TWO_HUNKS])
    shown = bench.changes()
    arguments = bench.layer.accepting(shown, {"a.txt": Edited({0: b"ZWEI\n"})}, shown.digest)
    pid = os.fork()
    if pid == 0:
        name = "carry_out" if after == "plan" else "carried_out"
        setattr(staging, name, lambda *given: os.kill(os.getpid(), signal.SIGKILL))
        bench.call("accept", arguments)
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    assert bench.call("recover", bench.layer.arguments())["failed"] == {}
    assert words(bench) == "one ZWEI three four five six seven eight"
    assert seen(bench) == "one ZWEI three four five six SEVEN eight"


_TEXT = st.binary(max_size=6)
_SIDE: st.SearchStrategy[Literal["workspace", "agent"] | bytes] = st.one_of(
    st.just("workspace"), st.just("agent"), _TEXT
)
_CHOICE = st.one_of(
    st.none(),
    st.frozensets(st.integers(0, 9), min_size=1),
    st.dictionaries(st.integers(0, 9), _TEXT).map(Edited),
    st.dictionaries(st.integers(0, 9), _SIDE).map(Settled),
    _TEXT.map(Rewritten),
    st.just(Overwrite()),
)


@given(choice=_CHOICE)
def test_a_choice_crosses_to_the_worker_as_it_is(choice: Choice) -> None:
    assert from_json(to_json(choice)) == choice
    assert described(choice)
    assert all(len(digest) == 64 for digest in own_texts(choice))


@given(
    mine=st.lists(st.sampled_from(["one", "two", "x", "y"]), max_size=5),
    theirs=st.lists(st.sampled_from(["one", "two", "x", "z"]), max_size=5),
    data=st.data(),
)
@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_chosen_in_a_conflict_both_sides_see_the_same_afterwards(
    benches: Callable[[], Bench], mine: list[str], theirs: list[str], data: Any
) -> None:
    bench = benches()
    bench.staged([("write", "a.txt", "".join(f"{line}\n" for line in theirs))])
    bench.changes()
    bench.direct([("write", "a.txt", "".join(f"{line}\n" for line in mine))])
    found = bench.changes().files
    if not found:
        return
    change = only(bench.changes())
    side = st.sampled_from(["workspace", "agent", b"own\n"])
    choice: Choice = None
    if change.conflict:
        answers = {clash.index: data.draw(side) for clash in change.clashes}
        choice = data.draw(st.sampled_from([Settled(answers), Overwrite(), Rewritten(b"own\n")]))
    assert bench.accept({"a.txt": choice})["failed"] == {}
    assert bench.staged() == bench.direct()
    assert bench.changes() == ChangeSet()


def test_a_link_that_took_the_place_of_the_file_is_not_written_through(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("outside\n")
    bench.staged([TWO_HUNKS])
    shown = bench.changes()
    arguments = bench.layer.accepting(shown, {"a.txt": Edited({0: b"x\n"})}, shown.digest)
    (bench.root / "a.txt").unlink()
    (bench.root / "a.txt").symlink_to(outside)
    answer = bench.call("accept", arguments)
    assert "error" in answer
    assert outside.read_text() == "outside\n"
