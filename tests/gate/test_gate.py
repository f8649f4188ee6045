"""The gate through the real agent, policy, journal and sandbox; only the human's answers are made up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import Human, Stage, staged, yes
from tests.reading import payloads
from vtcode_tui.config.settings import Approvals
from vtcode_tui.demo import Step
from vtcode_tui.events import verify
from vtcode_tui.events.types import ApprovalDenied, ApprovalGranted, PolicyDecided
from vtcode_tui.gate.types import ApprovalRequest, Verdict

pytestmark = pytest.mark.kernel

SCRIPT = {"tool.py": "print('ran the tool')\n"}
RUN = Step("", (("run_command", {"command": "python3 tool.py"}),))


def _outcomes(stage: Stage) -> list[Any]:
    return [denied.outcome for denied in payloads(stage.events(), ApprovalDenied)]


async def test_what_is_shown_holds_every_byte_the_programs_and_the_code(tmp_path: Path) -> None:
    command = "python3 tool.py 'a\u202eb\x07' # " + "x" * 3000 + " end"
    steps = [Step("", (("run_command", {"command": command}),)), Step("ok")]
    async with staged(tmp_path, steps, files=SCRIPT) as stage:
        await stage.session.submit("go")
        shown = stage.human.asked[0].shown
        assert "\u202e" not in shown
        assert "\x07" not in shown
        assert "U+202E" in shown
        assert "x" * 15 in shown
        assert shown.count("\n") < 20
        assert " end" in shown
        assert "tool.py" in shown
        assert "/python3" in shown
        granted = payloads(stage.events(), ApprovalGranted)[0]
        assert granted.shown_sha256 == stage.human.asked[0].shown_sha256


async def test_the_human_is_shown_the_explanation_that_the_journal_keeps(tmp_path: Path) -> None:
    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT) as stage:
        await stage.session.submit("go")
        shown: Any = stage.human.asked[0].decision.explanation
        assert shown["commands"][0]["program"].startswith("python3") and shown["changes"]
        kept = [d for d in payloads(stage.events(), PolicyDecided) if d.decision == "prompt"]
        assert kept[0].explanation == json.loads(json.dumps(shown))


async def test_approve_a_run_b_is_impossible(tmp_path: Path) -> None:
    async def swaps(request: ApprovalRequest) -> Verdict:
        (tmp_path / "ws" / "tool.py").write_text("print('something else')\n")
        return await yes(request)

    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, human=Human(swaps)) as stage:
        await stage.session.submit("go")
        assert "tool.py changed while" in stage.told("c1")
        assert _outcomes(stage) == ["void"]
        assert not [e for e in stage.events("exec.started") if e.call == "c1"]


async def test_an_answer_to_another_question_grants_nothing(tmp_path: Path) -> None:
    async def wrong(request: ApprovalRequest) -> Verdict:
        return Verdict("granted", "0" * 64)

    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, human=Human(wrong)) as stage:
        await stage.session.submit("go")
        assert _outcomes(stage) == ["void"]
        assert not [e for e in stage.events("exec.started") if e.call == "c1"]


async def test_once_means_once(tmp_path: Path) -> None:
    async with staged(tmp_path, [RUN, RUN, Step("ok")], files=SCRIPT) as stage:
        await stage.session.submit("go")
        assert [r.call.id for r in stage.human.asked] == ["c1", "c2"]


async def test_a_rule_for_the_session_is_evaluated_anew_and_covers_no_more(tmp_path: Path) -> None:
    async def session(request: ApprovalRequest) -> Verdict:
        return Verdict("granted", request.shown_sha256, scope="session", rule=request.scopes[0])

    other = Step("", (("run_command", {"command": "python3 other.py"}),))
    files = {**SCRIPT, "other.py": "print('other')\n"}
    async with staged(tmp_path, [RUN, RUN, other, Step("ok")], files=files, human=Human(session)) as stage:
        await stage.session.submit("go")
        assert [r.call.id for r in stage.human.asked] == ["c1", "c3"]
        assert "ran the tool" in stage.told("c2")
        assert not (stage.home.policy_file).exists()


async def test_an_edited_command_passes_the_whole_gate_as_the_humans(tmp_path: Path) -> None:
    async def edits(request: ApprovalRequest) -> Verdict:
        return Verdict("granted", request.shown_sha256, edited="echo instead")

    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, human=Human(edits)) as stage:
        await stage.session.submit("go")
        assert "instead" in stage.told("c1")
        assert "human changed the command" in stage.told("c1")
        assert len(stage.human.asked) == 1


async def test_an_edit_into_something_forbidden_is_denied(tmp_path: Path) -> None:
    async def edits(request: ApprovalRequest) -> Verdict:
        return Verdict("granted", request.shown_sha256, edited="cat /etc/shadow")

    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, human=Human(edits)) as stage:
        await stage.session.submit("go")
        assert "[denied]" in stage.told("c1")
        assert not [e for e in stage.events("exec.started") if e.call == "c1"]


async def test_an_approver_that_fails_counts_as_nobody(tmp_path: Path) -> None:
    async def breaks(request: ApprovalRequest) -> Verdict:
        raise RuntimeError("the screen is on fire")

    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, human=Human(breaks)) as stage:
        await stage.session.submit("go")
        assert _outcomes(stage) == ["unattended"]
        assert "nobody is there" in stage.told("c1")


async def test_expired_is_neither_a_no_nor_nobody(tmp_path: Path) -> None:
    async def sleeps(request: ApprovalRequest) -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError

    settings = Approvals(expire_seconds=0.2)
    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, human=Human(sleeps), approvals=settings) as stage:
        await stage.session.submit("go")
        assert _outcomes(stage) == ["expired"]
        assert "[expired]" in stage.told("c1")


async def test_a_journal_that_cannot_be_written_stops_everything(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": "touch made"}),)), Step("ok")]
    async with staged(tmp_path, steps) as stage:
        journal = stage.session._parts.bus.journal
        whole = journal.extend

        def broken(payloads: Any, **more: Any) -> Any:
            if any(payload.TYPE == "sandbox.applied" for payload in payloads):
                journal._fail("test", OSError(5, "Input/output error"))
                assert journal._failure is not None
                raise journal._failure
            return whole(payloads, **more)

        journal.extend = broken  # type: ignore[method-assign]
        await stage.session.submit("go")
        assert stage.session.outcome == "failed"
        upper = stage.home.layers / stage.session.session / "upper" / "made"
        assert not upper.exists()
        assert not (stage.root / "made").exists()
        assert not stage.events("exec.started")
        with pytest.raises(Exception, match="cannot be written"):
            await stage.session.close("test")


async def test_a_grant_is_good_for_one_run(tmp_path: Path) -> None:
    from vtcode_tui.common.errors import SandboxError
    from vtcode_tui.gate.plan import Plan
    from vtcode_tui.sandbox.grant import Grant

    async with staged(tmp_path, [Step("ok")]) as stage:
        calls = stage.session._parts.calls
        plan: Plan = calls.command("h9", "echo hi", stage.root)
        grant = await stage.session._parts.gate.admit(plan)
        assert isinstance(grant, Grant)
        run = await calls.start(grant, 0, None, plan.call.access)
        await run.wait()
        with pytest.raises(SandboxError, match="one run"):
            await calls.start(grant, 0, None, plan.call.access)
        late = replace(grant, nonce="other", expires_ns=0)
        with pytest.raises(SandboxError, match="too old"):
            await calls.start(late, 0, None, plan.call.access)
    assert verify(stage.session.folder).state == "sealed"


async def test_a_program_is_looked_for_only_where_a_run_can_see_it(tmp_path: Path) -> None:
    hidden = tmp_path / "bin"
    hidden.mkdir()
    (hidden / "python3").write_text("#!/bin/sh\necho not me\n")
    (hidden / "python3").chmod(0o755)
    more = {"PATH": f"{hidden}:/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, environ=more) as stage:
        await stage.session.submit("go")
        assert "ran the tool" in stage.told("c1")
        assert str(hidden) not in stage.human.asked[0].shown


async def test_a_secret_in_the_rule_of_an_approval_is_not_kept_in_its_statement(tmp_path: Path) -> None:
    secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    named: list[str] = []

    async def session(request: ApprovalRequest) -> Verdict:
        rule = replace(request.scopes[0], text=f"python3 tool.py --token {secret}")
        named.append(rule.text)
        return Verdict("granted", request.shown_sha256, scope="session", rule=rule)

    async with staged(tmp_path, [RUN, Step("ok")], files=SCRIPT, human=Human(session)) as stage:
        await stage.session.submit("go")
        assert secret in named[0]
        (granted,) = payloads(stage.events(), ApprovalGranted)
        assert secret not in granted.statement
        assert "‹redacted:" in json.loads(granted.statement)["rule"]
        folder = stage.session.folder
    assert verify(folder).state == "sealed"


async def test_an_approval_names_the_rules_that_its_call_was_decided_by(tmp_path: Path) -> None:
    """Also when the answer to another call, given meanwhile, has written a rule."""
    both = Step("", (("run_command", {"command": "python3 tool.py"}), ("run_command", {"command": "python3 b.py"})))
    asked = asyncio.Event()

    async def answers(request: ApprovalRequest) -> Verdict:
        if request.call.id == "c1":
            await asked.wait()
            return Verdict("granted", request.shown_sha256, scope="session", rule=request.scopes[0])
        asked.set()
        # What runs has been approved, and the rule of that approval is in force.
        await stage.until(lambda: any(event.call == "c1" for event in stage.events("exec.started")))
        return await yes(request)

    async with staged(tmp_path, [both, Step("ok")], files={**SCRIPT, "b.py": ""}, human=Human(answers)) as stage:
        await stage.session.submit("go")
        (decided,) = {
            one.policy_sha256 for one in payloads(stage.events(), PolicyDecided) if one.decision == "prompt"
        }
        statements = [json.loads(one.statement) for one in payloads(stage.events(), ApprovalGranted)]
        assert [(said["call"], said["policy_sha256"]) for said in statements] == [("c1", decided), ("c2", decided)]
        folder = stage.session.folder
    assert verify(folder).state == "sealed"
