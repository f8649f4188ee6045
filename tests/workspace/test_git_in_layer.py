"""Git works in the layer, and what it did becomes real without ever breaking the repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workspace.conftest import Bench
from vtcode_tui.workspace import plan, staging
from vtcode_tui.workspace.changes import ChangeSet

GIT = "git -c user.name=t -c user.email=t@t -c protocol.file.allow=always -c gc.auto=0"


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def sound(root: Path) -> None:
    """The repository is whole: every object that anything names is there."""
    said = git(root, "fsck", "--full", "--strict", "--no-dangling")
    assert "missing" not in said
    assert "broken" not in said
    git(root, "log", "--all", "--oneline")
    git(root, "status", "--porcelain")


@pytest.fixture
def repo(bench: Bench) -> Bench:
    commits = "; ".join(f"echo {n} >> a.txt; {GIT} commit -qam c{n}" for n in range(3))
    bench.direct([("shell", f"git init -qb main . && {GIT} add . && {GIT} commit -qm first; {commits}")])
    sound(bench.root)
    return bench


STORIES = {
    "commit": f"echo x >> a.txt; {GIT} commit -qam second",
    "branch": f"{GIT} checkout -qb topic/deep; echo x > new; {GIT} add new; {GIT} commit -qm topic",
    "stash": f"echo x >> a.txt; {GIT} stash -q",
    "rebase": f"{GIT} checkout -qb t HEAD~2; echo y > y; {GIT} add y; {GIT} commit -qm y; {GIT} rebase -q main",
    "merge": f"{GIT} checkout -qb t HEAD~1; echo y > y; {GIT} add y; {GIT} commit -qm y; {GIT} merge -q main -m m",
    "repack": f"{GIT} repack -qad; {GIT} pack-refs --all; {GIT} gc -q --prune=now",
    "repack and commit": f"echo x >> a.txt; {GIT} commit -qam x; {GIT} gc -q --prune=now; {GIT} branch after",
    "branch becomes folder": f"{GIT} branch a; {GIT} branch -D a -q; {GIT} branch a/b",
    "amend and prune": f"{GIT} commit -q --amend -m other; {GIT} reflog expire --expire=now --all; "
    f"{GIT} prune --expire=now",
    "worktree": f"{GIT} worktree add -q wt -b other; cd wt; echo x > w; {GIT} add w; {GIT} commit -qm w",
    "tag": f"{GIT} tag -a v1 -m v1",
}


@pytest.mark.parametrize("story", STORIES)
def test_what_git_did_in_the_layer_is_accepted_whole_and_sound(repo: Bench, story: str) -> None:
    seen = repo.staged([("shell", STORIES[story])])
    assert repo.accept()["failed"] == {}
    assert {k: v for k, v in repo.direct().items() if k != ".git/index"} == {
        k: v for k, v in seen.items() if k != ".git/index"
    }
    sound(repo.root)


@pytest.mark.parametrize("story", ["branch", "rebase", "repack and commit", "amend and prune"])
def test_the_repository_is_sound_after_every_single_step(
    repo: Bench, story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.staged([("shell", STORIES[story])])
    looked: list[str] = []

    def look(step: plan.Step) -> None:
        looked.append(step.path)
        if step.path.startswith(".git/"):
            sound(repo.root)

    carry_out = plan.carry_out
    monkeypatch.setattr(staging, "carry_out", lambda *given: carry_out(*given, each=look))
    assert repo.accept()["failed"] == {}
    assert len(looked) > 3
    sound(repo.root)


def test_a_repository_stays_sound_where_one_of_its_files_cannot_be_written(
    repo: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What names an object that is not there breaks it, and so does removing what a pack was to hold."""
    head = git(repo.root, "rev-parse", "HEAD")
    repo.staged([("shell", STORIES["repack and commit"])])
    taken: list[Path] = []

    def take(step: plan.Step) -> None:
        if step.path.endswith(".pack") and step.do == "file" and not taken:
            taken.append(repo.root / step.path)
            taken[0].mkdir()

    carry_out = plan.carry_out
    with monkeypatch.context() as patch:
        patch.setattr(staging, "carry_out", lambda *given: carry_out(*given, each=take))
        failed = repo.accept()["failed"]
    taken[0].rmdir()
    sound(repo.root)
    assert git(repo.root, "rev-parse", "HEAD") == head
    assert ".git/refs/heads/main" in failed
    assert repo.accept()["failed"] == {}
    sound(repo.root)


def test_a_submodule_that_was_added_in_the_layer_is_sound(repo: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["/bin/sh", "-c", f"git init -q . && echo o > o && {GIT} add . && {GIT} commit -qm o"],
                   cwd=other, check=True)  # fmt: skip
    repo.staged([("shell", f"{GIT} submodule --quiet add {other} sub && {GIT} commit -qm sub")])
    assert repo.accept()["failed"] == {}
    sound(repo.root)
    sound(repo.root / "sub")
    assert (repo.root / "sub/o").read_text() == "o\n"


def test_half_of_a_commit_is_neither_accepted_nor_discarded(repo: Bench) -> None:
    repo.staged([("shell", STORIES["commit"])])
    shown = repo.changes()
    before = repo.direct()
    objects: dict[str, Any] = {c.path: None for c in shown.files if "/objects/" in c.path}
    refs: dict[str, Any] = {c.path: None for c in shown.files if "/refs/" in c.path}
    for part in (objects, refs):
        assert part
        assert "belongs together" in repo.accept(part)["error"]
        assert "belongs together" in repo.discard(part)["error"]
    assert repo.direct() == before
    # The working files alone are as good as an edit.
    assert repo.accept({"a.txt": None})["done"] == ["a.txt"]
    sound(repo.root)
    assert repo.accept()["failed"] == {}
    sound(repo.root)


def test_a_commit_can_be_thrown_away_as_a_whole(repo: Bench) -> None:
    head = git(repo.root, "rev-parse", "HEAD")
    repo.staged([("shell", STORIES["repack and commit"])])
    repo.discard({c.path: None for c in repo.changes().files if c.path.startswith(".git/")})
    assert {c.path for c in repo.changes().files} == {"a.txt"}
    repo.staged([("shell", f'test "$(git rev-parse HEAD)" = {head}')])
    repo.staged([("shell", "git fsck --full >/dev/null 2>&1")])


def test_configuration_and_hooks_are_decided_on_their_own(repo: Bench) -> None:
    repo.staged([("shell", f"{STORIES['commit']}; git config core.pager evil; echo x > .git/hooks/pre-commit")])
    shown = {c.path for c in repo.changes().files}
    state: dict[str, Any] = {path: None for path in shown - {".git/config", ".git/hooks/pre-commit"}}
    assert repo.accept(state)["failed"] == {}
    sound(repo.root)
    assert "evil" not in (repo.root / ".git/config").read_text()
    assert {c.path for c in repo.changes().files} == {".git/config", ".git/hooks/pre-commit"}


def test_a_crash_in_the_middle_of_a_commit_leaves_a_sound_repository(repo: Bench) -> None:
    import signal

    repo.staged([("shell", STORIES["branch"])])
    shown = repo.changes()
    arguments = repo.layer.accepting(shown, {c.path: None for c in shown.files}, shown.digest)
    pid = os.fork()
    if pid == 0:
        count = 0

        def each(step: plan.Step) -> None:
            nonlocal count
            count += 1
            if count == 6:
                os.kill(os.getpid(), signal.SIGKILL)

        carry_out = plan.carry_out
        staging.carry_out = lambda *given: carry_out(*given, each=each)  # type: ignore[attr-defined]  # a crash
        repo.call("accept", arguments)
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    sound(repo.root)
    assert repo.call("recover", repo.layer.arguments())["failed"] == {}
    sound(repo.root)
    assert repo.changes() == ChangeSet()
