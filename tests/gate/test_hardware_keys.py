"""Keys in hardware: OpenSSH makes real sk- signatures here with a security key of software (`soft_sk.c`)."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.stage import Human, home_in, staged
from tests.gate.test_signing import GRANTED, make_key, request, signer, signers_file, ssh_keygen_agrees
from tests.programs import running
from tests.reading import payloads
from vtcode_tui.cli import main
from vtcode_tui.common.errors import ConfigError, DeniedError
from vtcode_tui.config.layers import load
from vtcode_tui.config.settings import Approvals
from vtcode_tui.demo import Step
from vtcode_tui.events.sshsig import NAMESPACE, parse, verifies
from vtcode_tui.events.types import ApprovalDenied, ApprovalGranted
from vtcode_tui.gate.signing import AgentKey, key_source

KINDS = {"ed25519-sk": "sk-ssh-ed25519@openssh.com", "ecdsa-sk": "sk-ecdsa-sha2-nistp256@openssh.com"}
HELPER = Path("/usr/lib/openssh/ssh-sk-helper")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("sk") / "soft_sk.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not HELPER.exists():
        pytest.skip("there is no C compiler or no ssh-sk-helper here, and no security key can be played")
    command = [compiler, "-shared", "-fPIC", "-o", str(library), "tests/gate/soft_sk.c", "-lcrypto"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"the software key cannot be compiled here (libssl-dev is missing?): {made.stderr[:200]}")
    return library


def make(folder: Path, provider: Path, *options: str, kind: str = "ed25519-sk") -> Path:
    key = folder / "id_sk"
    command = ["ssh-keygen", "-q", "-t", kind, "-w", str(provider), "-N", "", "-f", str(key), "-C", "a@b"]
    subprocess.run([*command, *options], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return key


@pytest.fixture
def agent(tmp_path: Path, provider: Path) -> Iterator[Path]:
    socket = tmp_path / "agent.sock"
    command = ["ssh-agent", "-D", "-a", str(socket), "-P", f"{provider.parent}/*"]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield socket


def held_by(agent: Path, key: Path, provider: Path) -> AgentKey:
    environ = os.environ | {"SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", "-S", str(provider), str(key)], check=True, env=environ, capture_output=True)
    source = key_source(Approvals(signing="sk-touch", signing_key=str(key)), {"SSH_AUTH_SOCK": str(agent)})
    assert isinstance(source, AgentKey)
    return source


@pytest.mark.parametrize("kind", KINDS)
async def test_ssh_keygen_verifies_an_approval_that_a_touched_key_signed(
    tmp_path: Path, provider: Path, agent: Path, kind: str
) -> None:
    key = make(tmp_path, provider, kind=kind)
    source = held_by(agent, key, provider)
    text, signature = await signer(Approvals(signing="sk-touch"), source)(request("high"), GRANTED, "c" * 64)
    assert (parse(signature).key_type, parse(signature).level) == (KINDS[kind], "sk-touch")
    assert verifies(signature, text.encode()) is not None
    assert verifies(signature, text.replace("toolu_1", "toolu_2").encode()) is None
    signers = signers_file(tmp_path, key)
    assert ssh_keygen_agrees(tmp_path, signers, text, signature)
    assert not ssh_keygen_agrees(tmp_path, signers, text.replace("toolu_1", "toolu_2"), signature)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_that_needs_no_touch_is_refused_where_a_touch_is_demanded(
    tmp_path: Path, provider: Path, agent: Path, kind: str
) -> None:
    key = make(tmp_path, provider, "-O", "no-touch-required", kind=kind)
    source = held_by(agent, key, provider)
    with pytest.raises(DeniedError, match="not valid at level sk-touch"):
        await signer(Approvals(signing="sk-touch"), source)(request("high"), GRANTED, "c" * 64)
    sign = signer(Approvals(signing="ssh-key"), source)
    text, signature = await sign(request("high"), GRANTED, "c" * 64)
    assert sign.auth == "ssh-key"
    assert verifies(signature, text.encode()) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_what_ssh_keygen_signed_with_such_a_key_is_verified_here(tmp_path: Path, provider: Path, kind: str) -> None:
    key = make(tmp_path, provider, kind=kind)
    environ = os.environ | {"SSH_SK_PROVIDER": str(provider)}
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE],
        input=b"a message\n",
        capture_output=True,
        check=True,
        env=environ,
    )
    found = verifies(done.stdout.decode(), b"a message\n")
    assert found is not None
    assert (found.key_type, found.level) == (KINDS[kind], "sk-touch")
    assert verifies(done.stdout.decode(), b"another\n") is None


@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_of_such_a_signature_can_be_another_its_flags_and_counter_least_of_all(
    tmp_path: Path, provider: Path, kind: str
) -> None:
    key = make(tmp_path, provider, kind=kind)
    environ = os.environ | {"SSH_SK_PROVIDER": str(provider)}
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE]
    done = subprocess.run(command, input=b"m", capture_output=True, check=True, env=environ)
    armored = done.stdout.decode()
    begin, end = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
    raw = bytearray(base64.b64decode(armored.partition(begin)[2].partition(end)[0]))
    # The last five bytes of the signature are its flags and its counter; before them is what was signed.
    assert raw[-5:] == b"\x01\x01\x02\x03\x04"
    for at in range(len(raw)):
        raw[at] ^= 2
        changed = f"{begin}\n{base64.b64encode(raw).decode()}\n{end}\n"
        assert verifies(changed, b"m") is None, f"byte {at} of {len(raw)}"
        raw[at] ^= 2
    assert verifies(armored, b"m") is not None


# From the file of an organisation to the signature, and back to whoever verifies it.

RUN = Step("", (("run_command", {"command": 'python3 -c \'open("made", "w")\''}),))


def managed(tmp_path: Path, own: str) -> Approvals:
    """What is in force where the organisation demands hardware, and this is in the person's own file."""
    locked, home, root = tmp_path / "etc", home_in(tmp_path), tmp_path / "ws"
    for folder in (locked, home.config, root):
        folder.mkdir(parents=True, exist_ok=True)
    (locked / "vtcode.toml").write_text('[approvals]\nrequire = { medium = "sk-touch", high = "sk-touch" }\n')
    home.settings_file.write_text(f"[approvals]\n{own}")
    return load(home, root, managed=locked).settings.approvals


@pytest.mark.kernel
async def test_hardware_that_a_managed_file_demands_is_in_the_journal_and_ssh_keygen_says_so(
    tmp_path: Path, provider: Path, agent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = make(tmp_path, provider, kind="ecdsa-sk")
    held_by(agent, key, provider)
    approvals = managed(tmp_path, f'signing = "sk-touch"\nsigning_key = "{key}.pub"\n')
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "SSH_AUTH_SOCK": str(agent)}
    async with staged(tmp_path, [RUN, Step("ok")], approvals=approvals, environ=environ) as stage:
        await stage.session.submit("go")
    (granted,) = payloads(stage.events(), ApprovalGranted)
    assert [event.actor.auth for event in stage.events("approval.granted")] == ["sk-touch"]
    assert [event for event in stage.events("exec.started") if event.call == "c1"], "it ran"
    signers = signers_file(tmp_path, key)
    assert ssh_keygen_agrees(tmp_path, signers, granted.statement, granted.signature)
    verify_with = ["audit", "verify", str(stage.session.folder), "--allowed-signers", str(signers)]
    assert main(verify_with) == 0
    assert "approved by alice@corp at level sk-touch" in capsys.readouterr().out


@pytest.mark.kernel
@pytest.mark.parametrize("own", ['signing = "ssh-key"\n', 'signing = "ssh-key"\nrequire = { high = "os-user" }\n'])
async def test_where_a_managed_file_demands_hardware_nothing_less_lets_anything_run(
    tmp_path: Path, provider: Path, agent: Path, own: str
) -> None:
    key = make_key(tmp_path)
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", str(key)], check=True, env=os.environ | environ, capture_output=True)
    human = Human()
    approvals = managed(tmp_path, f'{own}signing_key = "{key}.pub"\n')
    async with staged(tmp_path, [RUN, Step("ok")], human=human, approvals=approvals, environ=environ) as stage:
        await stage.session.submit("go")
    assert len(human.asked) == 1
    assert not stage.events("approval.granted")
    assert {denied.outcome for denied in payloads(stage.events(), ApprovalDenied)} == {"void"}
    assert not [event for event in stage.events("exec.started") if event.call == "c1"]
    assert main(["audit", "verify", str(stage.session.folder)]) == 0


def test_where_a_managed_file_demands_hardware_and_no_key_is_named_no_session_begins(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs `approvals\.signing_key`"):
        managed(tmp_path, "")
