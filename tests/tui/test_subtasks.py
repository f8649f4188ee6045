"""A sub-task is one folded call with its state: what it says and does inside stays inside."""

from __future__ import annotations

from collections.abc import Callable

from tests.tui.rig import Rig, until
from tests.tui.scenes import A, B, begin, finish
from vtcode_tui.events.types import ModelReasoning, ModelResponded, PolicyDecided, ToolRequested
from vtcode_tui.tui.panes.blocks import Answer, ToolCall

Make = Callable[..., Rig]


def asked(tool: str, **arguments: str) -> ToolRequested:
    return ToolRequested(tool=tool, arguments=arguments, arguments_sha256=A, subject_sha256=B, cwd="/work/project")


async def test_a_sub_task_is_one_folded_call_that_counts_its_calls_and_waits_for_the_human(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(100, 30)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        chat = app.app.work.chat
        task = core.say(asked("delegate", task="Rename the helper everywhere"), call="c1")
        said = ModelResponded(provider="p", model="m", text="I am the sub-task.", finish="tools")
        core.say(ModelReasoning(text="inner thought", sha256=A), parent=task.id)
        core.say(said, parent=task.id)
        for name, path in (("c2", "src/a.py"), ("c3", "src/b.py")):
            core.say(asked("read_file", path=path), call=name, parent=task.id)
        blocks = [block for block in chat.blocks if isinstance(block, ToolCall)]
        assert [block.tool for block in blocks] == ["delegate"]
        assert "inner thought" not in "\n".join(block.copy_text() for block in chat.blocks)
        assert not any(isinstance(block, Answer) and "sub-task" in block.copy_text() for block in chat.blocks)
        refusal = PolicyDecided(decision="deny", rule="mode", reason="no", subject_sha256=A, policy_sha256=B)
        core.say(refusal, call="c2", parent=task.id)
        assert blocks[0].denials == ["denied by policy (mode): no"]
        assert blocks[0].state == "running"
        await until(lambda: any("2 calls, running" in chat.row(y).text for y in range(chat.row_count())), pilot)
        finish(core, "c1", "delegate", "ok", "done, 2 calls, 900 tokens", "All renamed.", 900)
        assert (blocks[0].state, blocks[0].result) == ("ok", "All renamed.")
        blocks[0].folded = False
        chat.changed(blocks[0])
        await until(lambda: any("read_file  src/b.py" in chat.row(y).text for y in range(chat.row_count())), pilot)
