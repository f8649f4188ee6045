"""Calls of one message: those that look run side by side, a few at a time; what writes keeps its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.stage import staged
from vtcode_tui.agent.calls import AT_ONCE
from vtcode_tui.demo import Step

pytestmark = pytest.mark.kernel


async def test_a_message_with_many_calls_runs_a_few_at_a_time(tmp_path: Path) -> None:
    many = tuple(("read_file", {"path": "a.txt"}) for _ in range(3 * AT_ONCE))
    async with staged(tmp_path, [Step("", many), Step("ok")], files={"a.txt": "x\n"}) as stage:
        await stage.session.submit("go")
        inside = most = 0
        for event in stage.events("exec."):
            if str(event.call)[0] == "c" and event.type in {"exec.started", "exec.finished"}:
                inside += 1 if event.type == "exec.started" else -1
                most = max(most, inside)
        assert 1 < most <= AT_ONCE
        assert all("1\tx" in stage.told(f"c{i}") for i in range(1, 3 * AT_ONCE + 1))


async def test_a_call_sees_what_the_calls_before_it_in_the_message_wrote(tmp_path: Path) -> None:
    calls = (
        ("read_file", {"path": "a.txt"}),
        ("write_file", {"path": "a.txt", "content": "new\n"}),
        ("read_file", {"path": "a.txt"}),
        ("run_command", {"command": "cat a.txt"}),
        ("edit_file", {"path": "a.txt", "old": "new", "new": "newer"}),
        ("read_file", {"path": "a.txt"}),
    )
    async with staged(tmp_path, [Step("", calls), Step("ok")], files={"a.txt": "old\n"}) as stage:
        await stage.session.submit("go")
        told = [stage.told(f"c{i}") for i in range(1, 7)]
    assert "1\told" in told[0]
    assert "1\tnew" in told[2]
    assert "new" in told[3]
    assert "1\tnewer" in told[5], told[4]
