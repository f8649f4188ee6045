from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.tools.workers.reading import MAX_BYTES, list_files, read_file
from vtcode_tui.tools.workers.searching import find_files, rank, search_text
from vtcode_tui.tools.workers.walking import walk


def _read(path: Path, **more: Any) -> tuple[dict[str, Any], str]:
    out = io.BytesIO()
    arguments = {"path": str(path), "shown": path.name, "offset": 1, "limit": 2000, **more}
    return read_file(arguments, out), out.getvalue().decode()


def test_lines_come_numbered_and_can_be_continued(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("".join(f"line {i}\n" for i in range(1, 101)))
    facts, text = _read(path, offset=10, limit=3)
    assert text == "    10\tline 10\n    11\tline 11\n    12\tline 12\n"
    assert facts["more"] is True
    assert facts["last"] == 12
    assert "line 200 does not exist" in _read(path, offset=200)[0]["error"]


def test_a_file_of_two_gigabytes_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.write(b"x" * 100_000 + b"\n")
        file.truncate(2 << 30)
    facts, text = _read(path)
    assert len(text) < 2 * MAX_BYTES
    assert facts.get("cut") or "binary" in facts.get("error", "")


@pytest.mark.parametrize("content", [b"\x7fELF\0\0", b"a\0b"])
def test_binary_files_are_named_and_not_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "b"
    path.write_bytes(content)
    assert "binary file" in _read(path)[0]["error"]


def test_pipes_folders_and_missing_files_are_told_apart(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in _read(tmp_path / "pipe")[0]["error"]
    assert "is a folder" in _read(tmp_path)[0]["error"]
    (tmp_path / "README.md").write_text("")
    assert "README.md" in _read(tmp_path / "READNE.md")[0]["error"]


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(1, 25), st.integers(1, 25))
def test_any_text_is_cut_at_lines_and_never_fails(lines: list[bytes], offset: int, limit: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(b"\n".join(line.replace(b"\0", b"") for line in lines))
        out = io.BytesIO()
        facts = read_file({"path": str(path), "shown": "f", "offset": offset, "limit": limit}, out)
        assert "error" in facts or out.getvalue().count(b"\n") <= limit


def test_the_walk_sees_what_git_sees(tmp_path: Path) -> None:
    files = [
        "a.py", "b.log", "keep.log", "build/x", "src/build/y", "src/z.tmp", "docs/a.md", "docs/skip/b.md",
        "deep/er/c.txt", "deep/er/d.o", "#odd", "sp ace",
    ]  # fmt: skip
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/build/\n*.tmp\n**/skip/\n\\#odd\n")
    (tmp_path / "deep" / ".gitignore").write_text("*.o\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    command = ["git", "-C", str(tmp_path), "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    theirs = {name.decode() for name in listed.split(b"\0") if name}
    ours = {relative for relative, entry in walk(str(tmp_path)) if not entry.is_dir()}
    assert ours == theirs


def test_a_listing_stops_at_its_limit_and_says_so(tmp_path: Path) -> None:
    for i in range(30):
        (tmp_path / f"f{i:02}").write_text("")
    out = io.BytesIO()
    arguments = {"path": str(tmp_path), "shown": ".", "limit": 10, "hidden": False, "depth": 1}
    assert list_files(arguments, out) == {"count": 10, "more": True}
    assert out.getvalue().count(b"\n") == 10


def _search(path: Path, pattern: str, **more: Any) -> tuple[dict[str, Any], str]:
    out = io.BytesIO()
    arguments = {
        "path": str(path), "base": "", "pattern": pattern, "glob": "", "ignore_case": False, "literal": False,
        "context": 0, "limit": 100, **more,
    }  # fmt: skip
    return search_text(arguments, out), out.getvalue().decode()


def test_a_search_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\nthree\n")
    (tmp_path / "b.txt").write_text("two\n")
    assert _search(tmp_path, "tw.")[1] == "a.py:2: two\nb.txt:1: two\n"
    assert _search(tmp_path, "TWO", ignore_case=True, glob="*.py")[1] == "a.py:2: two\n"
    assert _search(tmp_path, "two", context=1, glob="*.py")[1] == "a.py-1- one\na.py:2: two\na.py-3- three\n"
    assert _search(tmp_path, "t(", literal=True)[0]["matches"] == 0
    assert "not a regular expression" in _search(tmp_path, "t(")[0]["error"]


def test_files_are_found_by_glob_or_by_letters(tmp_path: Path) -> None:
    for name in ("src/app.py", "src/application.py", "docs/map.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    out = io.BytesIO()
    find_files({"path": str(tmp_path), "base": "", "query": "*.py", "limit": 10}, out)
    assert out.getvalue() == b"src/app.py\nsrc/application.py\n"
    assert rank("app", ["docs/map.md", "src/application.py", "src/app.py"])[0] == "src/app.py"
    assert rank("zzz", ["a"]) == []
