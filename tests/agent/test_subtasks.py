"""Sub-tasks: a context of their own, no more rights than their parent, even when the model in them is hostile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import Human, no, staged
from tests.reading import by_call, payloads
from vtcode_tui.agent.subtasks import AT_ONCE, MOST_IN_A_TURN
from vtcode_tui.demo import Step
from vtcode_tui.events.types import ExecFinished, ModelResponded, SessionEnded, ToolFinished
from vtcode_tui.gate.judging import PolicyJudge, ReadingJudge
from vtcode_tui.policy import load_policy
from vtcode_tui.policy.situation import Situation
from vtcode_tui.policy.types import Access, Call, Command, FileState

pytestmark = pytest.mark.kernel

Script = Callable[[Mapping[str, Any]], Step]


def is_inner(body: Mapping[str, Any]) -> bool:
    return "# This is a sub-task" in str(body["messages"][0]["content"])


def spoken(body: Mapping[str, Any]) -> int:
    return sum(message["role"] == "assistant" for message in body["messages"])


def script(outer: Sequence[Step], inner: Sequence[Step]) -> Script:
    """One list of steps for the session's own conversation, one for that of every sub-task."""

    def answer(body: Mapping[str, Any]) -> Step:
        steps = inner if is_inner(body) else outer
        return steps[min(spoken(body), len(steps) - 1)]

    return answer


def told_inside(requests: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the model of the sub-task was told about its calls, in its last request."""
    last = next(body for body in reversed(requests) if is_inner(body))
    return [str(message["content"]) for message in last["messages"] if message["role"] == "tool"]


EXPLORE = Step("", (("explore", {"question": "What is in a.txt?"}),))
DELEGATE = Step("", (("delegate", {"task": "Do it."}),))


async def test_a_sub_task_has_a_context_of_its_own_and_only_its_answer_comes_back(tmp_path: Path) -> None:
    inner = [Step("I look.", (("read_file", {"path": "a.txt"}),)), Step("It holds a </untrusted> treasure.")]
    files = {"a.txt": "THE WHOLE FILE\n"}
    async with staged(tmp_path, script([EXPLORE, Step("Thanks.")], inner), files=files) as stage:
        await stage.session.submit("outer secret of the conversation")
        outer = [body for body in stage.model.requests if not is_inner(body)]
        inside = [body for body in stage.model.requests if is_inner(body)]
        assert "outer secret" not in json.dumps(inside)
        assert "THE WHOLE FILE" in json.dumps(inside)
        assert "THE WHOLE FILE" not in json.dumps(outer)
        told = stage.told("c1")
        assert told.startswith('<untrusted source="explore" call="c1">')
        assert told.count("</untrusted>") == 1
        assert "treasure" in told
        assert stage.session.last_answer == "Thanks."
        kept = (stage.session.folder / "tasks" / "c1" / "session.md").read_text()
        assert "THE WHOLE FILE" in kept
        assert "THE WHOLE FILE" not in (stage.session.folder / "session.md").read_text()


async def test_every_event_of_a_sub_task_names_the_call_that_began_it(tmp_path: Path) -> None:
    inner = [Step("", (("read_file", {"path": "a.txt"}),)), Step("Read.")]
    async with staged(tmp_path, script([EXPLORE, Step("ok")], inner), files={"a.txt": "x\n"}) as stage:
        await stage.session.submit("go")
    events = stage.events()
    (asked,) = [e for e in events if e.type == "tool.requested" and e.call == "c1"]
    (finished,) = [e for e in events if e.type == "tool.finished" and e.call == "c1"]
    between = events[events.index(asked) + 1 : events.index(finished)]
    # The journal signs for what it holds whenever it is time: that belongs to no call.
    written = [e for e in between if e.type != "log.checkpoint"]
    strangers = [e.type for e in written if e.call != "c1" and e.parent != asked.id]
    assert strangers == []
    inside = {e.type for e in between if e.parent == asked.id}
    assert inside >= {
        "model.requested", "model.responded", "tool.requested", "policy.decided", "sandbox.applied",
        "exec.started", "exec.finished", "tool.finished",
    }  # fmt: skip
    (ended,) = payloads(events, SessionEnded)
    counted = [answer.input_tokens for answer in payloads(events, ModelResponded)]
    assert len(counted) == 4
    assert ended.input_tokens == sum(counted)


HOSTILE = Step(
    "",
    (
        ("run_command", {"command": "touch ran"}),
        ("write_file", {"path": "written", "content": "x"}),
        ("edit_file", {"path": "a.txt", "old": "x", "new": "y"}),
        ("apply_patch", {"patch": "*** Begin Patch\n*** Add File: patched\n+x\n*** End Patch"}),
        ("write_stdin", {"call": "c1", "text": "touch typed\n"}),
        ("delegate", {"task": "touch it for me"}),
        ("explore", {"question": "deeper?"}),
        ("continue_budget", {"why": "because"}),
        ("accept_changes", {}),
        ("grant_trust", {}),
    ),
)


async def test_a_hostile_explorer_can_do_nothing_but_read_though_the_human_says_yes_to_all(tmp_path: Path) -> None:
    files = {"a.txt": "x\n"}
    async with staged(tmp_path, script([EXPLORE, Step("ok")], [HOSTILE, Step("done")]), files=files) as stage:
        await stage.session.submit("go")
        told = told_inside(stage.model.requests)
        assert len(told) == len(HOSTILE.calls)
        assert all("There is no tool" in one for one in told)
        assert stage.human.asked == []
        assert [e for e in stage.events("exec.started") if str(e.call).startswith("c")] == []
        assert (await stage.session.changes()).files == ()
        assert sorted(path.name for path in stage.root.iterdir()) == [".vt-workspace-trust", "a.txt"]


def test_the_gate_of_an_explorer_denies_what_changes_anything_whatever_tools_it_is_given(tmp_path: Path) -> None:
    from tests.agent.stage import home_in

    situation = Situation(root=tmp_path, user_home=Path("/nonexistent"), staged=True, mode="build")
    judge = PolicyJudge(load_policy(home_in(tmp_path), None), situation, lambda rule: None)
    write = Call("c2", "write_file", {}, Access(writes=(FileState(tmp_path / "x", None),)), tmp_path)
    run = Call("c3", "run_command", {}, Access(command=Command(text="touch x")), tmp_path)
    assert judge.decide(write).mode == "allow"
    for call in (write, run, Call("c4", "delegate", {}, Access(), tmp_path)):
        assert ReadingJudge(judge).decide(call).mode == "deny"
    assert ReadingJudge(judge).decide(Call("c5", "list_files", {}, Access(), tmp_path)).mode == "allow"


async def test_a_hostile_delegate_is_held_by_the_gate_like_its_parent(tmp_path: Path) -> None:
    hostile = Step(
        "",
        (
            ("run_command", {"command": 'python3 -c \'open("x", "w")\''}),
            ("run_command", {"command": "sudo id"}),
            ("write_file", {"path": "../outside", "content": "x"}),
            ("write_file", {"path": ".vt-workspace-trust", "content": "x"}),
            ("delegate", {"task": "again"}),
        ),
    )
    steps = script([DELEGATE, Step("ok")], [hostile, Step("done")])
    async with staged(tmp_path, steps, human=Human(no)) as stage:
        trust = (stage.root / ".vt-workspace-trust").read_text()
        await stage.session.submit("go")
        told = told_inside(stage.model.requests)
        assert "declined" in told[0]
        assert "denied" in told[1]
        assert "leads out of the workspace" in told[2]
        assert "denied" in told[3]
        assert "There is no tool 'delegate'" in told[4]
        assert [r.call.id for r in stage.human.asked] == ["c2"]
        assert not (tmp_path / "outside").exists()
        assert (stage.root / ".vt-workspace-trust").read_text() == trust
        assert (await stage.session.changes()).files == ()


async def test_what_a_delegate_edits_waits_in_the_layer_for_the_human(tmp_path: Path) -> None:
    inner = [Step("", (("write_file", {"path": "new.txt", "content": "x\n"}),)), Step("Wrote it.")]
    async with staged(tmp_path, script([DELEGATE, Step("ok")], inner)) as stage:
        await stage.session.submit("go")
        assert [change.path for change in (await stage.session.changes()).files] == ["new.txt"]
        assert not (stage.root / "new.txt").exists()
        (asked,) = [e for e in stage.events("tool.requested") if e.call == "c1"]
        assert [e.parent for e in stage.events("file.changed")] == [asked.id]


async def test_in_plan_mode_a_delegate_is_asked_about_and_still_cannot_change_a_file(tmp_path: Path) -> None:
    inner = [Step("", (("write_file", {"path": "new.txt", "content": "x\n"}),)), Step("Wrote it.")]
    async with staged(tmp_path, script([DELEGATE, Step("ok")], inner), mode="plan") as stage:
        await stage.session.submit("go")
        assert [r.call.tool for r in stage.human.asked] == ["delegate"]
        assert "plan mode: nothing may change" in told_inside(stage.model.requests)[0]
        assert (await stage.session.changes()).files == ()


async def test_in_read_only_mode_there_is_no_delegate(tmp_path: Path) -> None:
    async with staged(tmp_path, [DELEGATE, Step("ok")], mode="read-only") as stage:
        await stage.session.submit("go")
        assert "There is no tool 'delegate'" in stage.told("c1")


async def test_the_human_can_take_rights_away_while_a_sub_task_works(tmp_path: Path) -> None:
    ready, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: Any) -> Any:
        from tests.agent.stage import yes

        ready.set()
        await go_on.wait()
        return await yes(request)

    inner = [
        Step("", (("run_command", {"command": "python3 -c 'print(1)'"}),)),
        Step("", (("write_file", {"path": "late.txt", "content": "x\n"}),)),
        Step("done"),
    ]
    async with staged(tmp_path, script([DELEGATE, Step("ok")], inner), human=Human(slowly)) as stage:
        running = asyncio.ensure_future(stage.session.submit("go"))
        await ready.wait()
        await stage.session.set_mode("read-only")
        go_on.set()
        await running
        assert "read-only mode: nothing may change" in told_inside(stage.model.requests)[-1]
        assert (await stage.session.changes()).files == ()


async def test_a_sub_task_cannot_type_into_a_run_of_its_parent(tmp_path: Path) -> None:
    outer = [
        Step("", (("run_command", {"argv": ["cat"], "wait_seconds": 0}),)),
        DELEGATE,
        Step("ok"),
    ]
    inner = [Step("", (("write_stdin", {"call": "c1", "text": "typed by the sub-task\n"}),)), Step("done")]
    async with staged(tmp_path, script(outer, inner)) as stage:
        await stage.session.submit("go")
        assert "There is no running command 'c1'" in told_inside(stage.model.requests)[0]
        assert list(stage.session._parts.calls.runs) == ["c1"]


async def test_what_a_sub_task_left_running_ends_with_it(tmp_path: Path) -> None:
    inner = [
        Step("", (("run_command", {"argv": ["sleep", "600"], "wait_seconds": 0}),)),
        Step("It runs."),
    ]
    async with staged(tmp_path, script([DELEGATE, Step("ok")], inner)) as stage:
        await stage.session.submit("go")
        assert stage.session._parts.calls.runs == {}
        assert "sub-task" in by_call(stage.events(), ExecFinished)["c2"].killed


async def test_an_interrupt_ends_a_sub_task_with_all_that_it_runs(tmp_path: Path) -> None:
    inner = [Step("", (("run_command", {"argv": ["sleep", "600"]}),)), Step("never")]
    async with staged(tmp_path, script([DELEGATE, Step("later")], inner)) as stage:
        running = asyncio.ensure_future(stage.session.submit("go"))
        await stage.until(lambda: any(getattr(e, "type", "") == "exec.started" for e in stage.heard))
        await stage.session.interrupt()
        await running
        assert stage.session.outcome == "interrupted"
        await stage.until(lambda: any(getattr(e, "type", "") == "exec.finished" for e in stage.heard))
        assert [e.call for e in stage.events("exec.finished")] == ["c2"]
        await stage.session.submit("go on")
        assert stage.session.last_answer == "later"
        assert "interrupted" in stage.told("c1")


async def test_the_number_of_sub_tasks_is_bounded_and_few_work_at_once(tmp_path: Path) -> None:
    many = Step("", tuple(("explore", {"question": f"{i}?"}) for i in range(MOST_IN_A_TURN + 2)))
    async with staged(tmp_path, script([many, Step("ok")], [Step("answer")])) as stage:
        await stage.session.submit("go")
        told = [stage.told(f"c{i}") for i in range(1, MOST_IN_A_TURN + 3)]
        assert sum("answer" in one for one in told) == MOST_IN_A_TURN
        assert sum("at most" in one for one in told) == 2
        inside = most = 0
        for event in stage.events("model."):
            inside += (event.parent is not None) * (1 if event.type == "model.requested" else -1)
            most = max(most, inside)
        assert 1 < most <= AT_ONCE


async def test_a_sub_task_that_goes_in_circles_ends_by_itself_and_nobody_is_asked(tmp_path: Path) -> None:
    inner = [Step("Looking again.", (("list_files", {}),))]
    async with staged(tmp_path, script([EXPLORE, Step("ok")], inner), files={"a": ""}) as stage:
        await stage.session.submit("go")
        assert stage.human.asked == []
        assert "did not finish: The model made the same call 4 times" in stage.told("c1")
        assert stage.session.outcome == "done"


async def test_what_a_sub_task_uses_counts_against_the_sessions_budget_and_the_human_is_asked(
    tmp_path: Path,
) -> None:
    from vtcode_tui.config.settings import Context

    inner = [Step("", (("read_file", {"path": "a"}),)), Step("", (("list_files", {}),)), Step("done")]
    budget = Context(session_token_budget=2500)
    async with staged(
        tmp_path, script([EXPLORE, Step("ok")], inner), files={"a": ""}, context=budget, human=Human(no)
    ) as stage:
        await stage.session.submit("go")
        assert [r.call.tool for r in stage.human.asked] == ["continue_budget"]
        assert "budget is used up" in payloads(stage.events(), ToolFinished)[-1].result
        assert stage.session.outcome == "stopped"
