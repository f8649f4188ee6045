from __future__ import annotations

import io
import json
import os
import resource
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.workspace import edits, lines, patches, patching
from vtcode_tui.workspace.changes import ChangeSet
from vtcode_tui.workspace.wire import decode, encode


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    folder.mkdir()
    return folder


def call(worker: str, root: Path, **arguments: Any) -> dict[str, Any]:
    # Through JSON, as the sandbox does it.
    given: dict[str, Any] = json.loads(json.dumps({"root": str(root), **arguments}))
    answer: dict[str, Any] = json.loads(json.dumps(getattr(edits, worker)(given, io.BytesIO())))
    return answer


def changes(answer: dict[str, Any]) -> ChangeSet:
    assert "error" not in answer, answer
    return decode(answer["changes"])


def changed(answer: dict[str, Any]) -> bool:
    return bool(changes(answer).files)


def error(answer: dict[str, Any]) -> str:
    return str(answer["error"])


def test_write_creates_a_file_with_its_folders(root: Path) -> None:
    answer = call("write", root, path="a/b/c.txt", content="one\ntwo\n", before=None)
    assert (root / "a/b/c.txt").read_text() == "one\ntwo\n"
    (change,) = changes(answer).files
    assert (change.path, change.op, change.added, change.removed) == ("a/b/c.txt", "create", 2, 0)
    assert change.before_sha256 is None
    assert change.after_sha256 == sha256(b"one\ntwo\n").hexdigest()


def test_write_replaces_and_keeps_the_mode(root: Path) -> None:
    (root / "run.sh").write_text("old\n")
    (root / "run.sh").chmod(0o755)
    answer = call("write", root, path=str(root / "run.sh"), content="new\n")
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o755
    assert changes(answer).files[0].op == "update"


def test_a_file_that_changed_since_the_approval_is_not_written(root: Path) -> None:
    (root / "a").write_text("human")
    before = sha256(b"model saw this").hexdigest()
    for answer in (
        call("write", root, path="a", content="x", before=before),
        call("write", root, path="a", content="x", before=None),
        call("replace", root, path="a", old="human", new="x", before=before),
        call("patch", root, patch="*** Begin Patch\n*** Delete File: a\n*** End Patch", before={"a": before}),
    ):
        assert "changed since" in error(answer)
    assert (root / "a").read_text() == "human"


@pytest.mark.parametrize(
    "path", ["../out", "a/../../out", "/etc/passwd", "link/x", "leaf", "", "a\0b", "folder", "fifo"]
)
def test_no_path_leads_out_and_no_link_is_followed(root: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "out").write_text("precious")
    (root / "link").symlink_to(tmp_path)
    (root / "leaf").symlink_to(tmp_path / "out")
    (root / "folder").mkdir()
    os.mkfifo(root / "fifo")
    before = sorted(p.name for p in tmp_path.iterdir())
    assert error(call("write", root, path=path, content="x"))
    assert error(call("replace", root, path=path, old="precious", new="x"))
    assert error(call("patch", root, patch=f"*** Begin Patch\n*** Delete File: {path}\n*** End Patch"))
    assert (tmp_path / "out").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_replace_needs_exactly_one_place(root: Path) -> None:
    (root / "a.py").write_text("x = 1\ny = 1\n")
    assert "2 times" in error(call("replace", root, path="a.py", old=" = 1", new=" = 2"))
    assert "lines 1, 2" in error(call("replace", root, path="a.py", old=" = 1", new=" = 2"))
    assert changes(call("replace", root, path="a.py", old="x = 1", new="x = 2")).files[0].added == 1
    assert changed(call("replace", root, path="a.py", old=" = ", new="=", all=True))
    assert (root / "a.py").read_text() == "x=2\ny=1\n"


def test_replace_says_what_is_almost_there(root: Path) -> None:
    (root / "a.py").write_text("def f(a):\n    return  a + 1\n\ndef g():\n    pass\n")
    blanks = error(call("replace", root, path="a.py", old="def f(a):\n  return a + 1", new="x"))
    assert "Line 1 has it with other white space" in blanks
    assert "    return  a + 1" in blanks
    similar = error(call("replace", root, path="a.py", old="def gg():\n    pass", new="x"))
    assert "start at line 4" in similar
    assert "Nothing in it is similar" in error(call("replace", root, path="a.py", old="zzzzzzzzzz", new="x"))


def test_replace_keeps_the_files_line_ends(root: Path) -> None:
    (root / "dos").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    changes(call("replace", root, path="dos", old="one\ntwo\n", new="1\n2\n"))
    assert (root / "dos").read_bytes() == b"1\r\n2\r\nthree\r\n"


def test_replace_of_nothing_or_the_same_is_refused(root: Path) -> None:
    (root / "a").write_text("x")
    assert "empty" in error(call("replace", root, path="a", old="", new="x"))
    assert "same" in error(call("replace", root, path="a", old="x", new="x"))
    assert "does not exist" in error(call("replace", root, path="b", old="x", new="y"))


def test_bytes_that_are_no_utf8_survive_an_edit(root: Path) -> None:
    (root / "latin").write_bytes(b"caf\xe9\nx\n")
    (change,) = changes(call("replace", root, path="latin", old="x", new="y")).files
    assert (root / "latin").read_bytes() == b"caf\xe9\ny\n"
    assert change.new_text == b"caf\xe9\ny\n"


def test_preview_writes_nothing_and_tells_the_same(root: Path) -> None:
    (root / "a").write_text("one\n")
    arguments = {"path": "a", "old": "one", "new": "two"}
    shown = changes(call("preview", root, function="replace", **arguments))
    assert (root / "a").read_text() == "one\n"
    assert changes(call("replace", root, **arguments)) == shown
    assert "no edit named" in error(call("preview", root, function="remove"))


PATCH = """\
*** Begin Patch
*** Add File: new/file.txt
+hello
+world
*** Update File: src/a.py
*** Move to: src/b.py
@@ class A:
@@     def f(self):
-        return 1
+        return 2
*** Update File: c.txt
@@
 one
-two
+TWO
 three
@@
+end
*** Delete File: gone.txt
*** End Patch
"""


def test_a_patch_of_every_kind(root: Path) -> None:
    (root / "src").mkdir()
    (root / "src/a.py").write_text(
        "class B:\n    def f(self):\n        return 1\nclass A:\n    def f(self):\n        return 1\n"
    )
    (root / "c.txt").write_text("one\ntwo\nthree\nfour")
    (root / "gone.txt").write_text("x")
    found = {c.path: c for c in changes(call("patch", root, patch=PATCH)).files}
    assert (root / "new/file.txt").read_text() == "hello\nworld\n"
    assert not (root / "src/a.py").exists()
    assert (root / "src/b.py").read_text().endswith("class A:\n    def f(self):\n        return 2\n")
    assert (root / "src/b.py").read_text().startswith("class B:\n    def f(self):\n        return 1\n")
    assert (root / "c.txt").read_text() == "one\nTWO\nthree\nfour\nend\n"
    assert not (root / "gone.txt").exists()
    assert {p: c.op for p, c in found.items()} == {
        "new/file.txt": "create",
        "src/b.py": "rename",
        "c.txt": "update",
        "gone.txt": "delete",
    }
    assert found["src/b.py"].renamed_from == "src/a.py"


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ("", "no patch"),
        ("hello", "no patch"),
        ("*** Begin Patch\n*** End Patch", "names no file"),
        ("*** Begin Patch\n*** Update File: a\n-one\n+x", "does not end"),
        ("*** Begin Patch\n*** Update File: a\n*** End Patch", "changes nothing"),
        ("*** Begin Patch\n*** Update File: a\n@@ x\n*** End Patch", "nothing follows"),
        ("*** Begin Patch\n*** Update File: a\nzzz\n*** End Patch", "line 3"),
        ("*** Begin Patch\n*** Update File: a\n-nope\n*** End Patch", "not found"),
        ("*** Begin Patch\n*** Update File: b\n-one\n*** End Patch", "does not exist"),
        ("*** Begin Patch\n*** Delete File: b\n*** End Patch", "does not exist"),
        ("*** Begin Patch\n*** Add File: c\nno plus\n*** End Patch", "starts with +"),
        ("*** Begin Patch\n*** Add File:\n+x\n*** End Patch", "names no file"),
        ("*** Begin Patch\n+x\n*** End Patch", "should name a file"),
        ("*** Begin Patch\n*** Add File: c\n+x\n*** End Patch\nmore", "stands after"),
        ("*** Begin Patch\n*** Update File: a\n*** Move to: d\n*** End Patch", "exists already"),
        ("*** Begin Patch\n*** Delete File: folder\n*** End Patch", "is a folder"),
        ("--- a/a\n+++ b/a\n@@ -1,3 +1,1 @@\n-one\n", "middle of a hunk"),
        ("--- a/a\n+++ b/a\n@@ nonsense\n", "should be @@"),
        ("diff --git a/x b/x\nGIT binary patch\n", "binary"),
    ],
)
def test_a_patch_that_cannot_be_applied_changes_nothing(root: Path, patch: str, says: str) -> None:
    (root / "a").write_text("one\ntwo\n")
    (root / "d").write_text("d")
    (root / "folder").mkdir()
    before = snapshot(root)
    assert says in error(call("patch", root, patch=patch))
    assert snapshot(root) == before


def test_a_patch_is_all_or_nothing(root: Path) -> None:
    (root / "a").write_text("one\n")
    patch = (
        "*** Begin Patch\n*** Update File: a\n-one\n+two\n*** Add File: n\n+x\n*** Update File: a\n-nope\n"
        "*** End Patch"
    )
    before = snapshot(root)
    assert error(call("patch", root, patch=patch))
    assert snapshot(root) == before


def test_a_write_that_fails_in_the_middle_undoes_the_ones_before(root: Path) -> None:
    (root / "a").write_text("one\n")
    (root / "m").write_text("move me\n")
    patch = (
        "*** Begin Patch\n*** Update File: a\n-one\n+two\n*** Update File: m\n*** Move to: m2\n-move me\n+moved\n"
        "*** Add File: n\n+x\n*** Add File: too-big\n+" + "x" * 200 + "\n*** End Patch"
    )
    before = snapshot(root)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # a full disk, as a process sees it
    try:
        answer = call("patch", root, patch=patch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be written" in error(answer)
    assert snapshot(root) == before


def test_forgiving_reading_of_markers(root: Path) -> None:
    (root / "a").write_text("one  \n\u201cquoted\u201d \u2013 x\nlast\n")
    patch = (
        "<<EOF\n  *** Begin Patch \n*** Update File:  a\n@@\n-one\n+1\n"
        '-"quoted" - x\n+2\n last\n *** End Patch\nEOF\n'
    )
    assert changed(call("patch", root, patch=patch))
    assert (root / "a").read_text() == "1\n2\nlast\n"


def test_the_end_of_file_marker_finds_the_last_place(root: Path) -> None:
    (root / "a").write_text("x\nend\ny\nend\n")
    assert changed(
        call(
            "patch",
            root,
            patch="*** Begin Patch\n*** Update File: a\n@@\n-end\n+END\n*** End of File\n*** End Patch",
        )
    )
    assert (root / "a").read_text() == "x\nend\ny\nEND\n"


def test_paths_of_a_patch_in_both_notations() -> None:
    assert patches.paths_of(PATCH) == ["new/file.txt", "src/a.py", "src/b.py", "c.txt", "gone.txt"]
    assert patches.paths_of("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n") == ["x"]


def snapshot(root: Path) -> dict[str, Any]:
    return {
        str(p.relative_to(root)): (p.read_bytes() if p.is_file() else None, p.lstat().st_mode)
        for p in sorted(root.rglob("*"))
    }


_LINE = st.sampled_from(["a", "b", "c", "", "x y", "\tz"])
_FILE = st.tuples(st.lists(_LINE, max_size=12), st.booleans()).map(
    lambda t: ("\n".join(t[0]) + ("\n" if t[1] and t[0] else "")).encode()
)


@pytest.mark.skipif(shutil.which("git") is None, reason="git writes the diffs")
@given(old=_FILE, new=_FILE)
@settings(max_examples=examples(40, 5_000))
def test_a_diff_of_git_is_applied_exactly(tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes) -> None:
    folder = tmp_path_factory.mktemp("git")
    (folder / "a").write_bytes(old)
    (folder / "b").write_bytes(new)
    diff = subprocess.run(
        ["git", "diff", "--no-index", "--no-color", "a", "b"], cwd=folder, capture_output=True, check=False
    ).stdout.decode()
    if "@@" not in diff:
        return
    (section,) = [s for s in patches.parse_patch(diff) if s.chunks]
    assert patching.patched(section, "a", old) == new


@given(old=_FILE, new=_FILE)
@settings(max_examples=examples(150, 5_000))
def test_all_hunks_give_the_new_text_and_none_the_old(old: bytes, new: bytes) -> None:
    hunks = lines.hunks_of(old, new)
    assert lines.apply_hunks(old, hunks, range(len(hunks))) == new
    assert lines.apply_hunks(old, hunks, ()) == old
    some = {h.index for h in hunks if h.index % 2}
    rest = lines.hunks_of(lines.apply_hunks(old, hunks, some), new)
    assert lines.apply_hunks(lines.apply_hunks(old, hunks, some), rest, range(len(rest))) == new


def test_a_big_file_is_compared_fast_and_exactly() -> None:
    old = b"".join(b"line %d\n" % (n * 7919 % 100_003) for n in range(100_000))
    rows = lines.split_lines(old)
    for place in range(0, 100_000, 997):
        rows[place] = b"changed\n"
    new = b"".join(rows[:50_000] + [b"inserted\n"] * 500 + rows[50_000:])
    hunks = lines.hunks_of(old, new)
    assert lines.apply_hunks(old, hunks, range(len(hunks))) == new
    assert 90 <= len(hunks) <= 110


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_change_set_survives_json(old: bytes, new: bytes) -> None:
    from vtcode_tui.workspace.describe import change_of

    made = ChangeSet((change_of("p\udc80", old, new, mode=0o644),))
    assert decode(json.loads(json.dumps(encode(made)))) == made
