"""An approval that is signed: what the statement binds, who can sign, and that ssh-keygen says the same."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from tests.programs import running
from vtcode_tui.common.errors import ConfigError, DeniedError
from vtcode_tui.config.settings import Approvals
from vtcode_tui.events import Actor, Journal, verify
from vtcode_tui.events.approvals import allowed_signers, check_approvals
from vtcode_tui.events.sshsig import NAMESPACE, parse, string, verifies
from vtcode_tui.events.types import ApprovalGranted, ApprovalRequested, PolicyDecided
from vtcode_tui.gate.signing import AgentKey, ApprovalSigner, FileKey, key_source
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.policy.types import Access, Call, Decision

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed here")

KINDS = ("ed25519", "rsa", "ecdsa")


def make_key(folder: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    path = folder / f"id_{kind}"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "alice@corp", "-f", str(path)], check=True
    )
    return path


def signers_file(folder: Path, key: Path, options: str = f'namespaces="{NAMESPACE}"') -> Path:
    kind, blob, *_ = key.with_suffix(".pub").read_text().split()
    path = folder / "allowed_signers"
    path.write_text(f"# who may approve\nalice@corp {options} {kind} {blob}\n")
    return path


def ssh_keygen_agrees(folder: Path, signers: Path, text: str, signature: str) -> bool:
    (folder / "approval.sig").write_text(signature)
    done = subprocess.run(
        [
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            str(signers),
            "-I",
            "alice@corp",
            "-n",
            NAMESPACE,
            "-s",
            str(folder / "approval.sig"),
        ],
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not installed here")
    socket = tmp_path / "agent.sock"
    command = ["ssh-agent", "-D", "-a", str(socket)]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        # The agent says where it listens once it does.
        process.stdout.readline()
        yield socket


def request(risk: Literal["low", "medium", "high"] = "medium", call: str = "toolu_1") -> ApprovalRequest:
    asked = Call(id=call, tool="run_command", arguments={}, access=Access(), cwd=Path("/w"), origin="model")
    decision = Decision(mode="prompt", rule="r", reason="because", risk=risk)
    return ApprovalRequest(
        call=asked,
        decision=decision,
        shown="ls",
        shown_sha256="b" * 64,
        subject_sha256="a" * 64,
        sandbox=(),
        requested_ns=0,
    )


def signer(settings: Approvals, source: FileKey | AgentKey | None, head: str = "0" * 64) -> ApprovalSigner:
    return ApprovalSigner(session="s1", head=lambda: head, settings=settings, source=source)


GRANTED = Verdict("granted", shown_sha256="b" * 64)
SSH = Approvals(signing="ssh-key")


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_ssh_keygen_verifies_what_a_key_file_signed(tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path, kind)
    text, signature = await signer(SSH, FileKey(key))(request(), GRANTED, "c" * 64)
    signers = signers_file(tmp_path, key)
    assert ssh_keygen_agrees(tmp_path, signers, text, signature)
    assert not ssh_keygen_agrees(tmp_path, signers, text.replace("toolu_1", "toolu_2"), signature)
    said = json.loads(text)
    assert said["subject_sha256"] == "a" * 64
    assert said["shown_sha256"] == "b" * 64
    assert said["policy_sha256"] == "c" * 64
    assert (said["session"], said["call"], said["auth"]) == ("s1", "toolu_1", "ssh-key")


@pytest.mark.parametrize("kind", KINDS)
async def test_ssh_keygen_verifies_what_the_agent_signed(tmp_path: Path, agent: Path, kind: str) -> None:
    key = make_key(tmp_path, kind)
    subprocess.run(
        ["ssh-add", "-q", str(key)], check=True, env=os.environ | {"SSH_AUTH_SOCK": str(agent)}, capture_output=True
    )
    settings = Approvals(signing="ssh-key", signing_key=str(key))
    source = key_source(settings, {"SSH_AUTH_SOCK": str(agent)})
    assert isinstance(source, AgentKey)
    text, signature = await signer(settings, source)(request(), GRANTED, "c" * 64)
    assert ssh_keygen_agrees(tmp_path, signers_file(tmp_path, key), text, signature)


@pytest.mark.parametrize("kind", KINDS)
def test_what_ssh_keygen_signed_is_verified_here_and_nothing_else_is(tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path, kind)
    message = b"a message\n"
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE],
        input=message,
        capture_output=True,
        check=True,
    )
    signature = done.stdout.decode()
    assert verifies(signature, message) is not None
    assert verifies(signature, message + b" ") is None
    assert verifies(signature, message, "git") is None
    blob = base64.b64decode("".join(signature.splitlines()[1:-1]))
    for at in range(0, len(blob), 7):
        broken = base64.b64encode(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]).decode()
        text = f"-----BEGIN SSH SIGNATURE-----\n{broken}\n-----END SSH SIGNATURE-----\n"
        found = verifies(text, message)
        # A reserved field is not part of what is signed by the format itself.
        assert found is None or found.public == parse(signature).public


async def test_an_agent_without_the_key_is_an_error_that_says_so(agent: Path) -> None:
    with pytest.raises(ConfigError, match="holds 0 keys"):
        await AgentKey(agent, None).public()


async def test_an_agent_that_is_gone_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not answer"):
        await AgentKey(tmp_path / "none", None).public()


async def test_a_key_with_a_passphrase_is_sent_to_the_agent(tmp_path: Path) -> None:
    key = make_key(tmp_path, passphrase="correct horse")
    with pytest.raises(ConfigError, match="add it to ssh-agent"):
        await FileKey(key).public()


async def test_the_default_level_makes_a_statement_and_no_signature() -> None:
    assert key_source(Approvals(), {}) is None
    text, signature = await signer(Approvals(), None)(request(), GRANTED, "c" * 64)
    assert json.loads(text)["auth"] == "os-user"
    assert signature == ""


async def test_a_level_that_is_required_and_cannot_be_had_is_refused(tmp_path: Path) -> None:
    settings = Approvals(signing="ssh-key", require={"high": "sk-touch"})
    sign = signer(settings, FileKey(make_key(tmp_path)))
    await sign(request("medium"), GRANTED, "c" * 64)
    with pytest.raises(DeniedError, match="need a signature of level sk-touch"):
        await sign(request("high"), GRANTED, "c" * 64)
    with pytest.raises(DeniedError, match="need a signature of level ssh-key"):
        await signer(SSH, None)(request(), GRANTED, "c" * 64)


def test_a_level_without_any_key_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no key"):
        key_source(SSH, {})
    with pytest.raises(ConfigError, match="does not exist"):
        key_source(Approvals(signing="ssh-key", signing_key=str(tmp_path / "none")), {})


def test_a_hardware_key_that_nobody_touched_is_only_a_key() -> None:
    public = string(b"sk-ssh-ed25519@openssh.com") + string(b"p" * 32) + string(b"ssh:")
    for flags, level in ((b"\x01", "sk-touch"), (b"\x00", "ssh-key")):
        raw = string(b"sk-ssh-ed25519@openssh.com") + string(b"s" * 64) + flags + bytes(4)
        signature = parse_of(public, raw)
        assert signature == level


def parse_of(public: bytes, raw: bytes) -> str:
    from vtcode_tui.events.sshsig import armored

    return parse(armored(public, raw)).level


async def journal_with(folder: Path, key: Path) -> tuple[Path, ApprovalGranted]:
    journal = Journal.create(folder, "s1")
    journal.append(
        PolicyDecided(decision="prompt", rule="r", reason="", subject_sha256="a" * 64, policy_sha256="c" * 64),
        call="toolu_1",
    )
    journal.append(
        ApprovalRequested(subject_sha256="a" * 64, shown="ls", shown_sha256="b" * 64, risk="medium", reason=""),
        call="toolu_1",
    )
    sign = ApprovalSigner(session="s1", head=lambda: journal.head, settings=SSH, source=FileKey(key))
    text, signature = await sign(request(), GRANTED, "c" * 64)
    granted = ApprovalGranted(
        subject_sha256="a" * 64, shown_sha256="b" * 64, scope="once", statement=text, signature=signature
    )
    journal.append(granted, call="toolu_1", actor=Actor(kind="human", id="alice", auth="ssh-key"))
    journal.close()
    return folder, granted


async def test_a_signed_approval_is_attributed_to_its_signer(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    folder, _ = await journal_with(tmp_path / "s1", key)
    report = replace(verify(folder), problems=(), state="sealed")
    checked = check_approvals(report, signers_file(tmp_path, key))
    assert checked.problems == ()
    assert any("approved by alice@corp at level ssh-key" in note for note in checked.notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('namespaces="git"', "not for this purpose"),
        ('valid-before="20200101"', "not at that time"),
        ('valid-after="20990101Z"', "not at that time"),
    ],
)
async def test_a_signer_who_may_not_approve_is_named_as_a_problem(tmp_path: Path, options: str, said: str) -> None:
    key = make_key(tmp_path)
    folder, _ = await journal_with(tmp_path / "s1", key)
    report = replace(verify(folder), problems=(), state="sealed")
    checked = check_approvals(report, signers_file(tmp_path, key, options))
    assert (checked.exit_status, checked.problems[0].layer) == (5, "signature")
    assert said in checked.problems[0].text


async def test_a_statement_cannot_be_moved_to_another_call_or_used_twice(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    _, granted = await journal_with(tmp_path / "s1", key)
    signers = signers_file(tmp_path, key)
    journal = Journal.create(tmp_path / "s2", "s1")
    journal.append(granted, call="another")
    journal.append(granted, call="toolu_1")
    journal.abandon()
    report = replace(verify(tmp_path / "s2"), problems=(), state="open")
    said = [problem.text for problem in check_approvals(report, signers).problems]
    assert "about something else: call" in said[0]
    assert "another journal" in said[1]


def test_another_statement_that_carries_a_nonce_again_is_named_however_well_it_is_signed(tmp_path: Path) -> None:
    key = make_key(tmp_path)
    journal = Journal.create(tmp_path / "s3", "s1")
    for call in ("c1", "c2"):
        asked = ApprovalRequested(
            subject_sha256="a" * 64, shown="ls", shown_sha256="b" * 64, risk="medium", reason=""
        )
        journal.append(asked, call=call)
        bound = {"session": "s1", "call": call, "scope": "once", "subject_sha256": "a" * 64}
        text = json.dumps(bound | {"shown_sha256": "b" * 64, "nonce": "once more", "prev": journal.head})
        signing = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE]
        signature = subprocess.run(signing, input=text, capture_output=True, text=True, check=True).stdout
        granted = ApprovalGranted(
            subject_sha256="a" * 64, shown_sha256="b" * 64, scope="once", statement=text, signature=signature
        )
        journal.append(granted, call=call, actor=Actor(kind="human", id="alice", auth="ssh-key"))
    journal.abandon()
    report = replace(verify(tmp_path / "s3"), problems=(), state="open")
    checked = check_approvals(report, signers_file(tmp_path, key))
    (problem,) = checked.problems
    assert (problem.layer, "was used before" in problem.text) == ("signature", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "cannot be read"),
        ('"words"', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("{}", "about something else"),
        ('{"prev": [], "nonce": {}}', "another journal"),
        ('{"prev": "HEAD", "nonce": {}}', "not among the allowed signers"),
    ],
)
def test_a_signed_statement_of_any_shape_ends_in_a_verdict(tmp_path: Path, text: str, said: str) -> None:
    own, theirs = make_key(tmp_path), make_key(tmp_path, "ecdsa")
    journal = Journal.create(tmp_path / "s4", "s1")
    journal.append(PolicyDecided(decision="prompt", rule="r", reason="", subject_sha256="a", policy_sha256="c"))
    if '"prev"' in text:
        bound = {"session": "s1", "call": "c", "scope": "once", "subject_sha256": "a", "shown_sha256": "b"}
        text = json.dumps(bound | json.loads(text.replace("HEAD", journal.head)))
    signing = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(theirs), "-n", NAMESPACE]
    signature = subprocess.run(signing, input=text, capture_output=True, text=True, check=True).stdout
    granted = ApprovalGranted(
        subject_sha256="a", shown_sha256="b", scope="once", statement=text, signature=signature
    )
    journal.append(granted, call="c")
    journal.abandon()
    report = replace(verify(tmp_path / "s4"), problems=(), state="open")
    (problem,) = check_approvals(report, signers_file(tmp_path, own)).problems
    assert said in problem.text


def test_an_allowed_signers_file_that_is_wrong_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "signers"
    path.write_text("alice@corp\n")
    with pytest.raises(Exception, match="signers:1: expected"):
        allowed_signers(path)
