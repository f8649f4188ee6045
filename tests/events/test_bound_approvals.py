"""An approval's statement binds: with any one thing of it changed, the journal that holds it does not verify."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.gate.test_signing import make_key, request, signers_file
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Approvals
from vtcode_tui.events import Actor, Journal, Report, verify
from vtcode_tui.events.approvals import check_approvals
from vtcode_tui.events.sshsig import NAMESPACE
from vtcode_tui.events.types import (
    ApprovalGranted,
    ApprovalRequested,
    ModelReasoning,
    PolicyDecided,
    SessionStarted,
)
from vtcode_tui.gate.signing import ApprovalSigner, FileKey
from vtcode_tui.gate.types import Verdict

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed here")

SUBJECT, SHOWN, POLICY = "a" * 64, "b" * 64, "c" * 64
STARTED = SessionStarted(
    vtcode="1", python="3", kernel="6", user="u", uid=1, host="h", pid=1, workspace="/w", trusted=True,
    config_sha256="", policy_sha256=POLICY, tier="full",
)  # fmt: skip
PROMPT = PolicyDecided(decision="prompt", rule="r", reason="", subject_sha256=SUBJECT, policy_sha256=POLICY)
ASKED = ApprovalRequested(subject_sha256=SUBJECT, shown="ls", shown_sha256=SHOWN, risk="medium", reason="")
Level = Literal["os-user", "ssh-key"]


def ask(journal: Journal, call: str) -> None:
    """What comes before an approval."""
    journal.append(PROMPT, call=call)
    journal.append(ASKED, call=call)


@dataclass
class Desk:
    """A journal in which a real signer's approvals are entered, after `forge` had its hands on the statement."""

    home: Home
    key: Path
    level: Level

    @property
    def folder(self) -> Path:
        return self.home.sessions / "2026" / "01" / "01" / "s1"

    def approved(self, forge: Callable[[dict[str, str]], object], *, again: bool, times: int = 1) -> Report:
        """Write it and verify it. With `again` the forged statement is signed by the same key."""
        journal = self.opened()
        for number in range(1, times + 1):
            call = f"toolu_{number}"
            text, signature = self.signed(journal, call)
            said = json.loads(text)
            forge(said)
            forged = json.dumps(said, separators=(",", ":"))
            if signature and again:
                signature = self.ssh_keygen(forged)
            granted = ApprovalGranted(
                subject_sha256=SUBJECT, shown_sha256=SHOWN, scope="once", statement=forged, signature=signature
            )
            journal.append(granted, call=call, actor=Actor(kind="human", id="alice", auth=self.level))
        journal.close()
        return verify(self.folder)

    def opened(self) -> Journal:
        journal = Journal.create(self.folder, "s1")
        journal.append(STARTED)
        return journal

    def signed(self, journal: Journal, call: str) -> tuple[str, str]:
        """Ask about a call, and the statement and signature of its approval."""
        ask(journal, call)
        settings = Approvals(signing=self.level)
        source = FileKey(self.key) if self.level == "ssh-key" else None
        sign = ApprovalSigner(session="s1", head=lambda: journal.head, settings=settings, source=source)
        return asyncio.run(sign(request(call=call), Verdict("granted", shown_sha256=SHOWN), POLICY))

    def ssh_keygen(self, text: str) -> str:
        signing = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.key), "-n", NAMESPACE]
        return subprocess.run(signing, input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=["os-user", "ssh-key"])
def desk(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> Desk:
    return Desk(home, make_key(tmp_path), request.param)


@pytest.mark.parametrize("again", [False, True])
def test_what_the_signer_made_verifies(desk: Desk, tmp_path: Path, again: bool) -> None:
    report = desk.approved(lambda said: None, again=again, times=3)
    assert (report.state, report.problems) == ("sealed", ())
    assert check_approvals(report, signers_file(tmp_path, desk.key)).problems == ()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("session", "another", "about something else: session"),
        ("call", "toolu_9", "about something else: call"),
        ("scope", "always", "about something else: scope"),
        ("rule", "everything", "about something else: rule"),
        ("decision", "denied", "about something else: decision"),
        ("subject_sha256", "d" * 64, "about something else: subject_sha256"),
        ("shown_sha256", "d" * 64, "about something else: shown_sha256"),
        ("policy_sha256", "d" * 64, "about something else: policy_sha256"),
        ("nonce", "the same", "whose nonce was used before"),
        ("prev", "d" * 64, "another state of the journal"),
    ],
)
@pytest.mark.parametrize("again", [False, True])
def test_a_statement_with_one_thing_changed_is_tampering(
    desk: Desk, field: str, value: str, named: str, again: bool
) -> None:
    report = desk.approved(lambda said: said.update({field: value}), again=again, times=2)
    assert (report.exit_status, report.layer) == (5, "meaning")
    if again or desk.level == "os-user" or "something else" in named:
        assert named in " ".join(problem.text for problem in report.problems)
    else:
        assert "does not belong to its statement" in report.problems[0].text


@pytest.mark.parametrize(
    "field", ["session", "call", "subject_sha256", "shown_sha256", "policy_sha256", "nonce", "prev"]
)
def test_a_statement_with_one_thing_left_out_is_tampering(desk: Desk, field: str) -> None:
    report = desk.approved(lambda said: said.pop(field), again=True)
    assert (report.exit_status, report.layer) == (5, "meaning")
    assert "cannot be read" in report.problems[0].text


def test_what_other_calls_record_while_a_key_waits_to_be_touched_is_no_tampering(
    home: Home, tmp_path: Path
) -> None:
    desk = Desk(home, make_key(tmp_path), "os-user")
    journal = desk.opened()
    text, _ = desk.signed(journal, "toolu_1")
    for number in range(3):
        journal.append(ModelReasoning(text=f"thought {number}", sha256=SUBJECT))
    granted = ApprovalGranted(subject_sha256=SUBJECT, shown_sha256=SHOWN, scope="once", statement=text)
    journal.append(granted, call="toolu_1", actor=Actor(kind="human", id="alice", auth="os-user"))
    assert verify(desk.folder).problems == ()
    later = json.dumps(json.loads(text) | {"nonce": "fresh", "call": "toolu_2", "prev": "f" * 64})
    ask(journal, "toolu_2")
    granted = granted.model_copy(update={"statement": later})
    journal.append(granted, call="toolu_2", actor=Actor(kind="human", id="alice", auth="os-user"))
    journal.close()
    report = verify(desk.folder)
    assert (report.exit_status, report.layer) == (5, "meaning")
    assert "another state of the journal" in report.problems[0].text


def test_a_level_that_the_signature_does_not_have_is_not_believed(home: Home, tmp_path: Path) -> None:
    desk = Desk(home, make_key(tmp_path), "ssh-key")
    journal = desk.opened()
    text, signature = desk.signed(journal, "toolu_1")
    granted = ApprovalGranted(
        subject_sha256=SUBJECT, shown_sha256=SHOWN, scope="once", statement=text, signature=signature
    )
    journal.append(granted, call="toolu_1", actor=Actor(kind="human", id="alice", auth="sk-touch"))
    journal.close()
    report = verify(desk.folder)
    assert (report.exit_status, report.layer) == (5, "meaning")
    assert "claims the level sk-touch and is signed at ssh-key" in report.problems[0].text
