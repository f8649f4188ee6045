"""Notes on commits, written without git and read by git itself."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vtcode_tui.workspace.gitnotes import REF, head, leave

LINE = "vtcode-anchor v1 3 " + "ab" * 32 + " c2lnbmF0dXJl"


def git(root: Path, *words: str, data: str | None = None) -> str:
    who = {f"GIT_{kind}_{what}": "t@t" for kind in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(root), *words], input=data, capture_output=True, text=True, check=True, env=environ
    )
    return done.stdout.strip()


def commit(root: Path, name: str) -> str:
    (root / name).write_text(f"{name}\n" * 50)
    git(root, "add", name)
    git(root, "commit", "-qm", name)
    return git(root, "rev-parse", "HEAD")


def say(root: Path, *, since: str = "", after: int = 0, line: str = LINE) -> dict[str, Any]:
    return leave({"root": str(root), "ref": REF, "line": line, "since": since, "after": after}, io.BytesIO())


@pytest.fixture(params=["sha1", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "work"
    git(tmp_path, "init", "-q", f"--object-format={request.param}", str(root))
    return root


def test_git_reads_the_note_of_every_commit_that_came_since_and_of_no_other(repository: Path) -> None:
    before = commit(repository, "one")
    fresh = [commit(repository, "two"), commit(repository, "three")]
    assert head({"root": str(repository)}, io.BytesIO()) == {"head": fresh[1]}
    assert set(say(repository, since=before)["commits"]) == set(fresh)
    for one in fresh:
        assert git(repository, "notes", "--ref=vtcode", "show", one) == LINE
    assert len(git(repository, "notes", "--ref=vtcode", "list").splitlines()) == 2
    assert "error" not in git(repository, "fsck", "--strict", "--full")


def test_a_note_is_appended_to_what_git_wrote_also_after_it_packed_everything(repository: Path) -> None:
    newest = commit(repository, "one")
    git(repository, "notes", "--ref=vtcode", "append", "-m", "by hand", newest)
    git(repository, "gc", "-q", "--aggressive", "--prune=now")
    git(repository, "pack-refs", "--all")
    assert say(repository)["commits"] == [newest]
    git(repository, "gc", "-q", "--aggressive", "--prune=now")
    assert say(repository, line="again")["commits"] == [newest]
    assert git(repository, "notes", "--ref=vtcode", "show", newest) == f"by hand\n{LINE}\nagain"
    assert "error" not in git(repository, "fsck", "--strict", "--full")


def test_notes_that_git_spread_over_folders_are_kept(repository: Path) -> None:
    first = commit(repository, "one")
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    commits = [git(repository, "commit-tree", tree, "-p", first, "-m", str(n)) for n in range(300)]
    blob = git(repository, "hash-object", "-w", "--stdin", data="note\n")
    rows = "".join(f"{blob} {one}\n" for one in commits)
    copied = "\n".join(f"N {blob} {one}" for one in commits)
    assert rows and copied
    who = "committer t <t@t> 1 +0000"
    git(repository, "fast-import", "--quiet", data=f"commit {REF}\n{who}\ndata 0\n{copied}\n")
    assert "/" in git(repository, "ls-tree", "-r", "--name-only", REF)
    newest = commit(repository, "two")
    assert say(repository, since=first)["commits"] == [newest]
    assert git(repository, "notes", "--ref=vtcode", "show", newest) == LINE
    assert len(git(repository, "notes", "--ref=vtcode", "list").splitlines()) == 301


def test_commits_older_than_the_session_get_none_whatever_head_was(repository: Path) -> None:
    commit(repository, "one")
    assert say(repository, after=1 << 40)["commits"] == []
    assert git(repository, "for-each-ref", REF) == ""


def test_neither_hooks_nor_configuration_of_a_hostile_repository_run(repository: Path, tmp_path: Path) -> None:
    newest = commit(repository, "one")
    proof = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {proof}\n"
    for name in ("reference-transaction", "post-commit", "pre-commit", "post-rewrite", "fsmonitor"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script)
        hook.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "gpg.program", "core.pager", "notes.rewriteRef"):
        git(repository, "config", key, str(repository / ".git" / "hooks" / "fsmonitor"))
    git(repository, "config", "commit.gpgSign", "true")
    proof.unlink(missing_ok=True)
    assert say(repository)["commits"] == [newest]
    assert not proof.exists()
    git(repository, "status")
    assert proof.exists(), "git itself would have run it"


@pytest.mark.parametrize("shape", ["none", "file", "symlink", "reftable", "no commit"])
def test_what_is_no_repository_of_this_workspace_is_left_alone_and_said(tmp_path: Path, shape: str) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    newest = commit(other, "one")
    root = tmp_path / "work"
    root.mkdir()
    if shape == "file":
        (root / ".git").write_text(f"gitdir: {other}/.git\n")
    elif shape == "symlink":
        (root / ".git").symlink_to(other / ".git")
    elif shape == "reftable":
        (root / ".git" / "reftable").mkdir(parents=True)
    elif shape == "no commit":
        git(tmp_path, "init", "-q", str(root))
    said = say(root)
    assert said == {"commits": []} if shape == "no commit" else "no git note was left" in said["error"]
    assert git(other, "for-each-ref", REF) == ""
    assert newest


def test_a_ref_that_another_git_holds_is_not_taken_from_it(repository: Path) -> None:
    commit(repository, "one")
    lock = repository / ".git" / "refs" / "notes" / "vtcode.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    assert "changed by another git" in say(repository)["error"]
    assert lock.exists()
