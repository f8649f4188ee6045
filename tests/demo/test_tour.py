from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel


def test_the_tour_by_itself_ends_as_told(tmp_path: Path) -> None:
    env = {**os.environ, "VTCODE_HOME": str(tmp_path / "vt")}
    done = subprocess.run(
        [sys.executable, "-m", "vtcode_tui", "demo", "--auto"], env=env, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert "denied by the policy" in done.stdout
    assert "intact and sealed" in done.stdout
    assert done.stderr == ""
