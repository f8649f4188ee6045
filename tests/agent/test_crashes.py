"""The real program killed at any point of a turn and resumed: what it did to the disk is done once."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import Human, home_in, no, staged, yes
from tests.reading import by_call, payloads
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.home import Home
from vtcode_tui.demo import Step, served
from vtcode_tui.events import locate, verify
from vtcode_tui.events.types import ToolFinished
from vtcode_tui.sessions import read_meta
from vtcode_tui.sessions.recovery import standing_in
from vtcode_tui.workspace import grant_trust

pytestmark = pytest.mark.kernel

TALLY = "echo once >> tally; echo counted"
POINTS = (
    "prompt.submitted", "model.requested", "model.responded", "tool.requested", "policy.decided",
    "sandbox.applied", "exec.started", "exec.output", "exec.finished", "tool.finished",
    "model.requested 2", "model.responded 2",
)  # fmt: skip


def stubborn(command: str) -> Any:
    """A model that asks for the same command until it is told that it ran."""

    def script(body: Mapping[str, Any]) -> Step:
        told = [str(m["content"]) for m in body["messages"] if m["role"] == "tool"]
        done = any("exit status 0" in one for one in told) or len(told) > 2
        return Step("done") if done else Step("", (("run_command", {"command": command}),))

    return script


def prepared(tmp_path: Path, command: str, base_url: str) -> tuple[Path, Home]:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir()
    home.config.mkdir(parents=True)
    grant_trust(root, home, now=rfc3339(SystemClock().now()))
    rules = {"version": 1, "commands": [{"text": command, "verdict": "allow"}]}
    home.policy_file.write_text(json.dumps(rules))
    home.settings_file.write_text(
        f'[model]\nprovider = "test"\nname = "scripted"\ndiscover = false\n'
        f'[providers.test]\nbase_url = "{base_url}"\nmodels = ["scripted"]\ndata_class = "local"\n'
    )
    return root, home


async def killed_at(point: str, tmp_path: Path, root: Path) -> None:
    """Run the real program until it says that something happened (the second time, if so asked), and kill it."""
    kind, _, count = point.partition(" ")
    left = int(count or 1)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VTCODE_HOME": str(tmp_path / "vt")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vtcode_tui", "exec", "go", cwd=root, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    assert process.stderr is not None
    seen = []
    while line := await process.stderr.readline():
        event = json.loads(line)
        seen.append(event["type"])
        if event["type"] == kind and not str(event.get("call") or "").startswith("w"):
            left -= 1
            if not left:
                break
    assert not left, f"{point} never came: {seen}"
    process.kill()
    await process.communicate()


def tally(home: Home, session: str) -> int:
    file = home.layers / session / "upper" / "tally"
    return file.read_text().count("once") if file.exists() else 0


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_point_and_resumed_nothing_runs_twice(tmp_path: Path, point: str) -> None:
    async with served(stubborn(TALLY), pace=0.01) as model:
        root, home = prepared(tmp_path, TALLY, model.base_url)
        await killed_at(point, tmp_path, root)
    folder = locate(home, "last")
    assert verify(folder).state in {"open", "torn"}
    listed = read_meta(folder)
    if point != "prompt.submitted":
        assert (listed.title, listed.model, listed.turns, listed.ended) == ("go", "test/scripted", 1, False)
    standing = standing_in(folder)
    before, doubt = tally(home, folder.name), bool(standing.unknown)
    async with staged(tmp_path, stubborn(TALLY), resume=folder, human=Human(no)) as stage:
        assert read_meta(folder).updated > listed.updated, "the newest here, should it be killed again"
        await stage.session.submit("go on")
        after = tally(home, folder.name)
        asked = [request.decision.rule for request in stage.human.asked]
        statuses = [finished.status for finished in payloads(stage.events(), ToolFinished)]
    assert asked == (["vtcode.unknown-outcome"] * len(asked) if doubt else [])
    assert bool(asked) == doubt
    assert after == (before if doubt else 1)
    assert ("unknown" in statuses) == doubt
    assert verify(folder).state == "sealed"


async def test_what_is_in_doubt_after_a_crash_happens_once_more_only_when_the_human_says_so(tmp_path: Path) -> None:
    command = "echo once >> tally; sleep 600"
    async with served(stubborn(command)) as model:
        root, home = prepared(tmp_path, command, model.base_url)
        await killed_at("exec.started", tmp_path, root)
    folder = locate(home, "last")
    async with staged(tmp_path, stubborn(command), resume=folder, human=Human(no)) as stage:
        before = tally(home, folder.name)
        await stage.session.submit("go on")
        assert tally(home, folder.name) == before
        said = stage.human.asked[0].decision.reason
        assert said.startswith("vtcode was stopped while c1 did the same")
        assert not [e for e in stage.events("exec.started") if e.call not in (None, "c1") and e.call[0] == "c"]
    # Also after another resume, and until somebody agrees.
    async with staged(tmp_path, stubborn(TALLY), resume=folder, human=Human(yes)) as stage:
        assert stage.session._parts.ground.judge.doubtful  # type: ignore[attr-defined]


async def test_text_that_was_being_typed_when_it_crashed_is_unknown_and_not_said_to_have_never_been(
    tmp_path: Path,
) -> None:
    def typist(body: Mapping[str, Any]) -> Step:
        told = sum(message["role"] == "tool" for message in body["messages"])
        start = Step("", (("run_command", {"argv": ["cat"], "wait_seconds": 0}),))
        type_ = Step("", (("write_stdin", {"call": "c1", "text": "hello\n", "wait_seconds": 600}),))
        return (start, type_, Step("done"))[min(told, 2)]

    async with served(typist) as model:
        root, home = prepared(tmp_path, TALLY, model.base_url)
        await killed_at("policy.decided 2", tmp_path, root)
    folder = locate(home, "last")
    async with staged(tmp_path, [Step("")] * 2 + [Step("ok")], resume=folder) as stage:
        statuses = {call: it.status for call, it in by_call(stage.events(), ToolFinished).items()}
        assert statuses["c2"] == "unknown"
        ended = [e for e in stage.events("exec.finished") if e.call == "c1"]
        assert [e.outcome for e in ended] == ["unknown"]
        await stage.session.submit("and now?")
        assert "outcome of this call is unknown" in str(stage.model.requests[-1]["messages"])


async def test_a_sub_task_that_was_cut_off_by_a_crash_is_not_begun_again(tmp_path: Path) -> None:
    def script(body: Mapping[str, Any]) -> Step:
        if "# This is a sub-task" in str(body["messages"][0]["content"]):
            return Step("", (("run_command", {"command": "echo once >> tally; sleep 600"}),))
        return Step("", (("delegate", {"task": "count"}),))

    command = "echo once >> tally; sleep 600"
    async with served(script) as model:
        root, home = prepared(tmp_path, command, model.base_url)
        await killed_at("exec.started", tmp_path, root)
    folder = locate(home, "last")
    async with staged(tmp_path, script, resume=folder, human=Human(no)) as stage:
        statuses = {call: it.status for call, it in by_call(stage.events(), ToolFinished).items()}
        assert statuses == {"c1": "unknown", "c2": "unknown"}
        before = tally(home, folder.name)
        await stage.session.submit("go on")
        assert tally(home, folder.name) == before
        assert {request.decision.rule for request in stage.human.asked[:1]} == {"vtcode.unknown-outcome"}
