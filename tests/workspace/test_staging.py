from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from tests.workspace.accepting_killed import accept_and_die
from tests.workspace.conftest import in_mount
from vtcode_tui.common.errors import StaleFileError, WorkspaceError
from vtcode_tui.workspace import Workspace, plan, staging
from vtcode_tui.workspace.changes import ChangeSet, Choice, FileChange, Overwrite, Selection
from vtcode_tui.workspace.layer import Layer, marked
from vtcode_tui.workspace.lines import apply_hunks

Tree = dict[str, list[Any]]


class Bench(Protocol):
    root: Path
    layer: Layer

    def direct(self, operations: Any = ..., root: Path | None = ...) -> Tree: ...
    def staged(self, operations: Any = ...) -> Tree: ...
    def call(self, worker: str, arguments: dict[str, Any]) -> dict[str, Any]: ...
    def changes(self, **how: bool) -> ChangeSet: ...
    def accept(self, selection: Selection | None = ..., **how: Any) -> dict[str, Any]: ...
    def discard(self, selection: Selection | None = ...) -> dict[str, Any]: ...


def rows(changes: ChangeSet) -> dict[str, tuple[str, str]]:
    return {c.path: (c.op, c.kind) for c in changes.files}


def only(changes: ChangeSet) -> FileChange:
    (change,) = changes.files
    return change


def test_an_untouched_layer_has_no_changes(bench: Bench) -> None:
    bench.staged()
    assert bench.changes() == ChangeSet()


def test_every_kind_of_change_is_shown(bench: Bench) -> None:
    bench.staged(
        [
            ("append", "a.txt", "nine\n"),
            ("remove", "b.txt"),
            ("write", "new/deep/x", "x\n"),
            ("chmod", "run.sh", "644"),
            ("link", "second", "d"),
            ("move", "d/c.txt", "moved.txt"),
            ("rmtree", "d/e"),
            ("mkdir", "hollow"),
            ("rmtree", "empty"),
        ]
    )
    changes = bench.changes()
    assert rows(changes) == {
        "a.txt": ("update", "file"),
        "b.txt": ("delete", "file"),
        "new/deep/x": ("create", "file"),
        "run.sh": ("mode", "file"),
        "second": ("symlink", "symlink"),
        "moved.txt": ("rename", "file"),
        "d/e/f.txt": ("delete", "file"),
        "d/e/g.txt": ("delete", "file"),
        "hollow": ("create", "folder"),
        "empty": ("delete", "folder"),
    }
    found = {c.path: c for c in changes.files}
    assert (found["a.txt"].added, found["a.txt"].removed, len(found["a.txt"].hunks)) == (1, 0, 1)
    assert (found["run.sh"].before_mode, found["run.sh"].after_mode) == (0o755, 0o644)
    assert found["moved.txt"].renamed_from == "d/c.txt"
    assert found["second"].target == "d"


def test_the_real_files_change_only_when_accepted(bench: Bench) -> None:
    before = bench.direct()
    seen = bench.staged([("append", "a.txt", "nine\n"), ("rmtree", "d"), ("write", "x/y", "z")])
    assert bench.direct() == before
    assert bench.accept()["failed"] == {}
    assert bench.direct() == seen
    assert bench.changes() == ChangeSet()
    assert bench.staged() == seen


def test_accepting_one_hunk_leaves_the_other(bench: Bench) -> None:
    bench.staged([("shell", "sed -i -e s/two/TWO/ -e s/seven/SEVEN/ a.txt")])
    assert [h.index for h in only(bench.changes()).hunks] == [0, 1]
    assert bench.accept({"a.txt": frozenset({1})})["done"] == ["a.txt"]
    assert (bench.root / "a.txt").read_text().replace(
        "\n", " "
    ).strip() == "one two three four five six SEVEN eight"
    rest = only(bench.changes())
    assert [h.new_lines for h in rest.hunks] == [(b"TWO\n",)]
    assert bench.staged()["a.txt"][2].replace("\n", " ").strip() == "one TWO three four five six SEVEN eight"


def test_discarding_one_hunk_keeps_the_other(bench: Bench) -> None:
    bench.staged([("shell", "sed -i -e s/two/TWO/ -e s/seven/SEVEN/ a.txt")])
    bench.discard({"a.txt": frozenset({0})})
    assert bench.staged()["a.txt"][2].replace("\n", " ").strip() == "one two three four five six SEVEN eight"
    assert [h.new_lines for h in only(bench.changes()).hunks] == [(b"SEVEN\n",)]


def test_a_real_file_that_moved_on_is_merged(bench: Bench) -> None:
    bench.staged([("shell", "sed -i s/two/TWO/ a.txt")])
    bench.changes()
    bench.direct([("shell", "sed -i s/seven/SEVEN/ a.txt")])
    change = only(bench.changes())
    assert change.conflict == ""
    assert [h.new_lines for h in change.hunks] == [(b"TWO\n",)]
    assert bench.staged()["a.txt"][2].replace("\n", " ").strip() == "one TWO three four five six SEVEN eight"
    bench.accept()
    assert (bench.root / "a.txt").read_text().replace(
        "\n", " "
    ).strip() == "one TWO three four five six SEVEN eight"


def test_a_real_file_that_moved_on_elsewhere_is_a_conflict_until_a_human_decides(bench: Bench) -> None:
    bench.staged([("shell", "sed -i s/two/TWO/ a.txt")])
    bench.changes()
    bench.direct([("shell", "sed -i s/two/zwei/ a.txt")])
    assert "changed in the workspace" in only(bench.changes()).conflict
    assert "conflict" not in bench.accept().get("done", [])
    assert "keep yours" in bench.accept()["error"]
    assert "zwei" in (bench.root / "a.txt").read_text()
    assert bench.accept({"a.txt": Overwrite()})["done"] == ["a.txt"]
    assert "TWO" in (bench.root / "a.txt").read_text()
    assert bench.changes() == ChangeSet()


def test_what_a_human_edits_meanwhile_is_seen_by_the_next_run(bench: Bench) -> None:
    bench.staged([("append", "a.txt", "nine\n"), ("append", "b.txt", "x\n"), ("remove", "run.sh")])
    bench.accept()
    bench.direct([("write", "a.txt", "human\n"), ("write", "b.txt", "human\n"), ("write", "run.sh", "human\n")])
    assert bench.changes() == ChangeSet()
    seen = bench.staged()
    assert (seen["a.txt"][2], seen["b.txt"][2], seen["run.sh"][2]) == ("human\n", "human\n", "human\n")


def test_a_deletion_and_an_edit_of_the_same_file_is_a_conflict(bench: Bench) -> None:
    bench.staged([("remove", "b.txt"), ("rmtree", "d")])
    bench.changes()
    bench.direct([("append", "b.txt", "more\n"), ("write", "d/human.txt", "mine")])
    changes = {c.path: c for c in bench.changes().files}
    assert "changed" in changes["b.txt"].conflict
    assert "d/human.txt" not in changes
    bench.accept({p: None for p in changes if p != "b.txt"})
    assert (bench.root / "d" / "human.txt").read_text() == "mine"
    assert sorted(p.name for p in (bench.root / "d").iterdir()) == ["human.txt"]


def test_nothing_is_written_when_the_screen_is_out_of_date(bench: Bench) -> None:
    bench.staged([("append", "a.txt", "nine\n"), ("append", "b.txt", "x\n")])
    shown = bench.changes()
    before = bench.direct()
    arguments = bench.layer.accepting(shown, {c.path: None for c in shown.files}, shown.digest)
    bench.staged([("append", "b.txt", "smuggled\n")])
    answer = bench.call("accept", arguments)
    assert answer["stale"] is True
    assert "b.txt" in answer["error"]
    assert bench.direct() == before
    with pytest.raises(StaleFileError):
        bench.layer.accepting(shown, {}, "another digest")
    with pytest.raises(StaleFileError):
        bench.layer.accepting(shown, {"zzz": None}, shown.digest)


def test_the_trust_marker_is_never_accepted(bench: Bench) -> None:
    bench.staged([("write", ".vt-workspace-trust", "vtcode-trust 00")])
    with pytest.raises(WorkspaceError, match="never accepted"):
        bench.accept()


def test_protected_files_are_marked(bench: Bench) -> None:
    bench.staged([("write", ".git/hooks/pre-commit", "x"), ("write", "src.py", "x"), ("write", "vtcode.toml", "x")])
    shown = marked(bench.changes(), Workspace(bench.root))
    assert {c.path for c in shown.files if c.protected} == {".git/hooks/pre-commit", "vtcode.toml"}
    assert shown.digest == bench.changes().digest


def test_a_repository_without_the_name_is_found_however_deep_it_lies(bench: Bench) -> None:
    deep = "v/e/r/y/d/e/e/p"
    bench.staged(
        [("shell", f"git init -q --bare {deep}; echo x > {deep}/hooks/post-checkout; git init -q a/b/c/d/e")]
    )
    shown = marked(bench.changes(), Workspace(bench.root, upper=bench.layer.upper))
    protected = {c.path for c in shown.files if c.protected}
    assert {f"{deep}/config", f"{deep}/hooks/post-checkout", "a/b/c/d/e/.git/config"} <= protected
    assert f"{deep}/HEAD" not in protected


def test_what_some_tool_runs_by_itself_is_reported_at_any_depth(bench: Bench) -> None:
    bench.staged(
        [
            ("write", name, "x")
            for name in ("conftest.py", "a/b/package.json", "sub/Makefile", "vite.config.ts", "x.py")
        ]
    )
    told = {c.path: c.runs_by for c in marked(bench.changes(), Workspace(bench.root)).files}
    assert {path for path, who in told.items() if who} == told.keys() - {"x.py"}
    assert told["conftest.py"] == "pytest"


def test_what_the_configuration_names_is_reported_as_run_by_itself_too(bench: Bench) -> None:
    bench.staged([("write", name, "x") for name in ("deploy/site.yaml", "a/run.task", "site.yaml", "conftest.py")])
    place = Workspace(bench.root, runs_by_itself=["/deploy/*.yaml", "*.TASK"])
    told = {c.path: c.runs_by for c in marked(bench.changes(), place).files}
    assert {path for path, who in told.items() if "sandbox.runs_by_itself" in who} == {
        "deploy/site.yaml",
        "a/run.task",
    }
    assert told["conftest.py"] == "pytest"


def test_a_protected_file_is_marked_however_it_is_reached(bench: Bench) -> None:
    bench.direct([("write", "kept/.vscode/tasks.json", "{}"), ("write", "ordinary", "x")])
    bench.staged(
        [
            ("move", "kept", "moved"),
            ("link", "w", "moved/.vscode"),
            ("shell", "echo evil > w/tasks.json; mv ordinary .envrc; ln moved/.vscode/tasks.json harmless"),
        ]
    )
    shown = marked(bench.changes(), Workspace(bench.root, upper=bench.layer.upper))
    assert {c.path for c in shown.files if c.protected} == {
        "kept/.vscode/tasks.json",
        "moved/.vscode/tasks.json",
        ".envrc",
    }


def test_ignored_build_products_stay_in_the_layer(bench: Bench) -> None:
    bench.direct([("write", ".gitignore", "*.o\n/build/\n"), ("write", "old.o", "old")])
    bench.staged([("write", "x.o", "x"), ("write", "build/out", "y"), ("write", "x.c", "z"), ("remove", "old.o")])
    assert rows(bench.changes()) == {"x.c": ("create", "file")}
    assert rows(bench.changes(with_ignored=True)).keys() == {"x.c", "x.o", "build/out", "old.o"}
    bench.accept()
    assert not (bench.root / "x.o").exists()
    assert (bench.root / "old.o").exists()
    seen = bench.staged()
    assert "x.o" in seen
    assert "build/out" in seen
    assert bench.accept({"x.o": None}, with_ignored=True)["done"] == ["x.o"]
    assert (bench.root / "x.o").read_text() == "x"


def test_a_tracked_file_counts_though_it_is_ignored(bench: Bench) -> None:
    bench.direct(
        [("write", "kept.o", "k"), ("shell", "git init -q . && git add kept.o"), ("write", ".gitignore", "*.o\n")]
    )
    bench.staged([("append", "kept.o", "x"), ("write", "other.o", "x")])
    assert rows(bench.changes()) == {"kept.o": ("update", "file")}


def test_git_commits_in_the_layer_and_the_commit_is_a_change_like_any_other(bench: Bench) -> None:
    commit = "git -c user.name=t -c user.email=t@t commit -qm"
    bench.direct([("shell", f"git init -q . && git add . && {commit} first")])
    bench.staged([("shell", "git status >/dev/null")])
    assert bench.changes() == ChangeSet(), "refreshing the index is no change"
    bench.staged([("append", "a.txt", "nine\n"), ("shell", f"git add . && {commit} second")])
    assert bench.accept()["failed"] == {}
    bench.direct([("shell", 'git fsck --strict 2>/dev/null && test -z "$(git status --porcelain)"')])
    bench.direct([("shell", "git log --format=%s | grep -q second")])


def test_large_and_binary_files_are_taken_whole(bench: Bench) -> None:
    bench.staged(
        [("shell", "head -c 3000000 /dev/zero | tr '\\0' x > big; printf 'a\\0b' > bin; printf 'a\\0b' >> a.txt")]
    )
    found = {c.path: c for c in bench.changes().files}
    assert (found["big"].hunks, found["big"].size) == ((), 3_000_000)
    assert found["bin"].binary
    assert found["a.txt"].binary
    assert bench.accept()["failed"] == {}
    assert (bench.root / "big").stat().st_size == 3_000_000


SPARSE = 2100 << 20 if os.environ.get("VTCODE_SOAK") else 40 << 20


def test_a_sparse_file_is_accepted_as_it_is_and_stays_sparse(bench: Bench) -> None:
    def make() -> None:
        script = f"truncate -s {SPARSE} sparse; printf end >> sparse; chmod 640 sparse"
        subprocess.run(["/bin/sh", "-c", script], cwd=bench.root, check=True)

    in_mount(bench.layer, make)
    (change,) = bench.changes().files
    assert (change.size, change.hunks, change.old_text) == (SPARSE + 3, (), b"")
    assert bench.accept()["failed"] == {}
    status = (bench.root / "sparse").stat()
    assert (status.st_size, status.st_mode & 0o777) == (SPARSE + 3, 0o640)
    assert status.st_blocks * 512 < 4 << 20
    with (bench.root / "sparse").open("rb") as file:
        file.seek(-5, os.SEEK_END)
        assert file.read() == b"\0\0end"
    assert bench.changes() == ChangeSet()


def test_hard_links_become_files_of_their_own_with_the_same_content(bench: Bench) -> None:
    bench.staged([("shell", "ln a.txt twin; echo nine >> twin; ln run.sh again")])
    assert bench.accept()["failed"] == {}
    assert (bench.root / "twin").read_text() == (bench.root / "a.txt").read_text()
    assert (bench.root / "a.txt").read_text().endswith("nine\n")
    assert (bench.root / "again").stat().st_mode & 0o777 == 0o755
    assert (bench.root / "twin").stat().st_nlink == 1
    assert bench.changes() == ChangeSet()


def test_set_id_bits_and_attributes_of_a_run_do_not_reach_the_workspace_unseen(bench: Bench) -> None:
    bench.staged([("chmod", "run.sh", "4755"), ("shell", "setfattr -n user.x -v y a.txt 2>/dev/null || true")])
    shown = bench.changes()
    assert [(c.path, c.op, c.after_mode) for c in shown.files] == [("run.sh", "mode", 0o4755)], (
        "shown for what it is"
    )
    assert bench.accept()["failed"] == {}
    assert os.listxattr(bench.root / "a.txt") == []


def test_files_and_folders_change_places(bench: Bench) -> None:
    wanted = bench.staged(
        [
            ("rmtree", "d"),
            ("write", "d", "now a file"),
            ("remove", "a.txt"),
            ("write", "a.txt/inner/x", "now a folder"),
            ("remove", "link"),
            ("mkdir", "link"),
            ("rmtree", "empty"),
            ("link", "empty", "run.sh"),
        ]
    )
    assert bench.accept()["failed"] == {}
    assert bench.direct() == wanted
    assert bench.changes() == ChangeSet()


def test_special_files_are_named_and_left_out(bench: Bench) -> None:
    bench.staged([("shell", "mkfifo pipe")])
    answer = bench.call("scan", bench.layer.arguments())
    assert answer["special"] == ["pipe"]
    assert answer["changes"]["files"] == []


@pytest.mark.parametrize("mode", ["000", "600", "300"])
def test_a_folder_that_a_run_closed_does_not_hide_the_rest(bench: Bench, mode: str) -> None:
    bench.staged([("write", "x/y", "z"), ("write", "seen", "s"), ("chmod", "x", mode)])
    answer = bench.call("scan", bench.layer.arguments())
    assert "error" not in answer
    assert "seen" in {row["path"] for row in answer["changes"]["files"]}


def test_an_acceptance_never_follows_a_link(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    bench.staged([("write", "d/e/f.txt", "evil\n"), ("write", "fresh/x", "evil")])
    shown = bench.changes()
    arguments = bench.layer.accepting(shown, {c.path: None for c in shown.files}, shown.digest)
    bench.direct(
        [
            ("rmtree", "d/e"),
            ("link", "d/e", str(tmp_path / "outside")),
            ("link", "fresh", str(tmp_path / "outside")),
        ]
    )
    bench.call("accept", arguments)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_live_layer_is_only_read(bench: Bench) -> None:
    bench.staged([("append", "a.txt", "nine\n"), ("write", "b.txt", "b\n")])
    before = sorted(p.name for p in bench.layer.upper.rglob("*"))
    shown = bench.changes(live=True)
    assert bench.accept(live=True)["done"] == ["a.txt"]
    assert sorted(p.name for p in bench.layer.upper.rglob("*")) == before
    assert bench.changes(live=True) == ChangeSet()
    arguments = {**bench.layer.discarding(shown, {}, shown.digest), "live": True}
    assert "a run is using the layer" in bench.call("discard", arguments)["error"]


def test_discarding_everything_gives_the_space_back(bench: Bench) -> None:
    before = bench.direct()
    bench.staged([("write", "big", "x" * 100_000), ("rmtree", "d"), ("write", "x/y", "z"), ("chmod", "x", "000")])
    shown = bench.changes()
    assert "error" not in bench.call("discard", bench.layer.discarding(shown, None, shown.digest))
    assert list(bench.layer.upper.iterdir()) == []
    assert bench.staged() == before
    assert bench.direct() == before


def test_a_file_of_a_deleted_folder_can_be_brought_back_alone(bench: Bench) -> None:
    bench.staged([("rmtree", "d")])
    bench.discard({"d/e/f.txt": None})
    seen = bench.staged()
    assert "d/e/f.txt" in seen
    assert "d/e/g.txt" not in seen
    assert "d/c.txt" not in seen
    assert rows(bench.changes()) == {"d/c.txt": ("delete", "file"), "d/e/g.txt": ("delete", "file")}


def test_a_folder_that_was_deleted_and_made_again_hides_the_old_one_at_every_depth(bench: Bench) -> None:
    wanted = bench.staged([("rmtree", "d"), ("write", "d/e/f.txt", "new\n")])
    assert rows(bench.changes()) == {
        "d/c.txt": ("delete", "file"),
        "d/e/f.txt": ("update", "file"),
        "d/e/g.txt": ("delete", "file"),
    }
    bench.accept({"d/e/g.txt": None})
    bench.accept()
    assert bench.direct() == wanted


def test_removing_the_layer_copes_with_folders_without_rights(bench: Bench) -> None:
    bench.staged([("write", "x/y/z", "z"), ("chmod", "x/y", "000"), ("chmod", "x", "000")])
    bench.layer.remove()
    assert not bench.layer.folder.exists()


# --- crashes in the middle of accepting


@pytest.mark.parametrize("after", range(12))
def test_a_crash_at_any_step_is_finished_at_the_next_start(bench: Bench, after: int) -> None:
    operations = [
        ("shell", "sed -i -e s/two/TWO/ -e s/seven/SEVEN/ a.txt"),
        ("rmtree", "d"),
        ("write", "new/x", "x"),
        ("link", "second", "b.txt"),
        ("move", "b.txt", "moved"),
        ("chmod", "run.sh", "600"),
    ]
    wanted = bench.staged(operations)
    shown = bench.changes()
    selection: dict[str, Choice] = {c.path: None for c in shown.files}
    arguments = bench.layer.accepting(shown, selection, shown.digest)
    pid = os.fork()
    if pid == 0:
        accept_and_die(arguments, after)
    _, status = os.waitpid(pid, 0)
    crashed = os.WIFSIGNALED(status)
    assert any((bench.root / name).exists() for name in ("b.txt", "moved")), "a renamed file is always somewhere"
    assert "recover it first" in bench.call("accept", arguments)["error"]
    answer = bench.call("recover", bench.layer.arguments())
    assert answer["failed"] == {}
    assert ("whole" in answer) != crashed
    bench.layer.told()
    assert not bench.layer.unfinished
    assert bench.direct() == wanted
    assert bench.changes() == ChangeSet()


def test_recovery_leaves_alone_what_somebody_changed_since_the_crash(bench: Bench) -> None:
    bench.staged([("append", "a.txt", "nine\n"), ("append", "b.txt", "more\n")])
    shown = bench.changes()
    arguments = bench.layer.accepting(shown, {c.path: None for c in shown.files}, shown.digest)
    pid = os.fork()
    if pid == 0:
        accept_and_die(arguments, 0)
    os.waitpid(pid, 0)
    (bench.root / "b.txt").write_text("human\n")
    answer = bench.call("recover", bench.layer.arguments())
    assert answer["done"] == ["a.txt"]
    assert list(answer["failed"]) == ["b.txt"]
    assert (bench.root / "b.txt").read_text() == "human\n"


# --- properties

_PATHS = st.sampled_from(
    ["a.txt", "b.txt", "d", "d/c.txt", "d/e", "d/e/f.txt", "d/e/g.txt", "n", "n/m", "n/m/o", "link", "empty"]
)
_TEXTS = st.sampled_from(["", "x\n", "one\ntwo\nTHREE\n", "tail"])
_OPERATION = st.one_of(
    st.tuples(st.just("write"), _PATHS, _TEXTS),
    st.tuples(st.just("append"), _PATHS, _TEXTS),
    st.tuples(st.just("remove"), _PATHS),
    st.tuples(st.just("rmtree"), _PATHS),
    st.tuples(st.just("mkdir"), _PATHS),
    st.tuples(st.just("move"), _PATHS, _PATHS),
    st.tuples(st.just("link"), _PATHS, st.sampled_from(["a.txt", "d", "nowhere"])),
    st.tuples(st.just("chmod"), _PATHS, st.sampled_from(["750", "755", "700"])),
)
OPERATIONS = st.lists(_OPERATION, min_size=1, max_size=9)
_FAST = settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(operations=OPERATIONS)
@example(operations=[("move", "a.txt", "n"), ("mkdir", "a.txt")])
@example(operations=[("rmtree", "d"), ("write", "d", "")])
@_FAST
def test_accepted_whole_is_the_same_as_done_directly(benches: Callable[[], Bench], operations: Any) -> None:
    bench, other = benches(), benches()
    wanted = other.direct(operations)
    assert bench.staged(operations) == wanted
    answer = bench.accept()
    assert answer["failed"] == {}
    assert bench.direct() == wanted
    assert bench.changes() == ChangeSet()
    assert bench.staged() == wanted


@given(operations=OPERATIONS)
@example(operations=[("move", "d", "n"), ("write", "d", "")])
@example(operations=[("move", "d", "n"), ("write", "d/e", "")])
@_FAST
def test_discarded_is_the_original(benches: Callable[[], Bench], operations: Any) -> None:
    bench = benches()
    before = bench.direct()
    bench.staged(operations)
    assert "error" not in bench.discard()
    assert bench.direct() == before
    assert bench.changes() == ChangeSet()
    assert bench.staged() == before


@given(operations=OPERATIONS, data=st.data())
@_FAST
def test_accepted_in_part_is_exactly_that_part(
    benches: Callable[[], Bench], operations: Any, data: st.DataObject
) -> None:
    bench = benches()
    wanted = bench.staged(operations)
    before = bench.direct()
    shown = bench.changes()
    if not shown.files:
        return
    selection: dict[str, Choice] = {}
    for change in data.draw(st.lists(st.sampled_from(shown.files), unique_by=lambda c: c.path)):
        some = st.none() | st.frozensets(st.sampled_from([h.index for h in change.hunks]))
        selection[change.path] = data.draw(some) if change.hunks and change.op == "update" else None
    answer = bench.accept(selection)
    assert "error" not in answer
    after = bench.direct()
    for change in shown.files:
        if change.path in answer["failed"] or change.renamed_from in answer["failed"]:
            continue
        expected = _expected(change, selection, before)
        if change.kind != "folder":
            assert _content(after.get(change.path)) == expected
        if change.renamed_from:
            assert (change.renamed_from in after) == (change.path not in selection)
    untouched = {c.path for c in shown.files} | {c.renamed_from for c in shown.files}
    for path, row in before.items():
        if row[0] != "folder" and path not in untouched:
            assert after.get(path) == row, path
    # Whatever was accepted, a run sees the same as before, and accepting the rest gives all of it.
    assert bench.staged() == wanted
    assert bench.accept()["failed"] == {}
    assert bench.direct() == wanted


def _content(row: list[Any] | None) -> Any:
    return None if row is None or row[0] == "folder" else row[-1]


def _expected(change: FileChange, selection: dict[str, Choice], before: Tree) -> Any:
    old = _content(before.get(change.path))
    if change.path not in selection:
        return old
    hunks = selection[change.path]
    if isinstance(hunks, frozenset):
        return apply_hunks(change.old_text, change.hunks, hunks).decode()
    if change.op == "delete":
        return None
    if change.op == "mode":
        return old
    return change.target if change.kind == "symlink" else change.new_text.decode()


def test_a_file_keeps_its_name_where_it_cannot_get_the_new_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.staged([("move", "a.txt", "d/moved.txt")])
    before = bench.direct()
    place = bench.root / "d" / "moved.txt"
    carry_out = plan.carry_out
    with monkeypatch.context() as patch:
        patch.setattr(
            staging, "carry_out", lambda *given: carry_out(*given, each=lambda _: place.mkdir(exist_ok=True))
        )
        answer = bench.accept()
    place.rmdir()
    assert (set(answer["failed"]), answer["changes"]["files"]) == ({"a.txt", "d/moved.txt"}, [])
    assert bench.direct() == before
    assert bench.accept()["failed"] == {}
    assert "d/moved.txt" in bench.direct()
