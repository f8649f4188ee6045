"""Who approved: a level that the configuration demands holds for every way in which a human can say yes."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import Human, staged
from tests.gate.test_signing import make_key, signers_file
from tests.reading import payloads
from vtcode_tui.cli import main
from vtcode_tui.config.settings import Approvals
from vtcode_tui.demo import Step
from vtcode_tui.events import verify
from vtcode_tui.events.approvals import check_approvals
from vtcode_tui.events.sshsig import NAMESPACE
from vtcode_tui.events.types import ApprovalDenied
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.sandbox import TerminalSize

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed here"),
]

RUN = Step("", (("run_command", {"command": 'python3 -c \'open("made", "w")\''}),))
TYPED = 'python3 -c \'open("typed", "w")\''


def demanding(key: Path, level: str) -> Approvals:
    every = dict.fromkeys(("low", "medium", "high"), level)
    return Approvals.model_validate({"signing": "ssh-key", "signing_key": str(key), "require": every})


async def test_what_was_approved_and_what_was_typed_is_signed_and_ssh_keygen_says_so(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    human = Human()
    async with staged(tmp_path, [RUN, Step("ok")], human=human, approvals=demanding(key, "ssh-key")) as stage:
        await stage.session.submit("go")
        await stage.session.shell(TYPED, TerminalSize(80, 24))
    granted: list[Any] = stage.events("approval.granted")
    assert {event.data.via for event in granted} == {human_via(human), "typed"}
    signers = signers_file(tmp_path, key)
    for event in granted:
        assert event.actor.auth == "ssh-key"
        signature = tmp_path / "approval.sig"
        signature.write_text(event.data.signature)
        command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "alice@corp", "-n", NAMESPACE]
        done = subprocess.run(
            [*command, "-s", str(signature)], input=event.data.statement.encode(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
    report = check_approvals(verify(stage.session.folder), signers)
    assert (report.state, report.problems) == ("sealed", ())
    assert sum("approved by alice@corp at level ssh-key" in note for note in report.notes) == len(granted)
    verify_with = ["audit", "verify", str(stage.session.folder), "--allowed-signers"]
    assert main([*verify_with, str(signers)]) == 0
    other = tmp_path / "other"
    other.mkdir()
    assert main([*verify_with, str(signers_file(other, make_key(other)))]) == 5


def human_via(human: Human) -> str:
    return Verdict("granted", human.asked[0].shown_sha256).via


async def test_a_level_that_cannot_be_had_lets_nothing_run_and_writes_no_rule(tmp_path: Path) -> None:
    key = make_key(tmp_path)

    async def always(request: ApprovalRequest) -> Verdict:
        scope = request.scopes[0] if request.scopes else None
        verdict = Verdict("granted", request.shown_sha256)
        return verdict if scope is None else replace(verdict, scope="always", rule=scope)

    human = Human(always)
    async with staged(tmp_path, [RUN, Step("ok")], human=human, approvals=demanding(key, "sk-touch")) as stage:
        await stage.session.submit("go")
        await stage.session.shell(TYPED, TerminalSize(80, 24))
        assert not stage.events("approval.granted")
        assert {denied.outcome for denied in payloads(stage.events(), ApprovalDenied)} == {"void"}
        started: list[Any] = stage.events("exec.started")
        assert not [event for event in started if "python3" in " ".join(event.data.argv)]
    assert len(human.asked) == 1
    assert not list(stage.home.config.rglob("tool-policy.json"))
    assert verify(stage.session.folder).problems == ()
