from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vtcode_tui.demo.project import Project
from vtcode_tui.demo.script import script

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


@pytest.mark.parametrize(
    ("spoken", "result", "says", "never"),
    [
        (5, "OK", "They pass", "fail"),
        (5, "FAILED (failures=2)", "They fail as before", "They pass"),
        (8, "exit status 1", "you let it run", "did not let it run"),
        (8, "[denied] The human declined this.", "you did not let it run", "you let it run"),
    ],
)
def test_the_scripted_model_says_what_the_person_decided(
    tmp_path: Path, spoken: int, result: str, says: str, never: str
) -> None:
    answer = script(Project(tmp_path, tmp_path, tmp_path / "key", "secret"), 1)
    messages = [{"role": "assistant", "content": ""}] * spoken + [{"role": "tool", "content": result}]
    text = answer({"messages": messages}).text
    assert says in text and never not in text
