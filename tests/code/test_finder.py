from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.cli import main
from vtcode_tui.code import Finder, watch
from vtcode_tui.code.listing import list_files

PATHS = [
    "README.md",
    "src/api/routes.py",
    "src/api/router_test.py",
    "src/models/user.py",
    "src/models/user_profile.py",
    "src/utils/string_helpers.py",
    "src/config.py",
    "src/config/loader.py",
    "tests/test_config.py",
    "tests/conftest.py",
    "docs/configuration.md",
    "package.json",
    "web/components/UserProfile.tsx",
    "web/components/Button.tsx",
    "Makefile",
]


def best(query: str, count: int = 1) -> list[str]:
    return [match.path for match in Finder(Path("/nowhere"), PATHS).find(query, count)]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("conftest", "tests/conftest.py"),
        ("config.py", "src/config.py"),
        ("UserProfile", "web/components/UserProfile.tsx"),
        ("usrprof", "src/models/user_profile.py"),
        ("up.tsx", "web/components/UserProfile.tsx"),
        ("api rout", "src/api/routes.py"),
        ("models user", "src/models/user.py"),
        ("src/conf", "src/config.py"),
        ("confg loader", "src/config/loader.py"),
        ("makefile", "Makefile"),
        ("string_help", "src/utils/string_helpers.py"),
        ("pkg", "package.json"),
    ],
)
def test_the_file_that_was_meant_comes_first(query: str, path: str) -> None:
    assert best(query) == [path]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("confgi", "src/config.py"),
        ("raedme", "README.md"),
        ("buttno", "web/components/Button.tsx"),
        ("packge.jsno", "package.json"),
        ("strnig_helpers", "src/utils/string_helpers.py"),
    ],
)
def test_a_misspelt_name_is_found(query: str, path: str) -> None:
    assert path in best(query, 3)


def test_what_does_not_match_is_not_listed() -> None:
    assert best("qqqqzzzz", 10) == []
    assert best("src qqqqzzzz", 10) == []


def test_an_empty_query_lists_the_shallowest() -> None:
    assert best("", 3) == ["Makefile", "README.md", "package.json"]


def test_typing_on_gives_the_same_as_typing_anew() -> None:
    finder = Finder(Path("/nowhere"), PATHS)
    for end in range(1, len("config.py") + 1):
        typed = "config.py"[:end]
        assert finder.find(typed, 10) == Finder(Path("/nowhere"), PATHS).find(typed, 10)
    assert finder.find("con", 10) == Finder(Path("/nowhere"), PATHS).find("con", 10)


@given(st.text(max_size=20), st.lists(st.text(min_size=1, max_size=20), max_size=20))
def test_any_query_over_any_paths_gives_sorted_matches_with_letters_in_place(query: str, paths: list[str]) -> None:
    for match in Finder(Path("/nowhere"), dict.fromkeys(paths)).find(query, 10):
        assert match.path in paths
        assert list(match.positions) == sorted(set(match.positions))
        assert all(place < len(match.path.casefold()) for place in match.positions)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    for name in ("a.py", "sub/b.py", "build/out.o", "sub/deep/c.log", ".git/config", ".hidden/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".gitignore").write_text("build/\n*.log\n!keep.log\n")
    (folder / "sub" / "keep.log").write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("s")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    return folder


def test_the_listing_leaves_out_what_is_ignored_and_never_follows_a_link(root: Path) -> None:
    assert set(list_files(root)) == {".gitignore", ".hidden/x", "a.py", "sub/b.py", "sub/keep.log", "link", "loop"}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
def test_the_listing_is_that_of_git(root: Path) -> None:
    shutil.rmtree(root / ".git")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    theirs = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.split()
    assert sorted(list_files(root)) == sorted(theirs)


async def test_files_that_come_and_go_are_followed(root: Path) -> None:
    finder, stop, heard = Finder(root), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(watch(finder, stop, changed=heard.set))
    try:
        # The watch begins at some time: touch until it is heard.
        while not heard.is_set():
            (root / "first.py").write_text(os.urandom(4).hex())
            await asyncio.sleep(0.01)
        (root / "sub" / "fresh.py").write_text("x")
        (root / "fresh.log").write_text("x")
        (root / "a.py").unlink()

        def settled() -> bool:
            return bool(finder.find("fresh", 1)) and "a.py" not in {m.path for m in finder.find("a.py", 5)}

        while not settled():
            heard.clear()
            await asyncio.wait_for(heard.wait(), 60)
        assert [m.path for m in finder.find("fresh", 5)] == ["sub/fresh.py"]
    finally:
        stop.set()
        await task


def test_the_command_prints_the_best_and_shows_hostile_names_as_escapes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "evil\x1b[2Jname").write_text("x")
    assert main(["find", "evilname", "--cwd", str(root)]) == 0
    assert capsys.readouterr().out == "evil\\x1b[2Jname\n"
    assert main(["find", "--json", "b.py", "--cwd", str(root)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["path"] == "sub/b.py"
    assert main(["find", "zzzzqqqq", "--cwd", str(root)]) == 1
