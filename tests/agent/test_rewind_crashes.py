"""Killed while it goes back: the next start finishes it, files and conversation, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.rewinding_killed import FILES
from tests.agent.stage import home_in, staged
from tests.reading import payloads
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events import locate, verify
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import FileChanged, SessionRewound
from vtcode_tui.workspace.changes import ChangeSet

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).resolve().parents[2]
AFTER_ONE = {"a.py": "x = 2\n", "kept": "kept\n", "n": "new\n"}


def _texts(changes: ChangeSet) -> dict[str, str]:
    """What runs see of the files that this is about."""
    seen = dict(FILES)
    for change in changes.files:
        seen.pop(change.renamed_from, None)
        if change.op == "delete":
            seen.pop(change.path, None)
        else:
            seen[change.path] = change.new_text.decode()
    return seen


QUICK = [("drop", "layer"), ("undo", "real")]
POINTS = [("begun", "layer"), ("put", "layer"), ("settle", "layer"), ("undo", "layer"), *QUICK]


@pytest.mark.parametrize(("step", "layer"), POINTS if os.environ.get("VTCODE_SOAK") else QUICK)
async def test_going_back_is_finished_by_the_next_start(tmp_path: Path, step: str, layer: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.agent.rewinding_killed", str(tmp_path), step, layer],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = locate(home_in(tmp_path), "last")
    sandbox = Sandbox(staging="auto" if layer == "layer" else "off")
    async with staged(tmp_path, [Step("on")], resume=folder, sandbox=sandbox) as stage:
        session = stage.session
        assert any("it is done now" in what.text for what in stage.heard if isinstance(what, Notice))
        if layer == "real":
            root = tmp_path / "ws"
            assert {name: (root / name).read_text() for name in AFTER_ONE} == AFTER_ONE
            assert not (root / "late").exists() and not (root / "d").exists()
            back = {c.path for c in payloads(stage.events(), FileChanged) if c.via in {"rollback", "rewind"}}
            assert back == {"a.py", "d/c", "n", "late"}
        else:
            assert _texts(await session.changes()) == AFTER_ONE
            assert (tmp_path / "ws/a.py").read_text() == FILES["a.py"]
        (rewound,) = payloads(stage.events(), SessionRewound)
        assert rewound.turn == 2
        await session.submit("again")
        said = [m["content"] for m in stage.model.requests[-1]["messages"] if m["role"] == "user"]
        assert "two" not in said and "one" in said
    async with staged(tmp_path, [Step("on")], resume=folder, sandbox=sandbox) as stage:
        assert len(stage.events("session.rewound")) == 1
    assert verify(folder).state == "sealed"
