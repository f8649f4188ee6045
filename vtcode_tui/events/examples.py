"""One event of every type: what the documentation shows and what every export is tested with."""

from __future__ import annotations

import hashlib

from vtcode_tui.events import types as t
from vtcode_tui.events.envelope import Actor, Event, Payload
from vtcode_tui.events.lines import GENESIS, line_of


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_SUBJECT, _SHOWN, _PROFILE, _POLICY = (_digest(word) for word in ("subject", "shown", "profile", "policy"))
_HUMAN = Actor(kind="human", id="alice:1000", auth="os-user")
_MODEL = Actor(kind="model", id="anthropic/claude")
_RULES = Actor(kind="policy", id="policy")
_NOTE = "vtcode/0197\n17\nq83v...\n\n\N{EM DASH} vtcode/0197 Zm9v...\n"

EXAMPLES: tuple[tuple[Payload, str | None, Actor], ...] = (
    (
        t.SessionStarted(
            vtcode="0.1.0",
            python="3.11.7",
            kernel="Linux 6.1.0",
            user="alice",
            uid=1000,
            host="box",
            pid=4711,
            workspace="/home/alice/app",
            trusted=True,
            config_sha256=_digest("config"),
            policy_sha256=_POLICY,
            tier="full",
            model="anthropic/claude",
            log_key="RWRnZW...=",
            root_head=_digest("root"),
            instructions={"AGENTS.md": _digest("agents")},
            prompt_version="1",
        ),
        None,
        t.SYSTEM,
    ),
    (t.SessionResumed(from_session="0197a000-0000-7000-8000-000000000001", from_seq=211), None, _HUMAN),
    (t.SessionForked(from_session="0197a000-0000-7000-8000-000000000001", from_seq=40), None, _HUMAN),
    (t.SessionRewound(to_seq=40, snapshot="4b825dc6"), None, _HUMAN),
    (t.PromptSubmitted(text="Make the tests pass.", sha256=_digest("Make the tests pass.")), None, _HUMAN),
    (
        t.ModelRequested(
            provider="anthropic",
            model="claude",
            endpoint="https://api.anthropic.com/v1/messages",
            messages=3,
            prefix_sha256=_digest("prefix"),
            estimated_tokens=5210,
        ),
        None,
        t.SYSTEM,
    ),
    (t.ModelReasoning(text="A test fails; I look at it.", sha256=_digest("reasoning")), None, _MODEL),
    (
        t.ModelResponded(
            provider="anthropic",
            model="claude",
            text="I run the tests.",
            finish="tool_use",
            response_id="msg_01",
            input_tokens=5190,
            output_tokens=74,
            cache_read_tokens=4800,
            first_byte_ms=420,
            duration_ms=1830,
            cost_usd=0.0041,
            tool_calls=("toolu_01",),
        ),
        None,
        _MODEL,
    ),
    (
        t.ModelPartial(
            provider="anthropic",
            model="claude",
            text="The tests pass, so I",
            reasoning="All green; what is left is the",
            sha256=_digest("The tests pass, so I"),
            reason="stopped by the person",
            kept=True,
        ),
        None,
        _MODEL,
    ),
    (
        t.ModelFailed(
            provider="anthropic", model="claude", kind="overloaded", message="The provider is overloaded (529)."
        ),
        None,
        t.SYSTEM,
    ),
    (
        t.ModelFailover(
            from_provider="anthropic",
            from_model="claude",
            to_provider="local",
            to_model="qwen",
            reason="overloaded",
            attempts=3,
            dropped=("reasoning signature",),
            partial_output_discarded=True,
        ),
        None,
        t.SYSTEM,
    ),
    (
        t.ToolRequested(
            tool="run_command",
            arguments={"command": "pytest -q"},
            arguments_sha256=_digest("arguments"),
            subject_sha256=_SUBJECT,
            cwd="/home/alice/app",
        ),
        "toolu_01",
        _MODEL,
    ),
    (
        t.PolicyDecided(
            decision="prompt",
            rule="commands.pytest",
            reason="pytest runs code of the workspace.",
            layer="argv",
            subject_sha256=_SUBJECT,
            policy_sha256=_POLICY,
            checks=(
                t.CheckRecord(name="argv", result="prompt", detail="pytest"),
                t.CheckRecord(name="path", result="allow"),
            ),
        ),
        "toolu_01",
        _RULES,
    ),
    (
        t.ApprovalRequested(
            subject_sha256=_SUBJECT,
            shown="pytest -q",
            shown_sha256=_SHOWN,
            risk="medium",
            reason="pytest runs code of the workspace.",
            options=("pytest",),
            expires_s=600,
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ApprovalGranted(
            subject_sha256=_SUBJECT,
            shown_sha256=_SHOWN,
            scope="session",
            rule="pytest ...",
            wait_ms=2140,
            statement='{"v":1,"decision":"granted","session":"...",...}',
            signature="-----BEGIN SSH SIGNATURE-----\nU1NIU0lH...\n-----END SSH SIGNATURE-----\n",
        ),
        "toolu_01",
        Actor(kind="human", id="alice:1000", auth="ssh-key"),
    ),
    (
        t.ApprovalDenied(outcome="denied", subject_sha256=_SUBJECT, reason="Not in this folder.", wait_ms=900),
        "toolu_02",
        _HUMAN,
    ),
    (
        t.SandboxApplied(
            tier="full",
            profile="build",
            profile_sha256=_PROFILE,
            read=("/usr", "/lib"),
            write=("/home/alice/app",),
            limits={"wall_seconds": 600, "processes": 2048},
            landlock_abi=4,
            seccomp_sha256=_digest("filter"),
            staged=True,
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ExecStarted(
            argv=("pytest", "-q"),
            executable="/usr/bin/pytest",
            executable_sha256=_digest("pytest"),
            cwd="/home/alice/app",
            environment_names=("HOME", "LANG", "PATH"),
            subject_sha256=_SUBJECT,
            sandbox_sha256=_PROFILE,
            pid=4730,
            terminal=True,
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ExecOutput(
            offset=0, size=9, sha256=_digest("1 passed\n"), recording="pty/toolu_01.cast", text="1 passed\n"
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ExecFinished(
            pid=4730,
            exit_code=0,
            duration_ms=812,
            cpu_ms=640,
            max_rss_kb=48120,
            output_bytes=9,
            output_sha256=_digest("1 passed\n"),
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.FileChanged(
            path="src/app.py",
            op="update",
            staged=True,
            before_sha256=_digest("before"),
            after_sha256=_digest("after"),
            mode=0o644,
            added=2,
            removed=1,
            diff="--- a/src/app.py\n+++ b/src/app.py\n@@ -1 +1,2 @@\n-a\n+b\n+c\n",
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ChangesReviewed(decision="accepted", subject_sha256=_digest("changes"), paths=("src/app.py",)),
        None,
        _HUMAN,
    ),
    (
        t.ChangesFailed(
            decision="accepted",
            subject_sha256=_digest("changes"),
            failed={"src/app.py": "src/app.py changed since it was looked at"},
        ),
        None,
        t.SYSTEM,
    ),
    (
        t.NetworkBlocked(
            protocol="tcp",
            host="evil.example",
            port=443,
            layer="proxy",
            rule="network.default",
            pid=4731,
            process="curl",
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.NetworkAllowed(protocol="tcp", host="pypi.org", port=443, address="151.101.0.223", rule="network.hosts"),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ViolationDetected(
            kind="path_escape",
            layer="landlock",
            detail="open /home/alice/.ssh/id_ed25519",
            action="blocked",
            remedy="vtcode policy allow-read /home/alice/.ssh",
            technique_framework="MITRE ATT&CK",
            technique="T1552.004",
            technique_name="Unsecured Credentials: Private Keys",
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ToolFinished(
            tool="run_command",
            status="ok",
            summary="exit 0 after 0.8 s",
            result="1 passed\n",
            result_sha256=_digest("1 passed\n"),
            duration_ms=815,
        ),
        "toolu_01",
        t.SYSTEM,
    ),
    (
        t.ContextCompacted(
            trigger="threshold",
            method="mask",
            before_tokens=121000,
            after_tokens=48000,
            before_messages=88,
            after_messages=88,
        ),
        None,
        t.SYSTEM,
    ),
    (t.ConfigChanged(what="mode", before="build", after="plan"), None, _HUMAN),
    (
        t.SecretRedacted(
            where="tool.finished", rules={"github-token": 1}, tokens=("‹redacted:github-token:1a2b3c4d›",)
        ),
        None,
        t.SYSTEM,
    ),
    (t.Checkpoint(kind="batch", size=17, head=_digest("head"), note=_NOTE), None, t.SYSTEM),
    (t.LogRecovered(size=311, sha256=_digest("torn"), file="journal.torn-1"), None, t.SYSTEM),
    (
        t.LogFailed(reason="the journal cannot be written: No space left on device", errno=28, lost="exec.started"),
        None,
        t.SYSTEM,
    ),
    (
        t.SessionEnded(
            reason="closed",
            turns=1,
            tools=2,
            denied=1,
            input_tokens=5190,
            output_tokens=74,
            cost_usd=0.0041,
            files_changed=1,
        ),
        None,
        t.SYSTEM,
    ),
)


def events() -> list[Event]:
    """The examples as the events of one session, chained."""
    made: list[Event] = []
    prev = GENESIS
    for seq, (payload, call, actor) in enumerate(EXAMPLES):
        event = Event(
            seq=seq,
            id=f"0197a5c0-0000-7000-8000-{seq:012x}",
            time=f"2026-11-22T21:04:{seq:02d}.120Z",
            mono_ns=81_000_000_000 + seq * 1_000_000_000,
            type=payload.TYPE,
            severity=payload.SEVERITY,
            session="0197a5c0-0000-7000-8000-00000000cafe",
            turn=1,
            call=call,
            actor=actor,
            data=payload,
            prev=prev,
        )
        made.append(event)
        prev = hashlib.sha256(line_of(event)).hexdigest()
    return made
