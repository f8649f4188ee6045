from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vtcode_tui.workspace import snapshot
from vtcode_tui.workspace.accepting import identity
from vtcode_tui.workspace.changes import ChangeSet
from vtcode_tui.workspace.wire import decode


class Snap:
    """A workspace whose state can be remembered and brought back."""

    def __init__(self, folder: Path) -> None:
        self.root, self.folder = folder / "ws", folder / "snap"
        for path, text in (("a.txt", "one\ntwo\n"), ("d/b.txt", "b\n"), ("d/e/c.txt", "c\n")):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        (self.root / "link").symlink_to("a.txt")
        (self.root / "empty").mkdir()

    def call(self, worker: str, **more: Any) -> dict[str, Any]:
        given = json.loads(json.dumps({"root": str(self.root), "folder": str(self.folder), **more}))
        answer: dict[str, Any] = json.loads(json.dumps(getattr(snapshot, worker)(given, io.BytesIO())))
        return answer

    def changes(self) -> ChangeSet:
        return decode(self.call("compare")["changes"])

    def roll_back(self, *paths: str) -> dict[str, Any]:
        found = [c for c in self.changes().files if not paths or c.path in paths]
        return self.call("rollback", selected=[{"path": c.path, "identity": identity(c)} for c in found])

    def tree(self) -> dict[str, Any]:
        def content(path: Path) -> object:
            if path.is_symlink():
                return str(path.readlink())
            return path.read_bytes() if path.is_file() else None

        return {str(p.relative_to(self.root)): (p.lstat().st_mode, content(p)) for p in self.root.rglob("*")}


@pytest.fixture
def snap(tmp_path: Path) -> Snap:
    made = Snap(tmp_path)
    made.call("take")
    return made


def test_nothing_changed_is_no_change(snap: Snap) -> None:
    assert snap.changes() == ChangeSet()


def test_what_a_run_changed_is_shown_and_taken_back(snap: Snap) -> None:
    before = snap.tree()
    (snap.root / "a.txt").write_text("one\nTWO\n")
    (snap.root / "a.txt").chmod(0o600)
    (snap.root / "d/e/c.txt").unlink()
    (snap.root / "new/deep").mkdir(parents=True)
    (snap.root / "new/deep/x").write_text("x")
    (snap.root / "link").unlink()
    (snap.root / "link").symlink_to("d")
    (snap.root / "empty").rmdir()
    (snap.root / "d" / "e" / "fresh").write_text("x")
    found = {c.path: c.op for c in snap.changes().files}
    assert found == {
        "a.txt": "update",
        "d/e/c.txt": "delete",
        "new/deep/x": "create",
        "d/e/fresh": "create",
        "link": "symlink",
        "empty": "delete",
    }
    assert snap.roll_back("a.txt")["done"] == ["a.txt"]
    assert "a.txt" not in {c.path for c in snap.changes().files}
    assert snap.roll_back()["failed"] == {}
    assert snap.tree() == before


def test_ignored_files_are_left_alone(snap: Snap) -> None:
    (snap.root / ".gitignore").write_text("*.o\n")
    snap.call("take")
    (snap.root / "x.o").write_text("x")
    assert snap.changes() == ChangeSet()


def test_what_was_too_large_to_keep_says_so(snap: Snap) -> None:
    (snap.root / "big").write_bytes(b"x" * (9 << 20))
    assert snap.call("take")["not_kept"] == 1
    (snap.root / "big").write_bytes(b"y")
    (change,) = snap.changes().files
    assert change.conflict == snapshot.NOT_KEPT
    assert snap.roll_back()["failed"] == {"big": snapshot.NOT_KEPT}


def test_what_moved_on_since_it_was_shown_is_not_overwritten(snap: Snap) -> None:
    (snap.root / "a.txt").write_text("run\n")
    shown = [{"path": c.path, "identity": identity(c)} for c in snap.changes().files]
    (snap.root / "a.txt").write_text("human\n")
    answer = snap.call("rollback", selected=shown)
    assert answer["stale"] is True
    assert (snap.root / "a.txt").read_text() == "human\n"


def test_a_rollback_never_follows_a_link(snap: Snap, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.txt").write_text("precious")
    (snap.root / "d" / "b.txt").unlink()
    (snap.root / "d" / "e" / "c.txt").unlink()
    (snap.root / "d" / "e").rmdir()
    (snap.root / "d").rmdir()
    (snap.root / "d").symlink_to(tmp_path / "outside")
    snap.roll_back()
    assert (tmp_path / "outside" / "b.txt").read_text() == "precious"


_PATHS = st.sampled_from(["a.txt", "d/b.txt", "d/e/c.txt", "n", "n2/x", "link"])
_STEP = st.one_of(
    st.tuples(st.just("write"), _PATHS, st.sampled_from(["", "x\n", "one\n"])),
    st.tuples(st.just("remove"), _PATHS),
    st.tuples(st.just("chmod"), _PATHS, st.sampled_from(["600", "755"])),
)


@given(steps=st.lists(_STEP, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rolled_back_whole_is_the_original(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, ...]]
) -> None:
    snap = Snap(tmp_path_factory.mktemp("snap"))
    snap.call("take")
    before = snap.tree()
    actions: dict[str, Callable[..., Any]] = {
        "write": lambda path, text: (path.parent.mkdir(exist_ok=True), path.write_text(text)),
        "remove": lambda path: path.unlink(missing_ok=True),
        "chmod": lambda path, mode: path.exists() and path.chmod(int(mode, 8)),
    }
    for name, path, *words in steps:
        actions[name](snap.root / path, *words)
    assert snap.roll_back()["failed"] == {}
    assert snap.tree() == before
