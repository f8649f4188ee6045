"""`vtcode audit` as a person or a script uses it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.events.authority import time_stamping
from vtcode_tui.cli import main
from vtcode_tui.common.clock import SystemClock
from vtcode_tui.common.home import Home
from vtcode_tui.events import Journal, line_of, verify_all
from vtcode_tui.events.examples import EXAMPLES, events
from vtcode_tui.events.follow import follow
from vtcode_tui.events.lines import read_lines
from vtcode_tui.events.notes import Key, read_note, verifier_key, write_note
from vtcode_tui.events.prune import prune
from vtcode_tui.events.system_log import to_system_log
from vtcode_tui.events.timestamps import read_stamp, request, stamp
from vtcode_tui.events.types import Checkpoint, FileChanged, LogRecovered, PromptSubmitted

MakeSession = Callable[..., Path]

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed here")


def said(text: str) -> PromptSubmitted:
    return PromptSubmitted(text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


SCRIPT = Path("vtcode_tui/events/verify.sh")


@pytest.fixture(autouse=True)
def here(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))


def test_verify_says_sealed_open_torn_and_tampered_by_its_exit_status(
    session: MakeSession, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = session()
    assert main(["audit", "verify", "last"]) == 0
    assert "INTACT    sealed" in capsys.readouterr().out
    file = folder / "journal.jsonl"
    file.write_bytes(file.read_bytes().replace(b"run the tests", b"run the tasts"))
    assert main(["audit", "verify", folder.name[:8], "--json"]) == 5
    said = json.loads(capsys.readouterr().out)
    assert (said["state"], said["sessions"][0]["layer"], said["sessions"][0]["first_bad"]) == (
        "tampered",
        "chain",
        1,
    )
    shutil.rmtree(folder)
    live = session("0197a000-0000-7000-8000-00000000000c", close=False)
    assert main(["audit", "verify", str(live)]) == 6
    with (live / "journal.jsonl").open("ab") as torn:
        torn.write(b"{")
    assert main(["audit", "verify", str(live)]) == 6
    assert "torn" in capsys.readouterr().out
    assert main(["audit", "verify", "--all"]) == 5
    assert "its journal is gone" in capsys.readouterr().out


def test_a_missing_required_anchor_has_exit_status_7(
    session: MakeSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session()
    log = tmp_path / "syslog"
    log.write_text("nothing of ours\n")
    assert main(["audit", "verify", "last", "--anchors", str(log)]) == 7
    capsys.readouterr()
    assert main(["audit", "anchor", "--print"]) == 0
    log.write_text(f"Nov 22 box vtcode[7]: {capsys.readouterr().out}")
    assert main(["audit", "verify", "--all", "--anchors", str(log)]) == 0
    assert "anchored" in capsys.readouterr().out


def test_verify_names_the_first_bad_event_the_layer_and_the_last_checkpoint_that_can_be_trusted(
    session: MakeSession, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = session(calls=4)
    file = folder / "journal.jsonl"
    lines = file.read_bytes().splitlines()
    marks = [number for number, line in enumerate(lines) if b'"type":"log.checkpoint"' in line]
    at = marks[1] + 2
    lines[at] = lines[at].replace(b'"turn":1', b'"turn":2')
    file.write_bytes(b"\n".join(lines) + b"\n")
    assert main(["audit", "verify", "last"]) == 5
    head, problem, trusted, *_ = capsys.readouterr().out.splitlines()
    assert head.startswith(f"TAMPERED  {folder.name}")
    assert problem.startswith(f"  [chain] event {at} is not what event {at + 1} names: one of the two was changed")
    assert trusted == f"  trustworthy: the events before {marks[1]} (last good checkpoint)"
    assert main(["audit", "verify", "last", "--json"]) == 5
    (said,) = json.loads(capsys.readouterr().out)["sessions"]
    assert (said["layer"], said["first_bad"], said["trusted"]) == ("chain", at, marks[1])


HOSTILE = "a\x1b]0;owned\x07\x9b31m\u202eb"


def test_nothing_in_a_journal_reaches_the_auditors_terminal_as_a_command(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home.sessions / "2026" / "11" / "22" / "s1"
    journal = Journal.create(folder, "s1")
    for before, after in (("a" * 64, "b" * 64), ("c" * 64, "d" * 64)):
        journal.append(
            FileChanged(path=HOSTILE, op="update", staged=True, before_sha256=before, after_sha256=after)
        )
    journal.append(LogRecovered(size=1, sha256="0" * 64, file=HOSTILE))
    journal.close()
    assert main(["audit", "verify", "last"]) == 5
    said = capsys.readouterr().out
    assert "was changed by something else" in said
    assert "which is gone or changed" in said
    file = folder / "journal.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"session":"s1"', f'"session":"{HOSTILE}"'.encode(), 1))
    assert main(["audit", "verify", "--all"]) == 5
    said += capsys.readouterr().out
    main(["audit", "show", "last"])
    main(["audit", "report", "last"])
    said += capsys.readouterr().out
    assert not set(said) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_usage_errors_have_exit_status_2(session: MakeSession, capsys: pytest.CaptureFixture[str]) -> None:
    session()
    assert main(["audit", "verify"]) == 2
    assert main(["audit", "verify", "nothing-like-this"]) == 2
    assert main(["audit", "export", "last", "--since", "yesterday"]) == 2
    assert "no session" in capsys.readouterr().err


def test_show_spells_out_what_could_act_on_a_terminal(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home.sessions / "2026" / "11" / "22" / "s1"
    journal = Journal.create(folder, "s1")
    journal.append(PromptSubmitted(text="\x1b]0;owned\x07 a\nb \u202e c", sha256=""))
    journal.close()
    assert main(["audit", "show", "last", "--type", "prompt"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "\\u001b]0;owned\\u0007 a⏎b \\u202e c" in out


def test_tail_follows_to_the_end(session: MakeSession, capsys: pytest.CaptureFixture[str]) -> None:
    folder = session()
    assert main(["audit", "tail", "last", "--json"]) == 0
    assert capsys.readouterr().out.encode() == (folder / "journal.jsonl").read_bytes()


def test_tail_waits_for_a_line_to_be_whole_and_reads_on_after_a_crash_tore_one(home: Home) -> None:
    folder = home.sessions / "2026" / "11" / "22" / "s1"
    journal = Journal.create(folder, "s1")
    journal.append(said("one"))
    file = folder / "journal.jsonl"
    steps = 0

    def meanwhile() -> None:
        nonlocal steps, journal
        steps += 1
        if steps == 1:
            journal.abandon()
            with file.open("ab") as torn:
                torn.write(b'{"v":1,"torn')
        elif steps == 2:
            journal = Journal.reopen(folder)
            journal.append(said("two " * 200_000))
            journal.close()
        else:
            raise AssertionError("nothing was left to wait for")

    assert list(follow(folder, pause=meanwhile)) == list(read_lines(folder))
    assert steps == 2


@pytest.mark.parametrize("name", ["jsonl", "ocsf", "ecs", "otlp", "rfc5424", "cef", "hec", "atif"])
def test_export_writes_every_format(session: MakeSession, capsys: pytest.CaptureFixture[str], name: str) -> None:
    session()
    assert main(["audit", "export", "last", "--format", name]) == 0
    assert capsys.readouterr().out.count("\n") > 10


def test_every_example_and_every_line_of_a_session_follows_the_schema(
    session: MakeSession, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for raw in [*map(line_of, events()), *read_lines(session())]:
        validator.validate(json.loads(raw))
    wrong = json.loads(line_of(events()[4]))
    wrong["data"]["text"] = 5
    assert not validator.is_valid(wrong)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


def test_the_report_names_approvals_changes_and_blocks_and_takes_nothing_for_markup(
    home: Home, session: MakeSession, capsys: pytest.CaptureFixture[str]
) -> None:
    session()
    assert main(["audit", "report", "last"]) == 0
    text = capsys.readouterr().out
    for said in (
        "granted: once",
        "pytest -q",
        "app.py",
        "T1003.008",
        "supports: ",
        "SOC 2",
        "do not state that any of them is met",
    ):
        assert said in text.replace("\\", "")
    folder = home.sessions / "2026" / "11" / "22" / "0197ffff"
    journal = Journal.create(folder, "0197ffff")
    journal.append(PromptSubmitted(text="<script>x</script> | a [l](http://evil) ![i](h)", sha256=""))
    journal.close()
    assert main(["audit", "report", "last", "--html"]) == 0
    tags = Tags()
    tags.feed(capsys.readouterr().out)
    assert not tags.seen & {"script", "a", "img", "iframe"}
    assert main(["audit", "report", "last"]) == 0
    assert r"\<script\>x\</script\> \| a \[l\]\(http" in capsys.readouterr().out


@pytest.mark.parametrize("form", [[], ["--html"]])
def test_the_report_says_supports_and_of_nothing_that_it_complies(
    home: Home, session: MakeSession, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    """Over a session with an event of every type, and one that was tampered with."""
    folder = home.sessions / "2026" / "11" / "27" / "0198every"
    journal = Journal.create(folder, "0198every")
    for payload, call, actor in EXAMPLES:
        if not isinstance(payload, Checkpoint):
            journal.append(payload, call=call, actor=actor)
    journal.close()
    session()
    for which in ("0198every", "last"):
        assert main(["audit", "report", which, *form]) == 0
        said = capsys.readouterr().out.lower()
        assert "supports: " in said
        assert not re.search(r"compl(?:y|ies|iant|iance)|conform|certif|fulfil|satisf", said)


def test_prune_keeps_what_is_young_and_leaves_a_tombstone_for_what_is_old(session: MakeSession, home: Home) -> None:
    folder = session()
    now = datetime.now(UTC)
    with pytest.raises(Exception, match=r"audit\.minimum_days keeps it for 183"):
        prune(home, folder, now=now, minimum_days=183, reason="test")
    removed = prune(home, folder, now=now + timedelta(days=200), minimum_days=183, reason="test")
    assert not folder.exists()
    assert removed.state == "sealed"
    assert verify_all(home.sessions) == ([], [])
    last = json.loads((home.audit / "root.jsonl").read_bytes().splitlines()[-1])
    assert (last["type"], last["session"], last["data"]["head"]) == ("prune", folder.name, removed.head)


@pytest.mark.parametrize("field", ["head", "size", "state", "reason"])
def test_a_tombstone_that_was_changed_is_noticed(session: MakeSession, home: Home, field: str) -> None:
    folder = session()
    prune(home, folder, now=datetime.now(UTC) + timedelta(days=200), minimum_days=183, reason="test")
    root = home.audit / "root.jsonl"
    *before, last = root.read_bytes().splitlines()
    value = json.loads(last)
    value["data"][field] = 1 if field == "size" else "another"
    root.write_bytes(b"\n".join([*before, json.dumps(value, separators=(",", ":")).encode()]) + b"\n")
    assert "not signed by its host key" in verify_all(home.sessions)[1][0].text


def test_prune_keeps_what_does_not_verify(session: MakeSession, home: Home) -> None:
    folder = session()
    file = folder / "journal.jsonl"
    file.write_bytes(file.read_bytes().replace(b"alice", b"mallo"))
    with pytest.raises(Exception, match="kept as evidence"):
        prune(home, folder, now=datetime.now(UTC) + timedelta(days=900), minimum_days=1, reason="test")
    assert folder.exists()


class LongAgo(SystemClock):
    def now(self) -> datetime:
        return super().now() - timedelta(days=500)


def test_prune_on_the_command_line_lists_first_what_it_would_remove_and_refuses_what_is_young_either_way(
    session: MakeSession, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = session()
    for more in ([], ["--yes"]):
        assert main(["audit", "prune", "last", *more]) == 3
        shown = capsys.readouterr()
        assert (shown.out, "audit.minimum_days keeps it for 183" in shown.err) == ("", True)
    old = home.sessions / "2025" / "01" / "01" / "0190a000-0000-7000-8000-000000000009"
    journal = Journal.create(old, old.name, clock=LongAgo())
    journal.append(said("long ago"))
    journal.close()
    assert main(["audit", "prune"]) == 0
    shown = capsys.readouterr()
    assert (shown.out.startswith(f"would remove {old.name}"), folder.name in shown.out) == (True, False)
    assert old.exists()
    assert main(["audit", "prune", "--yes"]) == 0
    assert (old.exists(), folder.exists()) == (False, True)


def test_authorities_for_time_stamps_without_any_anchors_are_no_check_and_a_mistake(
    session: MakeSession, capsys: pytest.CaptureFixture[str]
) -> None:
    session()
    assert main(["audit", "verify", "last", "--timestamp-ca", "authority.pem"]) == 2
    assert "--timestamp-ca" in capsys.readouterr().err


def shells() -> list[str]:
    return [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]


@pytest.mark.parametrize("shell", shells())
def test_the_shell_script_verifies_the_chain_with_sha256sum_alone(
    session: MakeSession, capsys: pytest.CaptureFixture[str], tmp_path: Path, shell: str
) -> None:
    assert main(["audit", "script"]) == 0
    script = tmp_path / "verify.sh"
    script.write_text(capsys.readouterr().out)
    journal = session(calls=1) / "journal.jsonl"
    whole = journal.read_bytes()

    def run() -> subprocess.CompletedProcess[str]:
        words = [shell, "sh"] if shell == "busybox" else [shell]
        return subprocess.run([*words, str(script), str(journal)], capture_output=True, text=True, check=False)

    head = hashlib.sha256(whole.splitlines()[-1]).hexdigest()
    assert run().stdout == f"ok {whole.count(10)} {head}\n"
    journal.write_bytes(whole.replace(b"run the tests", b"run the tasts"))
    assert run().returncode == 5
    journal.write_bytes(whole[:-20])
    assert run().returncode == 6
    journal.write_bytes(whole[:-1])
    assert run().returncode == 6
    journal.unlink()
    assert run().returncode == 2


@needs_openssl
def test_openssl_verifies_a_checkpoint(session: MakeSession, tmp_path: Path) -> None:
    lines = [json.loads(raw) for raw in read_lines(session())]
    public = base64.b64decode(lines[0]["data"]["log_key"])
    note = read_note(lines[-1]["data"]["note"])
    der = bytes.fromhex("302a300506032b6570032100") + public
    (tmp_path / "key.der").write_bytes(der)
    (tmp_path / "text").write_bytes(note.text)
    (tmp_path / "sig").write_bytes(note.signature)
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "key.der",
        "-rawin",
        "-in",
        "text",
        "-sigfile",
        "sig",
    ]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "text").write_bytes(note.text + b"x")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_a_note_is_read_back_and_nothing_like_it_is_taken_for_one() -> None:
    key = Key(bytes(32))
    text = write_note(key, "vtcode/s", 7, "ab" * 32)
    note = read_note(text)
    assert (note.origin, note.size, note.head, note.signed_by(key.public)) == ("vtcode/s", 7, "ab" * 32, True)
    assert not note.signed_by(Key().public)
    assert verifier_key("vtcode/s", key.public).startswith("vtcode/s+")
    for wrong in (
        "",
        text.replace("\n\n", "\n"),
        text.replace("7", "x"),
        text + "— a b\n",
        text.replace("— vtcode", "— other"),
    ):
        with pytest.raises(ValueError, match=r"."):
            read_note(wrong)
    key.forget()
    with pytest.raises(RuntimeError, match="forgotten"):
        key.sign(b"x")


def test_an_anchor_reaches_the_system_log_where_there_is_one(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        said = to_system_log("vtcode-anchor v1 ...", journald=str(tmp_path / "none"), sockets=(str(path),))
        assert said == f"syslog:{path}"
        assert listening.recv(4096) == f"<85>vtcode[{os.getpid()}]: vtcode-anchor v1 ...".encode()
    none = str(tmp_path / "none")
    assert to_system_log("x", journald=none, sockets=(none,)) == ""


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    with time_stamping(tmp_path / "tsa") as url:
        yield url


def test_a_time_stamp_is_an_anchor_that_openssl_verifies(
    session: MakeSession, authority: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session()
    assert main(["audit", "anchor", "--timestamp", authority]) == 0
    token = capsys.readouterr().out.strip()
    authority_file = str(tmp_path / "tsa" / "tsa.pem")
    found = read_stamp(Path(token).read_bytes(), ())
    assert found
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-digest", found.head, "-in", token, "-CAfile", authority_file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verification: OK" in done.stdout + done.stderr
    command = ["audit", "verify", "--all", "--anchors", token]
    assert main([*command, "--timestamp-ca", authority_file]) == 0
    assert "anchored" in capsys.readouterr().out
    assert main(command) == 7, "a token that nobody is trusted to have signed vouches for nothing"
    assert "is not believed" in capsys.readouterr().out
    other = tmp_path / "other.tsr"
    other.write_bytes(stamp(authority, "ab" * 32))
    assert main(["audit", "verify", "--all", "--anchors", str(other)]) == 5


@needs_openssl
@pytest.mark.parametrize("nonce", [0, 0x7F, 0x80, 0xFF, 0x9FEDCBA9876543, 2**63 - 1])
def test_openssl_reads_the_number_of_a_request_as_it_was_meant(tmp_path: Path, nonce: int) -> None:
    query = tmp_path / "query"
    query.write_bytes(request("ab" * 32, nonce=nonce))
    words = ["openssl", "ts", "-query", "-in", str(query), "-text"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Nonce: (-?)(?:0x)?([0-9A-F]+)", said)
    assert found is not None, said
    assert (found[1], int(found[2], 16)) == ("", nonce)


def test_a_host_key_for_a_journal_without_a_root_log_is_said_to_vouch_for_nothing(
    session: MakeSession, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy" / "journal.jsonl"
    copy.parent.mkdir()
    shutil.copy(session() / "journal.jsonl", copy)
    assert main(["audit", "verify", str(copy)]) == 0
    assert "there is no root log here" in capsys.readouterr().out
    assert main(["audit", "verify", str(copy), "--host-key", str(home.keys / "host-ed25519.pub")]) == 7
    said = capsys.readouterr().out
    assert said.startswith("UNANCHORED")
    assert "the host key that was given vouches for nothing here" in said
