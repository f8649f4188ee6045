"""A disk that is really full: it is recorded from the space held back, nothing more runs, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_full_disk_is_recorded_stops_the_session_and_lets_it_go_on_when_there_is_space_again(
    tmp_path: Path,
) -> None:
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine gives no mount namespace, so no small disk can be had")
    disk = tmp_path / "disk"
    disk.mkdir()
    program = [sys.executable, "-m", "tests.events.on_a_small_disk", str(disk)]
    done = subprocess.run(["unshare", "-rm", *program], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "cannot be written, so nothing more runs: No space left on device" in told["said"]
    assert told["refused"] == told["said"]
    assert told["kept"]
    assert (told["last"], bool(told["lost"])) == ("log.failed", True)
    assert told["full"] == ["open"]
    assert told["again"] == ["sealed"]
