"""What each layer notices, attack by attack; and that a crash is never taken for an attack."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from vtcode_tui.common.home import Home
from vtcode_tui.events import Journal, verify, verify_all
from vtcode_tui.events.anchors import anchor_line
from vtcode_tui.events.chain import walk
from vtcode_tui.events.evidence import Evidence
from vtcode_tui.events.meaning import Sense
from vtcode_tui.events.notes import Key, write_note
from vtcode_tui.events.rootcheck import check_root
from vtcode_tui.events.rootlog import RootHead, RootLog

MakeSession = Callable[..., Path]
ALL = bool(os.environ.get("VTCODE_SOAK"))
FIRST, SECOND = "0197a000-0000-7000-8000-000000000001", "0197a000-0000-7000-8000-000000000002"


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "journal.jsonl").read_bytes().splitlines()


def put(folder: Path, lines: list[bytes]) -> None:
    (folder / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def rechain(lines: list[bytes]) -> list[bytes]:
    """Make the chain true again, as a forger would who has no key."""
    head, out = "0" * 64, []
    for line in lines:
        body, _, _ = line.rpartition(b'"prev":"')
        out.append(body + b'"prev":"%b"}' % head.encode())
        head = hashlib.sha256(out[-1]).hexdigest()
    return out


def forge(lines: list[bytes], key: Key, session: str) -> list[bytes]:
    """Re-chain and re-sign everything with a fresh key."""
    head, out = "0" * 64, []
    for seq, line in enumerate(lines):
        event = json.loads(line)
        if "root_anchor" in event["data"]:
            event["data"]["root_anchor"] = ""
        if event["type"] == "session.started":
            event["data"]["log_key"] = key.public_text
        if event["type"] == "log.checkpoint":
            event["data"].update(size=seq, head=head, note=write_note(key, f"vtcode/{session}", seq, head))
        event["seq"], event["prev"] = seq, head
        out.append(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode())
        head = hashlib.sha256(out[-1]).hexdigest()
    return out


def checkpoints(lines: list[bytes]) -> list[int]:
    return [number for number, line in enumerate(lines) if b'"type":"log.checkpoint"' in line]


def test_an_untouched_session_is_sealed(session: MakeSession) -> None:
    report = verify(session())
    assert (report.state, report.exit_status, report.problems) == ("sealed", 0, ())
    assert report.trusted == report.events - 1


def test_a_flipped_byte_anywhere_is_noticed_by_chain_or_checkpoint(session: MakeSession) -> None:
    whole = (session(calls=1) / "journal.jsonl").read_bytes()
    last_line = whole.rstrip(b"\n").rfind(b"\n") + 1
    for at in range(0, len(whole) - 1, 1 if ALL else 17):
        flipped = BytesIO(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        found = walk(flipped, keys=None, wanted=(), meaning=Sense())
        # In the very last line only the root log knows what should have stood there.
        assert found.problems or not found.final or found.torn or at >= last_line, at
        if found.problems and at < last_line:
            assert {problem.layer for problem in found.problems} & {"chain", "checkpoint"}


def test_a_flipped_byte_in_the_last_line_is_noticed_by_the_root_log(session: MakeSession) -> None:
    folder = session(calls=1)
    whole = (folder / "journal.jsonl").read_bytes()
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for at in range(start, len(whole), 1 if ALL else 5):
        (folder / "journal.jsonl").write_bytes(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        assert verify(folder).exit_status == 5, at


@pytest.mark.parametrize("at", [0, 3, 9, -2])
def test_a_deleted_line_is_noticed_by_the_chain(session: MakeSession, at: int) -> None:
    folder = session()
    lines = lines_of(folder)
    del lines[at]
    put(folder, lines)
    report = verify(folder)
    assert (report.exit_status, report.layer) == (5, "chain")
    assert report.first_bad == (at if at >= 0 else len(lines) + at + 1)


def test_reordered_lines_are_noticed_by_the_chain(session: MakeSession) -> None:
    folder = session()
    lines = lines_of(folder)
    lines[4], lines[5] = lines[5], lines[4]
    put(folder, lines)
    report = verify(folder)
    assert (report.exit_status, report.layer, report.first_bad) == (5, "chain", 4)


def test_the_last_trustworthy_checkpoint_is_named(session: MakeSession) -> None:
    folder = session()
    lines = lines_of(folder)
    marks = checkpoints(lines)
    at = marks[1] + 3
    lines[at] = lines[at].replace(b'"turn":1', b'"turn":2')
    put(folder, lines)
    report = verify(folder)
    assert (report.exit_status, report.layer, report.first_bad, report.trusted) == (5, "chain", at, marks[1])


def test_a_session_cut_at_any_line_is_noticed_by_the_root_log(session: MakeSession) -> None:
    folder = session()
    lines = lines_of(folder)
    for size in range(len(lines)):
        put(folder, lines[:size])
        report = verify(folder)
        assert (report.exit_status, report.layer) == (5, "root"), size


def test_without_a_root_log_a_cut_back_journal_passes_as_open_and_says_what_it_cannot_know(
    session: MakeSession, tmp_path: Path
) -> None:
    folder = session()
    alone = tmp_path / "alone"
    alone.mkdir()
    lines = lines_of(folder)
    put(alone, lines[: checkpoints(lines)[0] + 1])
    report = verify(alone)
    assert report.state == "open"
    assert any("no root log" in note for note in report.notes)


def test_a_changed_line_that_was_chained_again_is_noticed_by_the_checkpoint(session: MakeSession) -> None:
    folder = session()
    lines = lines_of(folder)
    lines[3] = lines[3].replace(b'"turn":1', b'"turn":2')
    put(folder, rechain(lines))
    report = verify(folder)
    assert (report.exit_status, report.layer) == (5, "checkpoint")
    assert report.trusted == 0


def test_a_forgery_with_a_fresh_session_key_is_noticed_by_the_root_log(
    session: MakeSession, tmp_path: Path
) -> None:
    folder = session()
    forged = forge(lines_of(folder), Key(), FIRST)
    put(folder, forged)
    report = verify(folder)
    assert report.exit_status == 5
    assert {problem.layer for problem in report.problems} >= {"root"}
    alone = tmp_path / "alone"
    alone.mkdir()
    put(alone, forged)
    assert verify(alone).state == "sealed", "the chain and its checkpoints alone cannot know"


def test_something_added_after_the_end_is_noticed_by_the_root_log(session: MakeSession) -> None:
    folder = session()
    lines = lines_of(folder)
    put(folder, rechain([*lines, lines[2].replace(b'"seq":2', b'"seq":%d' % len(lines))]))
    assert verify(folder).exit_status == 5
    put(folder, lines)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"v":1,')
    report = verify(folder)
    assert (report.exit_status, report.layer) == (5, "root")


def test_a_removed_session_is_missed_by_its_lines_in_the_root_log(session: MakeSession, home: Home) -> None:
    session(FIRST)
    shutil.rmtree(session(SECOND))
    reports, problems = verify_all(home.sessions)
    assert [report.state for report in reports] == ["sealed"]
    assert [problem.text for problem in problems] == [
        f"session {SECOND} is in the root log and its journal is gone"
    ]


def root_lines(home: Home) -> list[bytes]:
    return (home.audit / "root.jsonl").read_bytes().splitlines()


def test_a_session_removed_together_with_its_root_lines_is_noticed_by_the_root_chain(
    session: MakeSession, home: Home
) -> None:
    shutil.rmtree(session(FIRST))
    session(SECOND)
    kept = [line for line in root_lines(home) if FIRST.encode() not in line]
    (home.audit / "root.jsonl").write_bytes(b"\n".join(kept) + b"\n")
    reports, problems = verify_all(home.sessions)
    assert problems[0].layer == "root"
    assert reports[0].exit_status == 5


def test_a_root_log_chained_again_without_the_host_key_is_noticed(session: MakeSession, home: Home) -> None:
    shutil.rmtree(session(FIRST))
    session(SECOND)
    kept = [line for line in root_lines(home) if FIRST.encode() not in line]
    head, out = "0" * 64, []
    for seq, line in enumerate(kept):
        value = json.loads(line)
        value["seq"], value["prev"] = seq, head
        out.append(json.dumps(value, separators=(",", ":")).encode())
        head = hashlib.sha256(out[-1]).hexdigest()
    (home.audit / "root.jsonl").write_bytes(b"\n".join(out) + b"\n")
    assert "not signed by its host key" in verify_all(home.sessions)[1][0].text


def anchor_now(home: Home) -> str:
    """What a session's end leaves in the system's log."""
    root = RootLog(home.audit, home.keys)
    found = check_root(home.audit / "root.jsonl")
    return f"Nov 22 21:00:00 box vtcode[1]: {anchor_line(root.host_key(), RootHead(found.size, found.head))}\n"


def test_a_root_log_that_was_rolled_back_is_noticed_by_an_anchor_and_by_nothing_else(
    session: MakeSession, home: Home
) -> None:
    session(FIRST)
    before = (home.audit / "root.jsonl").read_bytes()
    newest = session(SECOND)
    anchor = Evidence(anchor_now(home), given=True)
    assert not verify_all(home.sessions, evidence=anchor)[1]
    shutil.rmtree(newest)
    (home.audit / "root.jsonl").write_bytes(before)
    reports, problems = verify_all(home.sessions)
    assert (problems, reports[0].state) == ([], "sealed")
    reports, problems = verify_all(home.sessions, evidence=anchor)
    assert problems[0].layer == "anchor"
    assert reports[0].exit_status == 5


def test_a_full_forgery_with_the_stolen_host_key_is_noticed_by_an_anchor(session: MakeSession, home: Home) -> None:
    folder = session(FIRST)
    anchor = Evidence(anchor_now(home), given=True)
    lines = lines_of(folder)
    (home.audit / "root.jsonl").unlink()
    key = Key()
    root = RootLog(home.audit, home.keys)
    opened = root.append("open", FIRST, {"log_key": key.public_text, "size": 0, "head": "0" * 64})
    lines[0] = lines[0].replace(json.loads(lines[0])["data"]["root_head"].encode(), opened.head.encode())
    forged = forge(lines, key, FIRST)
    put(folder, forged)
    root.append("close", FIRST, {"size": len(forged), "head": hashlib.sha256(forged[-1]).hexdigest()})
    assert verify(folder).state == "sealed"
    assert verify(folder, evidence=anchor).exit_status == 5


def test_another_host_key_is_noticed_when_the_right_one_is_given(session: MakeSession, home: Home) -> None:
    folder = session(FIRST)
    right = base64.b64decode((home.keys / "host-ed25519.pub").read_text())
    assert verify(folder, host_key=right).state == "sealed"
    assert verify(folder, host_key=Key().public).exit_status == 5


def test_a_required_anchor_that_is_missing_has_its_own_status(session: MakeSession, home: Home) -> None:
    folder = session(FIRST)
    foreign = Evidence(f"vtcode-anchor v1 3 {'0' * 64} {base64.b64encode(bytes(68)).decode()}\n", given=True)
    report = verify(folder, evidence=foreign)
    assert (report.state, report.exit_status, report.anchored) == ("unanchored", 7, False)
    report = verify(folder, evidence=Evidence(anchor_now(home), given=True))
    assert (report.state, report.exit_status, report.anchored) == ("sealed", 0, True)


def test_a_copy_that_an_exporter_took_is_an_anchor_of_its_own(session: MakeSession, home: Home) -> None:
    folder = session(FIRST)
    copy = (folder / "journal.jsonl").read_text()
    assert verify(folder, evidence=Evidence(copy, given=True)).anchored
    shutil.rmtree(home.audit)
    key = Key()
    root = RootLog(home.audit, home.keys)
    opened = root.append("open", FIRST, {"log_key": key.public_text, "size": 0, "head": "0" * 64})
    lines = lines_of(folder)
    lines[0] = lines[0].replace(json.loads(lines[0])["data"]["root_head"].encode(), opened.head.encode())
    forged = forge(lines, key, FIRST)
    put(folder, forged)
    root.append("close", FIRST, {"size": len(forged), "head": hashlib.sha256(forged[-1]).hexdigest()})
    assert verify(folder).state == "sealed"
    report = verify(folder, evidence=Evidence(copy, given=True))
    assert (report.exit_status, report.layer) == (5, "anchor")


def test_a_crash_at_any_byte_is_never_taken_for_tampering(session: MakeSession) -> None:
    folder = session(calls=2, close=False)
    whole = (folder / "journal.jsonl").read_bytes()
    starts = {0} | {at + 1 for at, byte in enumerate(whole) if byte == 10}
    for cut in range(0, len(whole) + 1, 1 if ALL else 31):
        (folder / "journal.jsonl").write_bytes(whole[:cut])
        report = verify(folder)
        assert report.problems == ()
        assert report.state == ("open" if cut in starts else "torn")


def test_a_session_that_crashed_and_was_continued_is_sealed_in_the_end(session: MakeSession) -> None:
    folder = session(close=False)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"v":1,"seq":')
    journal = Journal.reopen(folder)
    journal.close()
    report = verify(folder)
    assert (report.state, report.problems) == ("sealed", ())


def test_a_live_session_is_open(session: MakeSession, home: Home) -> None:
    folder = session(close=True)
    journal = Journal.reopen(folder)
    assert journal.log_key
    assert verify(folder).state == "open"
    journal.close()
    assert verify(folder).state == "sealed"
