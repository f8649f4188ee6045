from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import Human, no, staged
from tests.agent.test_failover import session_with
from tests.llm.server import Reply, serving, sse
from tests.reading import payloads
from vtcode_tui.demo import Step
from vtcode_tui.events import read_events, verify
from vtcode_tui.events.live import Notice, TextDelta, TurnState
from vtcode_tui.events.types import ApprovalDenied, ApprovalGranted, PromptSubmitted, ToolFinished, ToolRequested
from vtcode_tui.llm import broken_pairs
from vtcode_tui.sessions import author_of, parse
from vtcode_tui.workspace import influencing

pytestmark = pytest.mark.kernel


async def test_a_prompt_is_answered_and_every_step_is_in_an_intact_journal(tmp_path: Path) -> None:
    steps = [Step("I look.", (("read_file", {"path": "a.txt"}),)), Step("It says **hello**.")]
    async with staged(tmp_path, steps, files={"a.txt": "hello\n"}) as stage:
        await stage.session.submit("what does a.txt say?")
        assert stage.session.outcome == "done"
        assert stage.session.last_answer == "It says **hello**."
        assert "1\thello" in stage.told("c1")
        assert "<untrusted" in stage.told("c1")
        streamed = "".join(one.text for one in stage.heard if isinstance(one, TextDelta))
        assert streamed == "I look.It says **hello**."
        folder = stage.session.folder
    types = [event.type for event in stage.events()]
    wanted = [
        "prompt.submitted", "model.requested", "model.responded", "tool.requested", "policy.decided",
        "sandbox.applied", "exec.started", "exec.finished", "tool.finished", "model.responded", "session.ended",
    ]  # fmt: skip
    places = [types.index(wanted[0])]
    for name in wanted[1:]:
        places.append(types.index(name, places[-1] + 1))
    assert verify(folder).state == "sealed"


async def test_bad_calls_each_give_the_model_one_clear_sentence(tmp_path: Path) -> None:
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("no_such_tool", {}),
        ("read_file", {}),
        ("read_file", {"path": "a", "extra": 1}),
        ("read_file", {"path": "../outside"}),
        ("read_file", {"path": "missing.txt"}),
        ("read_file", {"path": "binary"}),
        ("run_command", {"command": "", "argv": []}),
        ("apply_patch", {"patch": "nonsense"}),
    )
    async with staged(tmp_path, [Step("", calls), Step("sorry")], files={"missing.txtx": ""}) as stage:
        (stage.root / "binary").write_bytes(b"\x7fELF\0\0\0")
        await stage.session.submit("go")
        told = [stage.told(f"c{i}") for i in range(1, 9)]
        assert "no tool 'no_such_tool'" in told[0]
        assert "path is missing" in told[1]
        assert "extra is not an argument" in told[2]
        assert "leads out of the workspace" in told[3]
        assert "does not exist" in told[4]
        assert "missing.txtx" in told[4]
        assert "binary file of 7 bytes" in told[5]
        assert "command is empty" in told[6]
        assert told[7]
        assert stage.session.outcome == "done"
        assert not stage.events("exec.started")[2:]


@pytest.mark.parametrize("depth", [60, 400, 900, 20_000])
async def test_arguments_that_are_nested_without_end_are_refused_in_a_sentence_and_recorded(
    tmp_path: Path, depth: int
) -> None:
    arguments = f'{{"path": "a.py", "x": {"[" * depth}{"]" * depth}}}'
    piece = {"index": 0, "id": "x", "function": {"name": "read_file", "arguments": arguments}}
    calling = [{"delta": {"tool_calls": [piece]}}, {"delta": {}, "finish_reason": "tool_calls"}]
    answer = [{"delta": {"content": "sorry"}, "finish_reason": "stop"}]
    replies = [Reply(sse(*({"choices": [choice]} for choice in said))) for said in (calling, answer)]
    async with serving(*replies) as server, session_with(tmp_path, "openai-chat", server) as session:
        await session.submit("go")
        assert (session.outcome, session.last_answer) == ("done", "sorry")
        assert server.seen[1].body["messages"][-1]["content"].count("\n") <= 2
        events = list(read_events(session.folder))
    (asked,), (finished,) = payloads(events, ToolRequested), payloads(events, ToolFinished)
    assert finished.status == "invalid"
    assert "[" * 30 in json.dumps(asked.arguments)
    assert verify(session.folder).state == "sealed"


async def test_a_denied_call_never_starts_and_the_model_gets_the_reason(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": 'python3 -c \'open("x", "w")\''}),)), Step("ok")]
    async with staged(tmp_path, steps, human=Human(no)) as stage:
        await stage.session.submit("go")
        assert "declined" in stage.told("c1")
        assert "not today" in stage.told("c1")
        assert not stage.events("exec.started")
        assert payloads(stage.events(), ApprovalDenied)[0].outcome == "denied"
        assert not (stage.root / "x").exists()


async def test_several_approvals_wait_at_once_and_commands_still_run_in_order(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def both_first(request: object) -> object:
        from vtcode_tui.gate.types import ApprovalRequest, Verdict

        assert isinstance(request, ApprovalRequest)
        await release.wait()
        return Verdict("granted", request.shown_sha256)

    commands = tuple(("run_command", {"command": f"python3 -c 'print({i})'"}) for i in range(2))
    human = Human(both_first)  # type: ignore[arg-type]
    async with staged(tmp_path, [Step("", commands), Step("ok")], human=human) as stage:
        running = asyncio.ensure_future(stage.session.submit("go"))
        await stage.until(lambda: len(human.asked) == 2)
        assert any(isinstance(one, TurnState) and one.state == "waiting" for one in stage.heard)
        release.set()
        await running
        order = [
            (e.type, e.call) for e in stage.events("exec.") if e.type != "exec.output" and str(e.call)[0] == "c"
        ]
        assert order == [
            ("exec.started", "c1"), ("exec.finished", "c1"), ("exec.started", "c2"), ("exec.finished", "c2"),
        ]  # fmt: skip


async def test_calls_that_arrived_together_are_asked_about_in_the_order_they_were_written(tmp_path: Path) -> None:
    # What the first runs takes much longer to look at than what the second does.
    files = {"large.sh": f"#{'x' * (48 << 20)}\n", "small.sh": "true\n"}
    commands = tuple(("run_command", {"command": f"sh {name}"}) for name in files)
    calls = (("write_file", {"path": "new.txt", "content": "new"}), *commands, ("read_file", {"path": "small.sh"}))
    human = Human(no)
    async with staged(tmp_path, [Step("", calls), Step("ok")], human=human, files=files) as stage:
        await stage.session.submit("go")
        assert [event.call for event in stage.events("tool.requested")] == ["c1", "c2", "c3", "c4"]
        assert [request.call.arguments["command"] for request in human.asked] == ["sh large.sh", "sh small.sh"]
        assert [event.call for event in stage.events("approval.requested")] == ["c2", "c3"]


async def test_a_prompt_that_no_window_holds_is_not_summarised_away(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("ok")]) as stage:
        await stage.session.submit("a word of it " * 20_000)
        assert stage.session.outcome == "failed"
        assert not stage.model.requests and not stage.events("context.compacted")
        (said,) = [heard.text for heard in stage.heard if isinstance(heard, Notice) and heard.severity == "error"]
        assert "not sent" in said and "32,768" in said
        await stage.session.submit("a word")
        assert stage.session.last_answer == "ok"
        assert "a word of it" not in str(stage.model.requests)


async def test_an_interrupt_kills_the_run_and_the_session_goes_on(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": "python3 -c 'import time; time.sleep(600)'"}),)), Step("again")]
    async with staged(tmp_path, steps) as stage:
        running = asyncio.ensure_future(stage.session.submit("go"))
        await stage.until(lambda: any(getattr(e, "type", "") == "exec.started" for e in stage.heard))
        await stage.session.interrupt()
        await running
        assert stage.session.outcome == "interrupted"
        await stage.session.submit("go on")
        assert stage.session.last_answer == "again"
        assert "interrupted" in stage.told("c1")
        ended = [e for e in stage.events("exec.finished") if e.call == "c1"]
        assert len(ended) == 1
        assert payloads(stage.events(), ToolFinished)[0].status == "interrupted"


async def test_steering_reaches_the_model_with_the_next_results(tmp_path: Path) -> None:
    steps = [Step("", (("list_files", {}),)), Step("ok")]
    async with staged(tmp_path, steps) as stage:
        running = asyncio.ensure_future(stage.session.submit("go"))
        stage.session.steer("[prefer the short way]")
        await running
        assert "[prefer the short way]" in str(stage.model.requests[-1]["messages"])
        items = parse((stage.session.folder / "session.md").read_bytes()).items
        said = [item.body for item in items if item.role == "user" and author_of(item) == "steer"]
        assert said == ["[prefer the short way]"]


async def test_what_is_said_during_the_last_answer_of_a_turn_is_heard_in_that_turn(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("a long answer"), Step("ok, the short way")]) as stage:
        said: list[str] = []

        def say_it_once(one: object) -> None:
            if isinstance(one, TextDelta) and not said:
                said.append("[prefer the short way]")
                stage.session.steer(said[0])

        stage.session.subscribe(say_it_once)
        await stage.session.submit("go")
        assert "[prefer the short way]" in str(stage.model.requests[1]["messages"][-1])
        assert stage.session.last_answer == "ok, the short way"
        assert stage.session.turn == 1


async def test_what_was_said_to_a_turn_that_was_stopped_is_heard_with_the_next_prompt(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": "python3 -c 'import time; time.sleep(600)'"}),)), Step("ok")]
    async with staged(tmp_path, steps) as stage:
        running = asyncio.ensure_future(stage.session.submit("go"))
        await stage.until(lambda: any(getattr(e, "type", "") == "exec.started" for e in stage.heard))
        stage.session.steer("[prefer the short way]")
        await stage.session.interrupt()
        await running
        await stage.session.submit("go on")
        last = str(stage.model.requests[-1]["messages"][-1])
        assert "[prefer the short way]" in last and "go on" in last


async def test_a_prompt_while_a_turn_runs_is_queued(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("one"), Step("two")]) as stage:
        await asyncio.gather(stage.session.submit("first"), stage.session.submit("second"))
        said = [prompt.origin for prompt in payloads(stage.events(), PromptSubmitted)]
        assert said == ["exec", "queue"]
        assert stage.session.last_answer == "two"


async def test_a_model_that_goes_in_circles_is_asked_about_and_can_be_stopped(tmp_path: Path) -> None:
    def forever(body: object) -> Step:
        return Step("", (("list_files", {}),))

    async with staged(tmp_path, forever, human=Human(no)) as stage:
        await stage.session.submit("go")
        assert stage.session.outcome == "stopped"
        assert [r.call.tool for r in stage.human.asked] == ["continue_repetition"]
        assert broken_pairs(stage.session._parts.history.messages) == ()


async def test_a_model_that_goes_in_circles_goes_on_where_the_human_says_so(tmp_path: Path) -> None:
    steps = [Step("", (("list_files", {}),))] * 6 + [Step("found it")]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("go")
        assert [r.call.tool for r in stage.human.asked] == ["continue_repetition"]
        assert (stage.session.outcome, stage.session.last_answer) == ("done", "found it")


async def test_a_running_command_is_typed_into(tmp_path: Path) -> None:
    program = "name = input('who? '); print('hello ' + name)"
    steps = [
        Step("", (("run_command", {"argv": ["python3", "-c", program], "wait_seconds": 1}),)),
        Step("", (("write_stdin", {"call": "c1", "text": "bob\n", "wait_seconds": 20}),)),
        Step("", (("write_stdin", {"call": "c1", "wait_seconds": 20}),)),
        Step("ok"),
    ]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("go")
        assert "who?" in stage.told("c1")
        assert "Still running" in stage.told("c1")
        answered = stage.told("c2") + stage.told("c3")
        assert "hello bob" in answered


async def test_long_output_is_kept_whole_and_can_be_read_further(tmp_path: Path) -> None:
    command = "python3 -c \"print('\\n'.join(f'line {i:06}' for i in range(20000)))\""
    steps = [
        Step("", (("run_command", {"command": command}),)),
        Step("", (("read_output", {"call": "c1", "pattern": "line 010203"}),)),
        Step("ok"),
    ]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("go")
        told = stage.told("c1")
        assert len(told) < 12_000
        assert "line 000000" in told
        assert "line 019999" in told
        assert "left out" in told
        assert "line 010203" in stage.told("c2")


async def test_nothing_runs_where_nobody_has_trusted_the_folder(tmp_path: Path) -> None:
    steps = [Step("", (("list_files", {}), ("run_command", {"command": "ls"}))), Step("ok"), Step("ok")]
    async with staged(tmp_path, steps, trusted=False, files={"a": ""}) as stage:
        await stage.session.submit("go")
        assert not stage.events("exec.started")
        assert "trusted" in stage.told("c1")
        await stage.session.grant_trust(influencing(stage.root))
        assert stage.session.trusted
        assert await stage.session.find_files("a", 5)


async def test_the_humans_own_command_runs_and_the_model_hears_of_it(tmp_path: Path) -> None:
    from vtcode_tui.sandbox import TerminalSize

    async with staged(tmp_path, [Step("ok")]) as stage:
        await stage.session.shell("python3 -c 'print(6*7)'", TerminalSize(80, 24))
        await stage.session.submit("and now?")
        assert "42" in str(stage.model.requests[-1]["messages"])
        assert not stage.human.asked
        granted = payloads(stage.events(), ApprovalGranted)
        assert [it.via for it in granted] in ([], ["typed"])
        await stage.session.shell("cat ~/.ssh/id_rsa", TerminalSize(80, 24))
        assert payloads(stage.events(), ToolFinished)[-1].status == "denied"


async def test_a_model_that_cannot_be_reached_is_said_in_one_sentence_and_the_session_survives(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, [Step("ok")]) as stage:
        good = stage.session._chain
        await stage.session.submit("hello")
        assert stage.session.outcome == "done"
        assert good is not None
        from dataclasses import replace

        link = good.links[0]
        good.links = (replace(link, endpoint=replace(link.endpoint, base_url="http://127.0.0.1:9/v1")),)
        await stage.session.submit("hello?")
        assert stage.session.outcome == "failed"
        notices = [one.text for one in stage.heard if isinstance(one, Notice) and one.severity == "error"]
        assert len(notices) == 1
        assert stage.events("model.failed")


async def test_definitions_are_found_by_name_and_outlined(tmp_path: Path) -> None:
    files = {
        ".vt-workspace-trust": "x\n",
        "src/shapes.py": "class Circle:\n    def area(self):\n        return 3\n",
        "b.py": "x = 1\n",
    }
    steps = [Step("", (("symbols", {"query": "area"}), ("outline", {"path": "src/shapes.py"}))), Step("ok")]
    async with staged(tmp_path, steps, files=files) as stage:
        await stage.session.submit("go")
        assert "src/shapes.py:2" in stage.told("c1")
        assert "Circle" in stage.told("c2")
        assert await stage.session.find_files("shapes", 5) == ("src/shapes.py",)
        assert await stage.session.find_files("workspace-trust", 5) == ()
        assert not stage.human.asked


async def test_a_defect_of_ours_ends_the_turn_with_a_sentence_and_the_session_goes_on(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("", (("list_files", {}),)), Step("still here")]) as stage:
        reported: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        whole = stage.session._parts.calls.perform_all

        async def broken(uses: object, turn: int) -> Any:
            raise KeyError("a defect")

        stage.session._parts.calls.perform_all = broken  # type: ignore[method-assign]
        await stage.session.submit("go")
        assert stage.session.outcome == "failed"
        assert any(isinstance(one, Notice) and "defect" in one.text for one in stage.heard)
        assert reported
        stage.session._parts.calls.perform_all = whole  # type: ignore[method-assign]
        await stage.session.submit("and now?")
        assert stage.session.last_answer == "still here"
        assert broken_pairs(stage.session._parts.history.messages) == ()


async def test_text_typed_into_a_running_shell_is_judged_as_a_command(tmp_path: Path) -> None:
    steps = [
        Step("", (("run_command", {"argv": ["bash", "--norc"], "wait_seconds": 1}),)),
        Step("", (("write_stdin", {"call": "c1", "text": "sudo id\n", "wait_seconds": 1}),)),
        Step("", (("write_stdin", {"call": "c1", "text": "sudo id\n", "reader": "cat"}),)),
        Step("", (("write_stdin", {"call": "c1", "text": "echo ty''ped\n", "wait_seconds": 20}),)),
        Step("ok"),
    ]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("go")
        assert "Still running" in stage.told("c1")
        started = [e.call for e in stage.events("exec.started")]
        assert "privilege" in stage.told("c2").lower() or "denied" in stage.told("c2").lower()
        assert "reader" in stage.told("c3")
        assert "typed" in stage.told("c4")
        assert started == ["c1"]
