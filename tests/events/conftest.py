"""A journal in a temporary folder, and a story to fill one with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from vtcode_tui.common.home import Home
from vtcode_tui.events import Actor, Journal, Payload
from vtcode_tui.events.types import (
    ApprovalGranted,
    ApprovalRequested,
    CheckRecord,
    ExecFinished,
    ExecOutput,
    ExecStarted,
    FileChanged,
    ModelReasoning,
    ModelRequested,
    ModelResponded,
    PolicyDecided,
    PromptSubmitted,
    SandboxApplied,
    SessionEnded,
    SessionStarted,
    ToolFinished,
    ToolRequested,
    ViolationDetected,
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    numbers = count()
    made = Journal.create(tmp_path / "s", "0197-session", ids=lambda: f"id-{next(numbers)}")
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.from_environment({"VTCODE_HOME": str(tmp_path / "home")})


STARTED = SessionStarted(
    vtcode="0.1.0",
    python="3.11",
    kernel="Linux 6.1",
    user="alice",
    uid=1000,
    host="box",
    pid=42,
    workspace="/home/alice/app",
    trusted=True,
    config_sha256=digest("config"),
    policy_sha256=digest("policy"),
    tier="full",
    model="demo/one",
)

HUMAN = Actor(kind="human", id="alice", auth="os-user")
MODEL = Actor(kind="model", id="demo/one")
POLICY = Actor(kind="policy", id="tool-policy.json")


def a_call(call: str) -> list[tuple[Payload, str | None, Actor | None]]:
    """What a call that a human approves leaves in the journal."""
    subject, shown, profile = digest(f"subject {call}"), digest(f"shown {call}"), digest("profile")
    return [
        (ModelRequested(provider="demo", model="one", endpoint="http://127.0.0.1:1/v1", messages=2), None, None),
        (ModelReasoning(text="The tests tell.", sha256=digest("The tests tell.")), None, MODEL),
        (
            ModelResponded(
                provider="demo",
                model="one",
                text="I run the tests.",
                finish="tool_use",
                input_tokens=9,
                output_tokens=4,
                duration_ms=12,
                tool_calls=(call,),
            ),
            None,
            MODEL,
        ),
        (
            ToolRequested(
                tool="run_command",
                arguments={"command": "pytest -q"},
                arguments_sha256=digest("a"),
                subject_sha256=subject,
                cwd="/home/alice/app",
            ),
            call,
            MODEL,
        ),
        (
            PolicyDecided(
                decision="prompt",
                rule="commands.pytest",
                reason="pytest runs code of the workspace",
                subject_sha256=subject,
                policy_sha256=digest("policy"),
                checks=(CheckRecord(name="argv", result="prompt", detail="pytest"),),
            ),
            call,
            POLICY,
        ),
        (
            ApprovalRequested(
                subject_sha256=subject, shown="pytest -q", shown_sha256=shown, risk="medium", reason="runs code"
            ),
            call,
            None,
        ),
        (ApprovalGranted(subject_sha256=subject, shown_sha256=shown, scope="once", wait_ms=1400), call, HUMAN),
        (
            SandboxApplied(
                tier="full",
                profile="build",
                profile_sha256=profile,
                read=("/usr",),
                write=("/home/alice/app",),
                limits={"wall_s": 600},
            ),
            call,
            None,
        ),
        (
            ExecStarted(
                argv=("pytest", "-q"),
                executable="/usr/bin/pytest",
                executable_sha256=digest("pytest"),
                cwd="/home/alice/app",
                environment_names=("PATH",),
                subject_sha256=subject,
                sandbox_sha256=profile,
                pid=77,
            ),
            call,
            None,
        ),
        (
            ExecOutput(
                offset=0, size=9, sha256=digest("1 passed\n"), recording=f"pty/{call}.cast", text="1 passed\n"
            ),
            call,
            None,
        ),
        (
            ExecFinished(pid=77, exit_code=0, duration_ms=800, output_bytes=9, output_sha256=digest("1 passed\n")),
            call,
            None,
        ),
        (
            FileChanged(
                path="app.py",
                op="update",
                staged=True,
                before_sha256=digest(f"before {call}"),
                after_sha256=digest(f"after {call}"),
                added=2,
                removed=1,
                diff="-a\n+b\n+c\n",
            ),
            call,
            None,
        ),
        (
            ViolationDetected(
                kind="path_escape",
                layer="landlock",
                detail="open /etc/shadow",
                action="blocked",
                technique_framework="ATT&CK",
                technique="T1003.008",
                technique_name="/etc/passwd and /etc/shadow",
            ),
            call,
            None,
        ),
        (
            ToolFinished(
                tool="run_command",
                status="ok",
                summary="exit 0",
                result="1 passed",
                result_sha256=digest("1 passed"),
            ),
            call,
            None,
        ),
    ]


def story(calls: int = 2) -> list[tuple[Payload, str | None, Actor | None]]:
    """A whole session."""
    text = "Please run the tests."
    events: list[tuple[Payload, str | None, Actor | None]] = [
        (STARTED, None, None),
        (PromptSubmitted(text=text, sha256=digest(text)), None, HUMAN),
    ]
    for number in range(calls):
        events += a_call(f"toolu_{number}")
    events.append((SessionEnded(reason="closed", turns=1, tools=calls, denied=0), None, None))
    return events


def write(journal: Journal, events: list[tuple[Payload, str | None, Actor | None]]) -> None:
    for payload, call, actor in events:
        if actor is None:
            journal.append(payload, turn=1, call=call)
        else:
            journal.append(payload, turn=1, call=call, actor=actor)


@pytest.fixture
def session(home: Home) -> Callable[..., Path]:
    """Makes the folder of a session that was told to its end and closed (or not)."""

    def make(name: str = "0197a000-0000-7000-8000-000000000001", *, calls: int = 2, close: bool = True) -> Path:
        folder = home.sessions / "2026" / "11" / "22" / name
        journal = Journal.create(folder, name)
        write(journal, story(calls))
        if close:
            journal.close()
        else:
            journal.abandon()
        return folder

    return make
