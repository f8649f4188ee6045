"""No tier: nothing runs, unless the user's own configuration says so; then everything is asked about, and shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vtcode_tui.sandbox.capability import NO_SANDBOX
from vtcode_tui.tui.panes.status import Status, spans_for

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).resolve().parents[2]


def session_without(feature: str, folder: Path, **given: Any) -> dict[str, Any]:
    """What happened in a session on a machine that lacks a feature of the kernel."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sandbox.session_without", feature, str(folder), json.dumps(given)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _session(folder: Path, command: str, **given: Any) -> dict[str, Any]:
    calls = [["read_file", {"path": "README.md"}], ["run_command", {"command": command}]]
    return session_without("landlock", folder, calls=calls, **given)


def test_without_a_tier_nothing_runs_by_default(tmp_path: Path) -> None:
    said = _session(tmp_path, "touch ran")
    assert "the sandbox reaches tier none here" in said["refused"]
    assert not (tmp_path / "ws/ran").exists()


def test_where_it_is_allowed_each_run_is_asked_about_and_everything_says_that_nothing_contains_it(
    tmp_path: Path,
) -> None:
    marker = f"7{os.getpid()}.5"
    said = _session(tmp_path, f"sh build.sh {marker}; touch ran", allow=True)
    assert (said["tier"], said["uncontained"]) == ("none", True)
    # Reading a file and making one are allowed by rule where a sandbox stands behind the rule.
    assert sorted((r["tool"], r["scopes"]) for r in said["asked"]) == [("read_file", 0), ("run_command", 0)]
    assert {r["rule"] for r in said["asked"]} >= {"vtcode.no-sandbox"}
    assert all(r["sandbox"] == [NO_SANDBOX] for r in said["asked"])
    assert all(re.search(r"(\A|\. )Nothing contains runs", r["why"]) for r in said["asked"])
    assert said["applied"]
    assert all(row["tier"] == "none" and row["degraded"][0] == NO_SANDBOX for row in said["applied"])
    assert NO_SANDBOX in said["notices"]
    assert (tmp_path / "ws/ran").exists()
    assert not (tmp_path / "ws/vtcode.toml").exists()  # the guard needs no kernel feature
    lines = [_words(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    assert [line for line in lines if line[:2] == [b"sleep", marker.encode()]] == []


def test_where_the_human_says_no_nothing_of_the_models_runs(tmp_path: Path) -> None:
    said = _session(tmp_path, "touch ran", allow=True, answer="no")
    assert len(said["asked"]) == 2
    assert not (tmp_path / "ws/ran").exists()


def _words(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def test_the_status_bar_says_so_however_narrow_it_is() -> None:
    status = Status(workspace="/a/long/way/to/a/workspace", tier="none", model="p/m", journal="sealed", staged=3)
    for cells in (30, 80, 160):
        left, _right = spans_for(status, cells)
        assert "NO SANDBOX" in "".join(span.text for span in left)
