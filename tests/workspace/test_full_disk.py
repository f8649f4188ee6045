"""A disk that is full: one sentence, nothing half-written, nothing lost. On a real small file system, as root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workspace.conftest import START, Bench
from tests.workspace.test_tracing import Traced
from vtcode_tui.workspace.layer import Layer

_KB = 1024


def _mount(at: Path, size: str) -> None:
    at.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", at], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("only root may mount the small file system that this needs")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 256 KiB."""
    at = tmp_path / "small"
    _mount(at, "256k")
    yield at
    subprocess.run(["umount", "-l", at], check=True)


def _fill(folder: Path, leave: int) -> Path:
    """Take all but `leave` bytes."""
    room = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(b"x" * max(0, room.f_bavail * room.f_frsize - leave))
    return ballast


def _leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.name.startswith((".vtcode-tmp-", ".plan", ".bases", ".ledger"))]


def test_a_workspace_that_is_full_gets_whole_files_and_keeps_the_old_ones(
    tmp_path: Path, small: Path, overlays: None
) -> None:
    bench = Bench(small, tmp_path / "layer")
    bench.direct(START)
    before = bench.direct()
    seen = bench.staged([("shell", "head -c 100000 /dev/zero | tr '\\0' x > a.txt; echo small > z.txt")])
    ballast = _fill(small, 40 * _KB)
    answer = bench.accept()
    assert answer["failed"] == {"a.txt": "No space left on device"}
    assert (bench.root / "z.txt").read_text() == "small\n", "what fits is written"
    assert (bench.root / "a.txt").read_text() == before["a.txt"][2]
    assert _leftovers(small) == []
    assert [c.path for c in bench.changes().files] == ["a.txt"], "the change is still there to be accepted"
    ballast.unlink()
    assert bench.accept()["failed"] == {}
    assert bench.direct() == seen


@pytest.mark.parametrize("worker", ["scan", "accept", "discard"])
def test_a_layer_that_is_full_refuses_in_one_sentence_and_touches_nothing(
    tmp_path: Path, small: Path, overlays: None, worker: str
) -> None:
    bench = Bench(tmp_path)
    bench.direct(START)
    bench.staged([("append", "a.txt", "nine\n"), ("remove", "b.txt"), ("shell", "seq 9000 > long")])
    shown = bench.changes()
    before = bench.direct()
    subprocess.run(["cp", "-a", f"{bench.layer.folder}/.", small], check=True)
    full = Layer(bench.root, small)
    ballast = _fill(small, 0)
    chosen: dict[str, Any] = {c.path: None for c in shown.files}
    given = {
        "scan": full.arguments(),
        "accept": full.accepting(shown, chosen, shown.digest),
        "discard": full.discarding(shown, {"a.txt": None}, shown.digest),
    }[worker]
    (bench.root / "b.txt").write_text("moved on\n") if worker == "scan" else None
    answer = bench.call(worker, given)
    if "error" in answer:
        assert "No space left on device" in answer["error"]
        assert "\n" not in answer["error"]
    if worker != "scan":
        assert bench.direct() == before
    assert _leftovers(small) == []
    ballast.unlink()
    again = bench.call("scan", full.arguments())
    assert "error" not in again
    assert "long" in {row["path"] for row in again["changes"]["files"]}


def test_a_snapshot_that_does_not_fit_is_refused_and_the_next_one_works(tmp_path: Path, small: Path) -> None:
    traced = Traced(tmp_path)
    traced.folder = small
    (traced.root / "big").write_bytes(os.urandom(400 * _KB))
    answer = traced.call("before")
    assert "cannot be remembered: No space left on device" in answer["error"]
    (traced.root / "big").unlink()
    before = traced.tree()
    traced.run(lambda root: (root / "a.txt").write_text("run\n"))
    assert traced.decide("roll_back")["failed"] == {}
    assert traced.tree() == before


def test_a_roll_back_on_a_full_disk_leaves_what_is_there(tmp_path: Path, small: Path) -> None:
    traced = Traced(small)
    traced.folder = tmp_path / "kept"
    traced.folder.mkdir()
    (traced.root / "big").write_bytes(os.urandom(100 * _KB))
    old = (traced.root / "big").read_bytes()
    traced.run(lambda root: (root / "big").write_bytes(b"short"))
    ballast = _fill(small, 4 * _KB)
    assert traced.decide("roll_back")["failed"] == {"big": "No space left on device"}
    assert (traced.root / "big").read_bytes() == b"short"
    assert _leftovers(small) == []
    ballast.unlink()
    assert traced.decide("roll_back")["failed"] == {}
    assert (traced.root / "big").read_bytes() == old
