"""Killed while what a person had accepted was being written: whichever session opens next finishes and tells it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.agent.stage import Stage, home_in, staged
from tests.reading import payloads
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events import locate, verify
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import FileChanged
from vtcode_tui.workspace.layer import Layer

pytestmark = pytest.mark.kernel

FILES = {"a.py": "x = 1\n", "gone": "goes\n", "old": "moves\n" * 9}
COMMAND = "sed -i s/1/2/ a.py; rm gone; mv old new; mkdir empty; ln -s a.py link"


EVERY = 99
"""More steps than there are: the worker comes to its end, and nobody hears its answer."""


async def _accept_and_be_killed(stage: Stage, after: int) -> None:
    """Accept everything, and let the worker be killed after that many steps, as with the whole program."""
    await stage.session.submit("go")
    shown = await stage.session.changes()
    layer = Layer(stage.root, stage.home.layers / stage.session.session)
    arguments = layer.accepting(shown, {change.path: None for change in shown.files}, shown.digest)
    words = [sys.executable, "-m", "tests.workspace.accepting_killed", str(after)]
    killed = subprocess.run(words, input=json.dumps(arguments), text=True, check=False)
    assert killed.returncode == (0 if after == EVERY else -signal.SIGKILL)


def _is_finished(root: Path) -> bool:
    there = {path.name for path in root.iterdir()} - {".vt-workspace-trust"}
    return there == {"a.py", "new", "empty", "link"} and (root / "a.py").read_text() == "x = 2\n"


def _said(stage: Stage) -> str:
    return "\n".join(what.text for what in stage.heard if isinstance(what, Notice))


STEPS = [Step("", (("run_command", {"command": COMMAND}),)), Step("done")]


@pytest.mark.parametrize("staging", ["auto", "off"])
async def test_a_new_session_finishes_what_another_had_begun_to_accept(tmp_path: Path, staging: str) -> None:
    async with staged(tmp_path, STEPS, files=FILES) as stage:
        await _accept_and_be_killed(stage, 2)
        assert (stage.root / "a.py").read_text() == "x = 2\n" and not _is_finished(stage.root)
    off = Sandbox(staging="off") if staging == "off" else Sandbox()
    async with staged(tmp_path, [Step("hello")], sandbox=off) as stage:
        assert _is_finished(stage.root)
        assert "was cut off in the middle and is finished now" in _said(stage)
        told = {changed.path: changed for changed in payloads(stage.events(), FileChanged)}
        assert {(changed.staged, changed.via) for changed in told.values()} == {(False, "accept")}
        assert {path: changed.op for path, changed in told.items()} == {
            "a.py": "update", "gone": "delete", "old": "delete", "new": "create", "empty": "create",
            "link": "symlink",
        }  # fmt: skip
        assert told["a.py"].after_sha256 == sha256(b"x = 2\n").hexdigest()
        assert "+x = 2" in told["a.py"].diff
    assert verify(stage.session.folder).state == "sealed"
    async with staged(tmp_path, [Step("hello")], sandbox=off) as stage:
        assert "cut off" not in _said(stage)


async def test_what_another_process_is_about_to_finish_is_left_to_it(tmp_path: Path) -> None:
    async with staged(tmp_path, STEPS, files=FILES) as stage:
        await _accept_and_be_killed(stage, 1)
        async with staged(tmp_path, [Step("hello")], trusted=False) as other:
            assert not _is_finished(other.root)
            assert "cut off" not in _said(other)
    async with staged(tmp_path, [Step("on")], resume=stage.session.folder) as stage:
        assert _is_finished(stage.root)
        assert len(payloads(stage.events(), FileChanged)) > 6


async def test_what_was_written_before_vtcode_was_killed_is_told_and_not_done_again(tmp_path: Path) -> None:
    async with staged(tmp_path, STEPS, files=FILES) as stage:
        await _accept_and_be_killed(stage, EVERY)
        assert _is_finished(stage.root)
        assert not any(changed.via == "accept" for changed in payloads(stage.events(), FileChanged))
    (stage.root / "a.py").write_text("x = 1\n")
    async with staged(tmp_path, [Step("hello")]) as stage:
        assert (stage.root / "a.py").read_text() == "x = 1\n"
        assert "was written and is in the journal only now" in _said(stage)
        told = {changed.path: changed for changed in payloads(stage.events(), FileChanged)}
        assert set(told) == {"a.py", "gone", "old", "new", "empty", "link"}
        assert told["a.py"].after_sha256 == sha256(b"x = 2\n").hexdigest()
    async with staged(tmp_path, [Step("hello")]) as stage:
        assert not payloads(stage.events(), FileChanged)


@pytest.mark.parametrize("after", [1, EVERY])
async def test_a_worker_that_is_killed_while_vtcode_lives_keeps_nobody_from_accepting(
    tmp_path: Path, after: int
) -> None:
    more = [*STEPS, Step("", (("edit_file", {"path": "a.py", "old": "2", "new": "3"}),)), Step("done")]
    async with staged(tmp_path, more, files=FILES) as stage:
        await _accept_and_be_killed(stage, after)
        await stage.session.submit("more")
        shown = await stage.session.changes()
        await stage.session.accept({"a.py": None}, shown.digest)
        assert (stage.root / "a.py").read_text() == "x = 3\n"
        assert {"new", "link"} <= {path.name for path in stage.root.iterdir()}
        told = [c.path for c in payloads(stage.events(), FileChanged) if c.via == "accept"]
        assert set(told) == {"a.py", "empty", "gone", "link", "new", "old"}
        assert told.count("new") == 1


async def test_another_folder_at_the_same_place_is_not_written_to(tmp_path: Path) -> None:
    async with staged(tmp_path, STEPS, files=FILES) as stage:
        await _accept_and_be_killed(stage, 1)
    stage.root.rename(tmp_path / "moved away")
    async with staged(tmp_path, [Step("hello")], files={"a.py": "x = 1\n"}) as other:
        assert (other.root / "a.py").read_text() == "x = 1\n"
        assert "the workspace is another folder now" in _said(other)
    assert locate(home_in(tmp_path), other.session.session) == other.session.folder
