"""Ways to change history that nobody may fail to notice, or that the report must admit it cannot."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.events.conftest import HUMAN, STARTED, a_call, write
from tests.events.test_tampering import FIRST, SECOND, anchor_now, checkpoints, lines_of, put, rechain
from vtcode_tui.cli import main
from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.home import Home
from vtcode_tui.events import Bus, Journal, verify, verify_all
from vtcode_tui.events.evidence import Evidence
from vtcode_tui.events.export import converter
from vtcode_tui.events.export.form import export
from vtcode_tui.events.lines import MOST_UNSIGNED
from vtcode_tui.events.prune import prune
from vtcode_tui.events.rootcheck import check_root
from vtcode_tui.events.types import (
    ApprovalGranted,
    ApprovalRequested,
    PolicyDecided,
    PromptSubmitted,
    SessionResumed,
)

MakeSession = Callable[..., Path]
CARRYING = ("jsonl", "ocsf", "ecs", "otlp", "rfc5424", "cef", "hec")
"""Formats from which a copy of the journal's states can be read back."""


def prompt(text: str) -> PromptSubmitted:
    return PromptSubmitted(text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def test_everything_removed_is_no_clean_bill_when_an_anchor_was_kept(
    session: MakeSession, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    session(FIRST)
    log, key = tmp_path / "syslog", tmp_path / "host.pub"
    log.write_text(anchor_now(home))
    shutil.copy(home.keys / "host-ed25519.pub", key)
    shutil.rmtree(home.sessions)
    shutil.rmtree(home.audit)
    assert main(["audit", "verify", "--all", "--anchors", str(log)]) == 7
    assert main(["audit", "verify", "--all", "--anchors", str(log), "--host-key", str(key)]) == 5


def test_a_new_host_key_leaves_the_old_anchors_as_foreign_and_the_report_says_so(
    session: MakeSession, home: Home
) -> None:
    session(FIRST)
    old = anchor_now(home)
    for folder in (home.sessions, home.audit, home.keys):
        shutil.rmtree(folder)
    report = verify(session(SECOND), evidence=Evidence(old + anchor_now(home), given=True))
    assert report.state == "sealed"
    assert any("1 anchors are of other host keys" in note for note in report.notes)


def test_a_root_log_that_was_rolled_back_is_contradicted_by_a_journal_that_was_left(
    session: MakeSession, home: Home
) -> None:
    session(FIRST)
    before = (home.audit / "root.jsonl").read_bytes()
    folder = home.sessions / "2026" / "11" / "22" / SECOND
    journal = Journal.create(folder, SECOND)
    shutil.rmtree(session("0197a000-0000-7000-8000-000000000003"))
    write(journal, [(STARTED, None, None)])
    journal.close()
    root = home.audit / "root.jsonl"
    kept = [line for line in root.read_bytes().splitlines() if SECOND.encode() in line]
    root.write_bytes(before + b"\n".join(kept) + b"\n")
    assert verify(folder).exit_status == 5
    root.write_bytes(before)
    assert any("cut back or replaced" in problem.text for problem in verify(folder).problems) or (
        verify(folder).exit_status == 5
    )


def test_a_journal_names_the_root_log_as_it_stood_at_its_start_and_at_its_end(
    session: MakeSession, home: Home
) -> None:
    folder = session(FIRST)
    carried = [json.loads(raw)["data"].get("root_anchor", "") for raw in lines_of(folder)]
    assert carried[0].startswith("vtcode-anchor v1 2 ")
    assert carried[-1].startswith("vtcode-anchor v1 3 ")
    lines = (home.audit / "root.jsonl").read_bytes().splitlines()
    assert carried[-1].split()[3] == hashlib.sha256(lines[2]).hexdigest()


@pytest.mark.parametrize("name", CARRYING)
def test_what_any_exporter_took_vouches_for_the_end_of_a_session_and_contradicts_a_forgery(
    session: MakeSession, home: Home, name: str
) -> None:
    folder = session(FIRST)
    copy = Evidence("\n".join(export(folder, converter(name))), given=True)
    report = verify(folder, evidence=copy)
    assert (report.state, report.anchored) == ("sealed", True)
    shutil.rmtree(folder)
    shutil.rmtree(home.audit)
    again = session(FIRST, calls=1)
    assert verify(again).state == "sealed"
    report = verify(again, evidence=copy)
    assert report.exit_status == 5
    assert {problem.layer for problem in report.problems} == {"anchor"}


@pytest.mark.parametrize("name", CARRYING)
def test_text_that_looks_like_an_exported_event_accuses_nobody(home: Home, name: str) -> None:
    folder = home.sessions / "2026" / "11" / "22" / FIRST
    zeros = "0" * 64
    native = f'{{"v":1,"seq":3,"id":"x","session":"{FIRST}","data":{{}},"prev":"{zeros}"}}'
    lure = [
        native,
        json.dumps({"raw_data": native}),
        json.dumps({"event": {"original": native}}),
        f"x cs1={FIRST} cs2Label=actor cs4={zeros} cn1Label=seq cn1=3 y",
        f"CEF:0|a|b| cs1={FIRST} cs2Label=a cs4={zeros} cn1Label=seq cn1=3",
    ]
    journal = Journal.create(folder, FIRST)
    write(journal, [(STARTED, None, None), *((prompt(text), None, HUMAN) for text in lure)])
    journal.close()
    report = verify(folder, evidence=Evidence("\n".join(export(folder, converter(name))), given=True))
    assert report.problems == ()


def test_a_crashed_session_rewritten_without_its_checkpoints_is_noticed_by_the_root_log(
    session: MakeSession, home: Home
) -> None:
    folder = home.sessions / "2026" / "11" / "22" / FIRST
    journal = Journal.create(folder, FIRST)
    write(journal, [(STARTED, None, None), *a_call("c1")])
    journal.flush()
    journal.abandon()
    lines = [line for line in lines_of(folder) if b'"type":"log.checkpoint"' not in line]
    numbered = []
    for seq, line in enumerate(lines):
        event = json.loads(line.replace(b"pytest -q", b"rm -rf / "))
        event["seq"] = seq
        numbered.append(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode())
    put(folder, rechain(numbered))
    assert verify(folder).layer == "root"
    with pytest.raises(JournalError, match="is not continued"):
        Journal.reopen(folder)


def test_a_long_stretch_without_checkpoints_is_noticed_even_without_a_root_log(tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    journal = Journal.create(folder, FIRST)
    write(journal, [(STARTED, None, None), *((prompt(str(n)), None, HUMAN) for n in range(MOST_UNSIGNED + 20))])
    journal.abandon()
    assert verify(folder).problems == ()
    kept = [line for line in lines_of(folder) if b'"type":"log.checkpoint"' not in line]
    numbered = [line.replace(line[: line.index(b',"id"')], b'{"v":1,"seq":%d' % n) for n, line in enumerate(kept)]
    put(folder, rechain(numbered))
    assert [problem.layer for problem in verify(folder).problems] == ["checkpoint"]


def test_many_events_at_once_are_signed_in_time(tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    journal = Journal.create(folder, FIRST)
    journal.append(STARTED)
    journal.extend([prompt(str(n)) for n in range(2000)])
    journal.close()
    assert verify(folder).problems == ()
    assert verify(folder).checkpoints > 5


def test_the_unsigned_end_of_a_crashed_session_can_be_changed_and_the_report_says_how_far_it_is_signed(
    session: MakeSession, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = session(close=False)
    lines = lines_of(folder)
    last = checkpoints(lines)[-1]
    assert last + 3 < len(lines)
    lines[-1] = lines[-1].replace(b'"reason":"closed"', b'"reason":"forged"')
    put(folder, rechain(lines))
    report = verify(folder)
    assert (report.state, report.trusted) == ("open", last)
    assert main(["audit", "verify", str(folder)]) == 6
    assert f"signed: the events before {last}" in capsys.readouterr().out


def test_a_torn_line_that_was_kept_and_then_removed_or_changed_is_missed(session: MakeSession) -> None:
    folder = session(close=False)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"v":1,"seq":')
    Journal.reopen(folder).close()
    assert verify(folder).problems == ()
    kept = folder / "journal.torn-1"
    kept.write_bytes(b"something else")
    assert "kept in journal.torn-1, which is gone or changed" in verify(folder).problems[0].text
    kept.unlink()
    assert verify(folder).exit_status == 5


async def test_a_journal_taken_away_while_the_session_runs_stops_the_session(session: MakeSession) -> None:
    folder = session(close=False)
    bus = Bus(Journal.reopen(folder))
    await bus.record(SessionResumed(from_session=FIRST, from_seq=1))
    (folder / "journal.jsonl").rename(folder / "elsewhere.jsonl")
    with pytest.raises(JournalError, match="nothing more runs"):
        for number in range(200):
            await bus.record(prompt(str(number)))
    bus.journal.abandon()


async def test_a_journal_cut_back_while_the_session_runs_stops_the_session(session: MakeSession) -> None:
    folder = session(close=False)
    bus = Bus(Journal.reopen(folder))
    await bus.record(SessionResumed(from_session=FIRST, from_seq=1))
    os.truncate(folder / "journal.jsonl", 400)
    with pytest.raises(JournalError, match=r"bytes and .* were written"):
        for number in range(200):
            await bus.record(prompt(str(number)))
    bus.journal.abandon()


def test_a_session_that_runs_is_never_pruned_however_old_it_looks(session: MakeSession, home: Home) -> None:
    folder = session()
    journal = Journal.reopen(folder)
    later = datetime.now(UTC) + timedelta(days=900)
    with pytest.raises(Exception, match="in use by a vtcode process"):
        prune(home, folder, now=later, minimum_days=1, reason="test")
    journal.close()
    assert prune(home, folder, now=later, minimum_days=1, reason="test").state == "sealed"
    assert verify_all(home.sessions) == ([], [])


def test_bytes_that_a_shell_does_not_see_are_noticed_by_the_shell_script(
    session: MakeSession, tmp_path: Path
) -> None:
    journal = session(calls=1) / "journal.jsonl"
    whole = journal.read_bytes()
    middle = whole.index(b"\n") + 40
    journal.write_bytes(whole[:middle] + b"\0\0" + whole[middle:])
    for shell in filter(shutil.which, ("sh", "dash", "bash")):
        done = subprocess.run(
            [shell, "vtcode_tui/events/verify.sh", str(journal)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (5, "")
        assert "NUL" in done.stderr


ASKED = ApprovalRequested(subject_sha256="a" * 64, shown="ls", shown_sha256="b" * 64, risk="low", reason="")
DECIDED = PolicyDecided(decision="prompt", rule="r", reason="", subject_sha256="a" * 64, policy_sha256="c" * 64)


def said_of(subject: str) -> str:
    said = {"decision": "granted", "session": FIRST, "call": "c", "scope": "once", "rule": "", "prev": "0" * 64}
    said |= {"subject_sha256": subject, "shown_sha256": "b" * 64, "policy_sha256": "c" * 64, "nonce": "n"}
    return json.dumps(said)


@pytest.mark.parametrize(
    ("changes", "auth", "said"),
    [
        ({}, "ssh-key", "claims the level ssh-key and holds no signature"),
        ({"statement": "{"}, "os-user", "statement that cannot be read"),
        ({"statement": '{"call":"c","scope":"always"}'}, "os-user", "statement that cannot be read"),
        (
            {"statement": said_of("f" * 64)},
            "os-user",
            "about something else: subject_sha256",
        ),
        (
            {
                "statement": said_of("a" * 64),
                "signature": "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n",
            },
            "ssh-key",
            "signature that does not belong",
        ),
    ],
)
def test_an_approval_that_claims_more_than_it_proves_is_named(
    home: Home, changes: dict[str, str], auth: str, said: str
) -> None:
    folder = home.sessions / "2026" / "11" / "22" / FIRST
    journal = Journal.create(folder, FIRST)
    journal.append(STARTED)
    journal.append(DECIDED, call="c")
    journal.append(ASKED, call="c")
    granted = ApprovalGranted(subject_sha256="a" * 64, shown_sha256="b" * 64, scope="once").model_copy(
        update=changes
    )
    journal.append(granted, call="c", actor=HUMAN.model_copy(update={"auth": auth}))
    journal.close()
    assert any(said in problem.text for problem in verify(folder).problems)


def test_a_key_given_by_the_reader_decides_which_root_log_is_ours(session: MakeSession, home: Home) -> None:
    folder = session(FIRST)
    right = base64.b64decode((home.keys / "host-ed25519.pub").read_text())
    for path in (home.audit / "root.jsonl", home.keys / "host-ed25519"):
        path.unlink()
    assert verify(folder, host_key=right).exit_status == 5


async def test_a_session_that_goes_on_while_it_is_verified_is_not_accused(session: MakeSession, home: Home) -> None:
    session(FIRST)
    root = check_root(home.audit / "root.jsonl")
    folder = home.sessions / "2026" / "11" / "22" / SECOND
    journal = Journal.create(folder, SECOND)
    bus = Bus(journal)
    await bus.record(STARTED)
    assert verify(folder, root=root).problems == ()
    root = check_root(home.audit / "root.jsonl")
    await bus.record(ASKED, call="c")
    await bus.record(ApprovalGranted(subject_sha256="a" * 64, shown_sha256="b" * 64, scope="once"), call="c")
    await journal.anchor()
    await bus.record(ASKED, call="d")
    assert b"vtcode-anchor" in (folder / "journal.jsonl").read_bytes().splitlines()[-1]
    assert verify(folder, root=root).problems == ()
    await bus.close()
