"""What runs do to real files where there is no layer: shown, kept, and taken back, whole and in part."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.workspace import contents, glance, ledger, snapshot, stamps, tracing
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Overwrite, Selection
from vtcode_tui.workspace.layer import selected
from vtcode_tui.workspace.wire import decode

EIGHT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
Tree = dict[str, Any]


class Traced:
    """A workspace that is followed; a `run` is whatever a function does to it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.folder = folder / "ws", folder / "kept"
        self.folder.mkdir(parents=True)
        for path, text in (("a.txt", EIGHT), ("d/b.txt", "b\n"), ("d/e/c.txt", "c\n")):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        (self.root / "link").symlink_to("a.txt")
        (self.root / "empty").mkdir()
        self.turn = 0

    def call(self, worker: str, **more: Any) -> dict[str, Any]:
        given = json.loads(json.dumps({"root": str(self.root), "folder": str(self.folder), **more}))
        answer: dict[str, Any] = json.loads(json.dumps(getattr(tracing, worker)(given, io.BytesIO())))
        return answer

    def run(self, act: Callable[[Path], object], *, reviewed: bool = False) -> ChangeSet:
        self.turn += 1
        assert "error" not in self.call("before")
        known = glance.Glance(self.root, self.folder)
        known.is_same()
        act(self.root)
        held = known.is_same()
        answer = self.call("after", turn=self.turn, reviewed=reviewed)
        changes = decode(answer["changes"])
        # Nobody looks where it is said that nothing changed.
        assert not held or (changes.files, answer["unseen"]) == ((), [])
        return changes

    def is_unchanged(self) -> bool:
        return glance.Glance(self.root, self.folder).is_same()

    def waiting(self) -> ChangeSet:
        return decode(self.call("review")["changes"])

    def decide(self, worker: str, selection: Selection | None = None) -> dict[str, Any]:
        shown = self.waiting()
        chosen = {c.path: None for c in shown.files} if selection is None else selection
        return self.call(worker, selected=selected(shown, chosen, shown.digest))

    def since(self, turn: int) -> tuple[ChangeSet, ChangeSet]:
        answer = self.call("since", turn=turn)
        return decode(answer["open"]), decode(answer["settled"])

    def undo(self, turn: int) -> dict[str, Any]:
        files = sorted((c for part in self.since(turn) for c in part.files), key=lambda c: c.path)
        rows = ChangeSet(tuple(files))
        return self.call("undo", turn=turn, selected=selected(rows, {c.path: None for c in files}, rows.digest))

    def tree(self) -> Tree:
        def content(path: Path) -> object:
            if path.is_symlink():
                return str(path.readlink())
            return path.read_bytes() if path.is_file() else None

        return {str(p.relative_to(self.root)): (p.lstat().st_mode, content(p)) for p in self.root.rglob("*")}


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    return Traced(tmp_path)


def unseen(traced: Traced, act: Callable[[Path], object]) -> list[str]:
    """What a run left that cannot be remembered."""
    assert "error" not in traced.call("before")
    act(traced.root)
    traced.turn += 1
    answer = traced.call("after", turn=traced.turn, reviewed=False)
    assert "error" not in answer, answer
    return list(answer["unseen"])


def ops(changes: ChangeSet) -> dict[str, str]:
    return {c.path: c.op for c in changes.files}


def only(changes: ChangeSet) -> FileChange:
    (change,) = changes.files
    return change


def everything(root: Path) -> None:
    (root / "a.txt").write_text(EIGHT.replace("two", "TWO"))
    (root / "a.txt").chmod(0o600)
    shutil.rmtree(root / "d/e")
    (root / "new/deep").mkdir(parents=True)
    (root / "new/deep/x").write_bytes(b"\0binary")
    (root / "link").unlink()
    (root / "link").symlink_to("d")
    (root / "empty").rmdir()
    (root / "hollow").mkdir(mode=0o700)


def test_a_run_that_changes_nothing_leaves_nothing_to_review(traced: Traced) -> None:
    assert traced.run(lambda root: None) == ChangeSet()
    assert traced.waiting() == ChangeSet()


def test_what_a_run_changed_is_shown_and_taken_back(traced: Traced) -> None:
    before = traced.tree()
    found = traced.run(everything)
    assert ops(found) == {
        "a.txt": "update",
        "d/e/c.txt": "delete",
        "new/deep/x": "create",
        "link": "symlink",
        "empty": "delete",
        "hollow": "create",
    }
    assert traced.waiting() == found
    assert traced.decide("roll_back", {"a.txt": None})["done"] == ["a.txt"]
    assert "a.txt" not in ops(traced.waiting())
    assert traced.decide("roll_back")["failed"] == {}
    assert traced.tree() == before
    assert traced.waiting() == ChangeSet()


def test_what_is_kept_leaves_the_review_and_can_still_be_gone_back_from(traced: Traced) -> None:
    before = traced.tree()
    traced.run(everything)
    traced.decide("keep")
    assert traced.waiting() == ChangeSet()
    open_now, settled = traced.since(1)
    assert open_now == ChangeSet()
    assert ops(settled)["d/e/c.txt"] == "create", "told backwards: what going back would do"
    assert traced.undo(1)["failed"] == {}
    assert traced.tree() == before


def test_one_hunk_is_kept_and_the_other_rolled_back(traced: Traced) -> None:
    traced.run(lambda root: (root / "a.txt").write_text(EIGHT.replace("two", "TWO").replace("seven", "SEVEN")))
    traced.decide("keep", {"a.txt": frozenset({0})})
    assert [h.new_lines for h in only(traced.waiting()).hunks] == [(b"SEVEN\n",)]
    traced.decide("roll_back", {"a.txt": frozenset({0})})
    assert (traced.root / "a.txt").read_text() == EIGHT.replace("two", "TWO")
    assert traced.waiting() == ChangeSet()


def test_one_hunk_is_rolled_back_and_the_other_waits(traced: Traced) -> None:
    traced.run(lambda root: (root / "a.txt").write_text(EIGHT.replace("two", "TWO").replace("seven", "SEVEN")))
    traced.decide("roll_back", {"a.txt": frozenset({1})})
    assert (traced.root / "a.txt").read_text() == EIGHT.replace("two", "TWO")
    assert [h.new_lines for h in only(traced.waiting()).hunks] == [(b"TWO\n",)]


def test_what_a_human_edits_between_runs_is_the_humans(traced: Traced) -> None:
    traced.run(lambda root: None)
    (traced.root / "d/b.txt").write_text("mine\n")
    assert ops(traced.run(lambda root: (root / "a.txt").write_text("run\n"))) == {"a.txt": "update"}
    traced.decide("roll_back")
    assert (traced.root / "d/b.txt").read_text() == "mine\n"
    assert (traced.root / "a.txt").read_text() == EIGHT


def test_a_roll_back_keeps_what_a_human_wrote_elsewhere_in_the_file(traced: Traced) -> None:
    traced.run(lambda root: (root / "a.txt").write_text(EIGHT.replace("two", "TWO")))
    (traced.root / "a.txt").write_text(EIGHT.replace("two", "TWO").replace("eight", "acht"))
    assert only(traced.waiting()).conflict == ""
    traced.decide("roll_back")
    assert (traced.root / "a.txt").read_text() == EIGHT.replace("eight", "acht")


def test_a_roll_back_over_a_humans_own_lines_is_asked_for(traced: Traced) -> None:
    traced.run(lambda root: (root / "a.txt").write_text(EIGHT.replace("two", "TWO")))
    (traced.root / "a.txt").write_text(EIGHT.replace("two", "zwei"))
    assert "changed in the workspace" in only(traced.waiting()).conflict
    assert "keep it, or overwrite" in traced.decide("roll_back")["error"]
    assert "zwei" in (traced.root / "a.txt").read_text()
    assert traced.decide("roll_back", {"a.txt": Overwrite()})["failed"] == {}
    assert (traced.root / "a.txt").read_text() == EIGHT


def test_what_moved_on_since_it_was_shown_is_not_overwritten(traced: Traced) -> None:
    traced.run(lambda root: (root / "a.txt").write_text("run\n"))
    shown = traced.waiting()
    (traced.root / "a.txt").write_text("human\n")
    answer = traced.call("roll_back", selected=selected(shown, {"a.txt": None}, shown.digest))
    assert answer["stale"] is True
    assert (traced.root / "a.txt").read_text() == "human\n"


def test_ignored_files_are_left_alone_unless_git_tracks_them(traced: Traced) -> None:
    (traced.root / "kept.o").write_text("k")
    subprocess.run(["git", "init", "-q", "."], cwd=traced.root, check=True)
    subprocess.run(["git", "add", "kept.o"], cwd=traced.root, check=True)
    (traced.root / ".gitignore").write_text("*.o\n/build/\n")

    def build(root: Path) -> None:
        (root / "x.o").write_text("x")
        (root / "kept.o").write_text("changed")
        (root / "build").mkdir()
        (root / "build/out").write_text("y")

    assert ops(traced.run(build)) == {"kept.o": "update"}


def test_a_rule_that_comes_or_goes_is_followed_at_the_next_look(traced: Traced) -> None:
    traced.run(lambda root: None)
    (traced.root / "d/.gitignore").write_text("b.txt\n")
    assert ops(traced.run(lambda root: (root / "d/b.txt").write_text("ignored now\n"))) == {}
    (traced.root / "d/.gitignore").unlink()
    traced.run(lambda root: None)
    assert ops(traced.run(lambda root: (root / "d/b.txt").write_text("seen again\n"))) == {"d/b.txt": "update"}


def test_what_is_too_large_to_keep_says_so(traced: Traced) -> None:
    (traced.root / "big").write_bytes(b"x" * (contents.LARGEST + 1))
    traced.run(lambda root: (root / "big").write_bytes(b"y"))
    assert only(traced.waiting()).conflict == ledger.NOT_KEPT
    assert ledger.NOT_KEPT in traced.decide("roll_back")["error"]
    assert traced.decide("roll_back", {"big": Overwrite()})["failed"] == {"big": ledger.NOT_KEPT}
    assert traced.decide("keep")["changes"]["files"]
    assert traced.waiting() == ChangeSet()


def test_a_sparse_file_far_larger_than_what_is_kept_takes_no_room(traced: Traced) -> None:
    size = 16 * contents.LARGEST  # each look at it hashes all of it

    def make(root: Path) -> None:
        with (root / "sparse").open("wb") as file:
            file.truncate(size)

    change = only(traced.run(make))
    assert (change.op, change.size, change.hunks) == ("create", size, ())
    assert sum(path.stat().st_size for path in traced.folder.iterdir()) < 1 << 20
    assert traced.decide("roll_back")["failed"] == {}
    assert not (traced.root / "sparse").exists()


def test_a_roll_back_never_follows_a_link(traced: Traced, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.txt").write_text("precious")

    def swap(root: Path) -> None:
        shutil.rmtree(root / "d")
        (root / "d").symlink_to(tmp_path / "outside")

    before = traced.tree()
    traced.run(swap)
    traced.decide("roll_back", {"d/b.txt": None})
    assert (tmp_path / "outside" / "b.txt").read_text() == "precious"
    traced.decide("roll_back")
    assert traced.tree() == before
    assert (tmp_path / "outside" / "b.txt").read_text() == "precious"


def test_a_commit_is_taken_back_with_its_branch_and_index(traced: Traced) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]

    def do(*words: str) -> str:
        return subprocess.run([*git, *words], cwd=traced.root, check=True, capture_output=True, text=True).stdout

    do("init", "-q", ".")
    do("add", ".")
    do("commit", "-qm", "first")
    head = do("rev-parse", "HEAD")

    def commit(root: Path) -> None:
        (root / "a.txt").write_text("run\n")
        do("commit", "-qam", "second")

    traced.run(commit)
    assert traced.decide("roll_back")["failed"] == {}
    assert do("rev-parse", "HEAD") == head
    assert do("status", "--porcelain") == ""
    do("fsck", "--strict")


def test_an_approved_edit_is_no_review_but_can_be_gone_back_from(traced: Traced) -> None:
    traced.turn = 1
    assert "error" not in traced.call("before", paths=["n/new.txt"])
    (traced.root / "n").mkdir()
    (traced.root / "n/new.txt").write_text("x")
    traced.call("after", turn=1, reviewed=True, paths=["n/new.txt"])
    assert traced.waiting() == ChangeSet()
    assert ops(traced.since(1)[1]) == {"n/new.txt": "delete"}
    assert traced.undo(1)["failed"] == {}
    assert not (traced.root / "n").exists()


def test_going_back_to_a_turn_undoes_it_and_what_came_after(traced: Traced) -> None:
    first = traced.tree()
    traced.run(lambda root: (root / "a.txt").write_text("1\n"))
    second = traced.tree()
    traced.run(everything)
    traced.run(lambda root: (root / "a.txt").write_text("3\n"))
    assert traced.undo(2)["failed"] == {}
    assert traced.tree() == second
    assert traced.since(2) == (ChangeSet(), ChangeSet())
    assert traced.undo(1)["failed"] == {}
    assert traced.tree() == first


def test_too_many_files_are_named_as_the_reason(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MOST", 3)
    assert "more than 3 files" in traced.call("before")["error"]


def _replace_ignored_folder(root: Path) -> None:
    shutil.rmtree(root / "build")
    (root / "build").write_text("now it counts\n")


def _link_elsewhere(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("b.txt")


def _file_by_a_folder(root: Path) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").mkdir()


def _folder_by_a_link(root: Path) -> None:
    (root / "d/e").rename(root / "build/e")
    (root / "d/e").symlink_to("../build/e")


def _swap(root: Path) -> None:
    (root / "twin").rename(root / "a.txt")


CHANGES: dict[str, Callable[[Path], object]] = {
    "same length": lambda root: (root / "d/b.txt").write_text("c\n"),
    "another mode": lambda root: (root / "a.txt").chmod(0o600),
    "mode of a folder": lambda root: (root / "d").chmod(0o700),
    "new name": lambda root: (root / "d/e/new").touch(),
    "new folder": lambda root: (root / "d/e/new").mkdir(),
    "gone": lambda root: (root / "d/e/c.txt").unlink(),
    "empty folder gone": lambda root: (root / "empty").rmdir(),
    "link elsewhere": _link_elsewhere,
    "pipe": lambda root: os.mkfifo(root / "pipe"),
    "file by a folder": _file_by_a_folder,
    "folder by a link": _folder_by_a_link,
    "ignored folder by a file": _replace_ignored_folder,
    "a file of rules": lambda root: (root / ".gitignore").write_text("/bui*/\n"),
    "a file of rules that is ignored": lambda root: (root / "venv/.gitignore").write_text("\n"),
    "a twin with the old times": _swap,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_run_changed_is_never_taken_for_unchanged(traced: Traced, change: str) -> None:
    root = traced.root
    for folder, rules in ((root, "/build/\n"), (root / "venv", "*\n")):
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text(rules)
        (folder / "built").write_text("x")
    (root / "build").mkdir()
    shutil.copy2(root / "a.txt", root / "twin")
    kept = settled(traced)
    assert kept.is_same()
    (root / "build/new").write_text("never counts\n")
    (root / "venv/built").write_text("nor does this\n")
    assert kept.is_same()
    CHANGES[change](root)
    assert not kept.is_same()
    assert traced.run(lambda _: None) == ChangeSet()  # `before` finds it, and then it is known
    assert settled(traced).is_same() is (change != "pipe")


def settled(traced: Traced) -> glance.Glance:
    """What is known once the youngest file of rules is old enough to have a stamp."""
    youngest = max(path.lstat().st_ctime_ns for path in traced.root.rglob(".gitignore"))
    while time.time_ns() <= youngest + 2 * stamps.TICK_NS:
        os.sched_yield()
    assert "error" not in traced.call("before")
    return glance.Glance(traced.root, traced.folder)


def test_a_glance_that_is_missing_damaged_or_too_large_is_for_a_worker(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not traced.is_unchanged()
    traced.call("before")
    assert traced.is_unchanged()
    with monkeypatch.context() as patch:
        patch.setattr(glance, "_LARGEST", 10)
        assert not traced.is_unchanged()
    # One of another snapshot, as a crash may leave it.
    glance_then = (traced.folder / "glance.json").read_bytes()
    traced.run(lambda root: (root / "gone").touch())
    (traced.root / "gone").unlink()
    (traced.folder / "glance.json").write_bytes(glance_then)
    assert not traced.is_unchanged()
    (traced.folder / "glance.json").write_text("{")
    assert not traced.is_unchanged()


@pytest.mark.parametrize("torn", ["contents.pack", "contents.index"])
def test_a_torn_record_is_never_taken_for_a_content(traced: Traced, torn: str) -> None:
    traced.run(lambda root: (root / "a.txt").write_text("run\n"))
    path = traced.folder / torn
    os.truncate(path, path.stat().st_size // 2)
    traced.decide("roll_back")
    assert (traced.root / "a.txt").read_text() in {EIGHT, "run\n"}
    # What is added afterwards is found again.
    (traced.root / "a.txt").write_text("x\n")
    traced.decide("keep")
    traced.run(lambda root: (root / "a.txt").write_text("y\n"))
    traced.decide("roll_back")
    assert (traced.root / "a.txt").read_text() == "x\n"


def test_space_is_given_back_when_most_of_it_is_of_no_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_DEAD", 1000)
    kept = contents.Contents(tmp_path)
    digests = [kept.add(bytes([n]) * 500) for n in range(20)]
    kept.save(set(digests[:2]))
    assert (tmp_path / "contents.pack").stat().st_size == 1000
    again = contents.Contents(tmp_path)
    assert [again.read(digest) is not None for digest in digests[:3]] == [True, True, False]


_PATHS = st.sampled_from(["a.txt", "d", "d/b.txt", "d/e", "d/e/c.txt", "n", "n2/x", "link", "empty"])
_STEP = st.one_of(
    st.tuples(st.just("write"), _PATHS, st.sampled_from(["", "x\n", "one\n"])),
    st.tuples(st.just("remove"), _PATHS),
    st.tuples(st.just("mkdir"), _PATHS),
    st.tuples(st.just("move"), _PATHS, _PATHS),
    st.tuples(st.just("chmod"), _PATHS, st.sampled_from(["600", "755", "700"])),
)


def _act(root: Path, name: str, path: str, *words: str) -> None:
    at = root / path
    try:
        match name:
            case "write":
                at.parent.mkdir(parents=True, exist_ok=True)
                at.write_text(words[0])
            case "remove":
                shutil.rmtree(at) if at.is_dir() and not at.is_symlink() else at.unlink()
            case "mkdir":
                at.mkdir(parents=True)
            case "move":
                at.rename(root / words[0])
            case "chmod" if not at.is_symlink():
                # An ordinary user cannot look into a folder without its x, and is told so.
                at.chmod(int(words[0], 8) | (0o100 if at.is_dir() else 0))
    except OSError:
        pass


def _act_all(steps: list[tuple[str, ...]], root: Path) -> None:
    for step in steps:
        _act(root, *step)


@given(runs=st.lists(st.lists(_STEP, max_size=6), min_size=1, max_size=3), data=st.data())
@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rolled_back_or_gone_back_is_the_original_whatever_was_kept(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[tuple[str, ...]]], data: st.DataObject
) -> None:
    traced = Traced(tmp_path_factory.mktemp("traced"))
    before = traced.tree()
    for steps in runs:
        traced.run(partial(_act_all, steps))
        if waiting := traced.waiting().files:
            kept = data.draw(st.lists(st.sampled_from(waiting), unique_by=lambda c: c.path))
            assert "error" not in traced.decide("keep", {c.path: None for c in kept})
    if data.draw(st.booleans()):
        assert traced.undo(1)["failed"] == {}
    else:
        after = traced.tree()
        waiting = traced.waiting().files
        assert traced.decide("roll_back")["failed"] == {}
        assert traced.waiting() == ChangeSet()
        if not waiting:
            assert traced.tree() == after
        assert traced.undo(1)["failed"] == {}
    assert traced.tree() == before


def test_a_tree_deeper_than_any_path_is_named_and_hides_nothing_else(traced: Traced) -> None:
    name = "d" * 200

    def dig(root: Path) -> None:
        (root / "seen").write_text("s")
        home, folder = Path.cwd(), os.open(root, os.O_RDONLY)
        for _ in range(40):
            os.mkdir(name, dir_fd=folder)
            os.fchdir(folder)
            folder, left = os.open(name, os.O_RDONLY), folder
            os.close(left)
        os.close(os.open("hidden", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        os.close(folder)
        os.chdir(home)

    named = unseen(traced, dig)
    assert len(named) == 1
    assert set(named[0]) == {"d", "/"}
    assert "seen" in ops(traced.waiting())
    assert unseen(traced, lambda root: (root / "seen").write_text("t")) == []


def test_what_is_no_file_is_named_once_by_the_run_that_left_it(traced: Traced) -> None:
    def leave(root: Path) -> None:
        os.mkfifo(root / "pipe")
        with socket.socket(socket.AF_UNIX) as made, pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            made.bind("own.sock")

    os.mkfifo(traced.root / "of a person")
    assert unseen(traced, leave) == ["own.sock", "pipe"]
    assert unseen(traced, lambda root: (root / "x").write_text("t")) == []


@pytest.fixture
def coarse(tmp_path: Path) -> Iterator[Traced]:
    """A workspace on a file system that counts times in whole seconds; skips where none can be mounted."""
    image, place = tmp_path / "image", tmp_path / "coarse"
    image.touch()
    os.truncate(image, 4 << 20)
    place.mkdir()
    for command in (["mkfs.ext4", "-q", "-I", "128", str(image)], ["mount", "-o", "loop", str(image), str(place)]):
        if shutil.which(command[0]) is None or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip(f"no file system with coarse times: {command[0]} cannot")
    try:
        yield Traced(place)
    finally:
        subprocess.run(["umount", place], check=True)


def test_two_changes_in_one_second_are_two_where_times_are_whole_seconds(coarse: Traced) -> None:
    file = coarse.root / "a.txt"
    while time.time_ns() % 1_000_000_000 > 200_000_000:
        os.sched_yield()
    begun = file.stat().st_mtime_ns
    coarse.run(lambda _: file.write_text("1\n"))
    while time.time_ns() % 1_000_000_000 < 400_000_000:
        os.sched_yield()
    assert {c.path for c in coarse.run(lambda _: file.write_text("2\n")).files} == {"a.txt"}
    assert {c.path for c in coarse.run(lambda _: file.write_text("3\n")).files} == {"a.txt"}
    assert file.stat().st_mtime_ns % 1_000_000_000 == 0 and begun % 1_000_000_000 == 0


def test_a_glance_ends_where_a_folder_has_more_names_than_it_had(traced: Traced) -> None:
    """The main process takes it: a run that makes a million names shall not cost it their time and memory."""
    traced.call("before")
    known = glance.Glance(traced.root, traced.folder)
    assert known.is_same()
    for number in range(20_000):
        os.link(traced.root / "a.txt", traced.root / f"d/{number}")
    tracemalloc.start()
    try:
        assert not known.is_same()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_files_of_gigabytes_of_nothing_are_named_and_not_read(traced: Traced) -> None:
    assert "error" not in traced.call("before")
    for name in ("big", "d/big"):
        (traced.root / name).touch()
        os.truncate(traced.root / name, 7 << 30)
    assert traced.call("after", turn=1, reviewed=False)["unseen"] == ["big", "d/big"]
