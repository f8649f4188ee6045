from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.workspace.gitindex import entries_of
from vtcode_tui.workspace.ignore import Ignore

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
ENV = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "HOME": "/nonexistent",
    "PATH": "/usr/bin:/bin",
}


def git(folder: Path, *words: str, given: str | None = None) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "core.precomposeunicode=false", *words],
        cwd=folder, input=given, capture_output=True, text=True, check=False, env=ENV,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def rules(folder: Path) -> Ignore:
    def read(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    return Ignore(read)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ignored")
    git(folder, "init", "-q")
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


PATHS = [
    "a", "b.o", "foo", "foo.txt", "d/a", "d/b.o", "d/e/a", "d/e/f/foo", "build/x/y", "d/build/x", "[x]", "a b",
    "#c", "!n", "d/.h",
]  # fmt: skip
_KNOWN = """
a *.o /a a/ d/ /d d/a d/* d/** **/a **/e/** d/**/foo !a !*.o !d/ build build/ !build/x * /* */ **/ ** [ab] [!a]
[a-c]* [x] \\[x\\] foo* f?o foo.txt/ # #c \\#c !n \\!n a\\ b .* !.h d/e/ !d/e/a /** x/**/y [[:alpha:]] [] a**b d**
"""
_PATTERN = st.one_of(st.sampled_from(_KNOWN.split()), st.text("ab/*?[]!-\\. ", min_size=1, max_size=6))


@needs_git
@given(top=st.lists(_PATTERN, max_size=5), inner=st.lists(_PATTERN, max_size=3))
@settings(max_examples=examples(75, 5_000))
def test_it_says_what_git_says(tree: Path, top: list[str], inner: list[str]) -> None:
    (tree / ".gitignore").write_text("\n".join(top))
    (tree / "d" / ".gitignore").write_text("\n".join(inner))
    said = git(tree, "check-ignore", "--no-index", "-z", "--stdin", given="\0".join(PATHS))
    theirs = set(said.split("\0"))
    ours = rules(tree)
    assert {p for p in PATHS if ours.ignored(p, folder=False)} == theirs - {""}


@needs_git
def test_a_big_ignore_file_and_info_exclude_count(tree: Path) -> None:
    (tree / ".gitignore").write_text("")
    (tree / "d" / ".gitignore").write_text("")
    (tree / ".git" / "info" / "exclude").write_text("foo\n")
    assert rules(tree).ignored("d/e/f/foo", folder=False)
    (tree / ".git" / "info" / "exclude").write_text("")


@needs_git
@pytest.mark.parametrize("version", ["2", "4"])
def test_the_index_lists_what_git_lists(tmp_path: Path, version: str) -> None:
    git(tmp_path, "init", "-q")
    for n in range(60):
        (tmp_path / f"dir{n % 7}").mkdir(exist_ok=True)
        (tmp_path / f"dir{n % 7}" / f"file {n}é{'x' * (n % 9)}").write_text(str(n))
    git(tmp_path, "add", ".")
    git(tmp_path, "update-index", "--index-version", version)
    found = entries_of((tmp_path / ".git" / "index").read_bytes())
    assert found is not None
    rows = git(tmp_path, "ls-files", "-s", "-z").split("\0")[:-1]
    assert {(f"{mode:o}", digest, str(stage), path) for (path, stage), (digest, mode) in found.items()} == {
        tuple(row.replace("\t", " ", 1).split(" ", 3)) for row in rows
    }


@needs_git
def test_a_file_named_like_an_extension_is_no_extension_and_a_split_index_is_not_understood(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "link").write_text("x")
    git(tmp_path, "add", ".")
    assert list(entries_of((tmp_path / ".git" / "index").read_bytes()) or {}) == [("link", 0)]
    git(tmp_path, "update-index", "--split-index")
    assert entries_of((tmp_path / ".git" / "index").read_bytes()) is None


@given(st.binary(max_size=200))
def test_a_damaged_index_is_not_understood_and_does_not_crash(data: bytes) -> None:
    entries_of(data)
    entries_of(b"DIRC\0\0\0\2\0\0\0\5" + data)
