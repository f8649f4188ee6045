"""What a true journal cannot say, although its chain is whole and its checkpoints are signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vtcode_tui.common.home import Home
from vtcode_tui.events import Actor, Journal, Payload, verify
from vtcode_tui.events.types import (
    SYSTEM,
    ApprovalGranted,
    ApprovalRequested,
    Checkpoint,
    ExecFinished,
    ExecStarted,
    FileChanged,
    PolicyDecided,
    SandboxApplied,
    SessionStarted,
)

A, B = "a" * 64, "b" * 64
HUMAN = Actor(kind="human", id="alice", auth="os-user")
STARTED = SessionStarted(
    vtcode="1", python="3", kernel="6", user="u", uid=1, host="h", pid=1, workspace="/w", trusted=True,
    config_sha256=A, policy_sha256=A, tier="full",
)  # fmt: skip
ALLOWED = PolicyDecided(decision="allow", rule="r", reason="", subject_sha256=A, policy_sha256=A)
PROMPT = PolicyDecided(decision="prompt", rule="r", reason="", subject_sha256=A, policy_sha256=A)
DENIED = PolicyDecided(decision="deny", rule="r", reason="", subject_sha256=A, policy_sha256=A)
ASKED = ApprovalRequested(subject_sha256=A, shown="ls", shown_sha256=B, risk="low", reason="")
GRANTED = ApprovalGranted(subject_sha256=A, shown_sha256=B, scope="once")
TYPED = ApprovalGranted(subject_sha256=A, shown_sha256="", scope="once", via="typed")
BOX = SandboxApplied(tier="full", profile="p", profile_sha256=B)
START = ExecStarted(argv=("ls",), executable="/bin/ls", cwd="/", subject_sha256=A, sandbox_sha256=B)
END = ExecFinished(exit_code=0, duration_ms=1)


@pytest.fixture
def judged(home: Home) -> Callable[..., list[str]]:
    def judge(*payloads: Payload, actor: Actor = SYSTEM) -> list[str]:
        folder: Path = home.sessions / "2026" / "01" / "01" / "s1"
        journal = Journal.create(folder, "s1")
        journal.append(STARTED)
        for payload in payloads:
            journal.append(payload, call="c", actor=actor if isinstance(payload, ApprovalGranted) else SYSTEM)
        journal.close()
        report = verify(folder)
        assert all(problem.layer == "meaning" for problem in report.problems)
        assert report.exit_status == (5 if report.problems else 0)
        return [problem.text for problem in report.problems]

    return judge


@pytest.mark.parametrize(
    "events",
    [
        (ALLOWED, BOX, START, END),
        (PROMPT, ASKED, GRANTED, BOX, START, END),
        (DENIED,),
    ],
)
def test_an_orderly_session_makes_sense(judged: Callable[..., list[str]], events: tuple[Payload, ...]) -> None:
    assert judged(*events) == []


def test_what_a_human_typed_was_approved_by_typing(judged: Callable[..., list[str]]) -> None:
    assert judged(PROMPT, TYPED, BOX, START, END, actor=HUMAN) == []


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((BOX, START, END), "neither a decision nor an approval"),
        ((PROMPT, BOX, START, END), "neither a decision nor an approval"),
        ((PROMPT, ASKED, BOX, START, END), "neither a decision nor an approval"),
        ((ALLOWED, DENIED, BOX, START, END), "neither a decision nor an approval"),
        ((ALLOWED, START, END), "before its sandbox"),
        ((ALLOWED, START, BOX, END), "before its sandbox"),
        ((ALLOWED, BOX, START, END, BOX, START, END), "a second time"),
        ((GRANTED,), "never asked"),
        ((TYPED,), "never asked"),
        ((ASKED, GRANTED.model_copy(update={"shown_sha256": A})), "something else than what was shown"),
        ((DENIED, ASKED, GRANTED), "the policy denies"),
        ((END,), "never started"),
    ],
)
def test_what_cannot_have_happened_is_named(
    judged: Callable[..., list[str]], events: tuple[Payload, ...], said: str
) -> None:
    assert any(said in text for text in judged(*events))


def test_an_approval_of_another_call_is_none(home: Home) -> None:
    folder = home.sessions / "2026" / "01" / "01" / "s1"
    journal = Journal.create(folder, "s1")
    journal.append(STARTED)
    journal.append(ALLOWED, call="one")
    journal.append(BOX, call="two")
    journal.append(START, call="two")
    journal.close()
    assert verify(folder).exit_status == 5


def test_a_file_that_something_else_changed_is_a_note_and_no_accusation(home: Home) -> None:
    folder = home.sessions / "2026" / "01" / "01" / "s1"
    journal = Journal.create(folder, "s1")
    journal.append(STARTED)
    journal.append(FileChanged(path="a", op="update", staged=False, before_sha256="", after_sha256=A))
    journal.append(FileChanged(path="a", op="update", staged=False, before_sha256=B, after_sha256=A))
    journal.close()
    report = verify(folder)
    assert report.state == "sealed"
    assert "changed by something else" in report.notes[0]


def test_a_made_up_checkpoint_event_is_not_believed(home: Home) -> None:
    folder = home.sessions / "2026" / "01" / "01" / "s1"
    journal = Journal.create(folder, "s1")
    journal.append(STARTED)
    journal.append(Checkpoint(kind="final", size=1, head=journal.head, note="no note"))
    journal.abandon()
    assert verify(folder).layer == "checkpoint"
