"""Evidence that was prepared for its auditor: it hangs nothing, exhausts nothing, and is called by its name."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from tests.events.conftest import story, write
from tests.events.test_tampering import FIRST, SECOND, lines_of, put
from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.home import Home
from vtcode_tui.events import Journal, verify, verify_all
from vtcode_tui.events.chain import walk
from vtcode_tui.events.lines import MAXIMUM, event_of, read_events, read_lines
from vtcode_tui.events.meaning import Sense
from vtcode_tui.events.notes import Key
from vtcode_tui.events.rootcheck import check_root
from vtcode_tui.events.spelling import Around

MakeSession = Callable[..., Path]
KINDS = sorted(kind.decode() for kind in Sense.reads | {b"session.started", b"log.checkpoint", b"log.recovered"})


def raw(**changed: Any) -> bytes:
    """The first line of a journal."""
    event: dict[str, Any] = {
        "v": 1, "seq": 0, "id": "i", "time": "2026-11-22T00:00:00.000Z", "mono_ns": 1, "type": "session.started",
        "severity": "info", "outcome": "success", "session": "s", "turn": 0, "call": None, "parent": None,
        "actor": {"kind": "system", "id": "vtcode", "auth": None}, "data": {},
    }  # fmt: skip
    return json.dumps({**event, **changed, "prev": "0" * 64}, separators=(",", ":")).encode()


def walked(line: bytes) -> list[str]:
    return [problem.text for problem in walk(BytesIO(line + b"\n"), keys=None, wanted=(), meaning=Sense()).problems]


@pytest.mark.parametrize("field", [b'"seq":0', b'"mono_ns":1'])
def test_a_number_of_thousands_of_digits_is_no_event(field: bytes) -> None:
    name, _, _ = field.partition(b":")
    assert walked(raw().replace(field, name + b":" + b"9" * 5000)) == ["line 1 is not the event 0 of a journal"]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
FIELDS = st.sampled_from(
    ["scope", "subject_sha256", "shown_sha256", "statement", "signature", "via", "decision", "profile_sha256",
     "path", "sandbox_sha256", "staged", "before_sha256", "kind", "note", "size", "head", "root_anchor",
     "log_key", "file"]
)  # fmt: skip


@settings(max_examples=examples(150, 5_000))
@given(kind=st.sampled_from(KINDS), data=st.dictionaries(FIELDS, ODD, max_size=6), actor=ODD, call=ODD)
def test_fields_of_any_type_end_in_a_verdict(kind: str, data: dict[str, Any], actor: Any, call: Any) -> None:
    for changed in ({}, {"actor": actor}, {"call": call}):
        walked(raw(type=kind, data=data, **changed))


@pytest.mark.parametrize(
    "size", [b"Infinity", b"1e400", b"-1", b"true", b'"3"', b"9" * 5000, b"[" * 50_000 + b"]" * 50_000]
)
def test_a_root_line_with_a_monstrous_size_is_named(session: MakeSession, home: Home, size: bytes) -> None:
    session()
    path = home.audit / "root.jsonl"
    lines = path.read_bytes().splitlines()
    at = next(number for number, line in enumerate(lines) if b'"size":' in line)
    head, _, rest = lines[at].partition(b'"size":')
    lines[at] = head + b'"size":' + size + rest.lstrip(b"0123456789")
    path.write_bytes(b"\n".join(lines) + b"\n")
    (problem,) = check_root(path).problems
    assert problem.text.startswith(f"line {at + 1} of the root log cannot be read")


def test_nesting_without_end_is_no_event_for_any_reader() -> None:
    with pytest.raises(JournalError, match="not an event"):
        event_of(raw().replace(b'"data":{}', b'"data":' + b"[" * 100_000 + b"]" * 100_000))


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


def as_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("become", [as_pipe, as_device, Path.mkdir])
def test_a_journal_that_is_no_file_hangs_nobody_and_hides_no_other_session(
    session: MakeSession, home: Home, become: Callable[[Path], None]
) -> None:
    one, two = session(FIRST), session(SECOND)
    (one / "journal.jsonl").unlink()
    become(one / "journal.jsonl")
    reports, _ = verify_all(home.sessions)
    assert [(report.session, report.state) for report in reports] == [(FIRST, "tampered"), (SECOND, "sealed")]
    assert "cannot be read" in reports[0].problems[0].text
    with pytest.raises(JournalError, match="cannot be read"):
        list(read_events(one))
    with pytest.raises(JournalError, match=r"cannot be (read|opened)"):
        Journal.reopen(one)
    assert verify(two).state == "sealed"


def test_a_root_log_that_is_a_pipe_is_said_to_be_one(session: MakeSession, home: Home) -> None:
    folder = session()
    (home.audit / "root.jsonl").unlink()
    os.mkfifo(home.audit / "root.jsonl")
    with pytest.raises(JournalError, match="not a regular file"):
        verify(folder)


def test_a_line_without_an_end_is_read_in_bounded_pieces(session: MakeSession) -> None:
    import tracemalloc

    folder = session(close=False)
    with (folder / "journal.jsonl").open("r+b") as file:
        # A hole: gigabytes to read, and nothing on the disk.
        file.truncate(8 << 30)
    tracemalloc.start()
    try:
        report = verify(folder)
        pieces = iter(read_lines(folder))
        assert len(next(pieces)) < MAXIMUM
        assert tracemalloc.get_traced_memory()[1] < 6 * MAXIMUM
    finally:
        tracemalloc.stop()
    assert (report.state, report.layer, report.first_bad) == ("tampered", "chain", report.events)


def test_a_journal_in_the_folder_of_another_session_accuses_that_folder(session: MakeSession, home: Home) -> None:
    one, two = session(FIRST), session(SECOND)
    shutil.copy(two / "journal.jsonl", one / "journal.jsonl")
    reports, _ = verify_all(home.sessions)
    assert [(report.session, report.state) for report in reports] == [(FIRST, "tampered"), (SECOND, "sealed")]
    assert reports[0].problems[0].text == f"the journal of session {FIRST} holds events of session {SECOND}"


def test_the_end_of_one_session_cannot_be_sewn_to_the_beginning_of_another(session: MakeSession) -> None:
    one, two = session(FIRST), session(SECOND)
    for at in (1, 5, 12):
        mine = lines_of(one)
        put(one, [*mine[:at], *lines_of(two)[at:]])
        report = verify(one)
        assert (report.state, report.layer, report.trusted <= at) == ("tampered", "chain", True)
        put(one, mine)
    assert verify(one).state == "sealed"


def statement(**changed: str) -> str:
    said = {"decision": "granted", "session": "s", "call": "c", "scope": "once", "rule": "", "auth": "os-user"}
    said |= {"subject_sha256": "a", "shown_sha256": "b", "policy_sha256": "p", "nonce": "n", "prev": "h"}
    return json.dumps(said | changed)


def granted(said: str) -> dict[str, Any]:
    data = {"subject_sha256": "a", "shown_sha256": "b", "scope": "once", "statement": said, "signature": ""}
    return data | {"rule": ""}


def test_an_approval_of_another_session_and_one_that_is_used_twice_are_named_without_any_file_of_signers() -> None:
    system, human = Around("s", "c", "system", None), Around("s", "c", "human", None)
    asked = {"subject_sha256": "a", "shown_sha256": "b"}
    decided = {"decision": "prompt", "subject_sha256": "a", "policy_sha256": "p"}
    for said, wrong in (
        (statement(), []),
        (statement(session="t"), ["holds a statement about something else: session"]),
        (statement(subject_sha256="x", call="d"), ["holds a statement about something else: call, subject_sha256"]),
    ):
        sense = Sense()
        sense(0, b"policy.decided", system, decided, "h")
        sense(0, b"approval.requested", system, asked, "h")
        first = sense(1, b"approval.granted", human, granted(said), "h")
        assert [problem.text.partition(") ")[2] for problem in first] == wrong
        again = [
            problem.text.partition(") ")[2] for problem in sense(2, b"approval.granted", human, granted(said), "h")
        ]
        assert again == ["holds a statement that was used before"]


# What a crash or a full disk leaves beside the journals.


@pytest.mark.parametrize("left", [b"", b"AAAA\n", b"\xff\xfe"])
def test_half_a_host_key_is_named_with_its_file(home: Home, left: bytes) -> None:
    home.keys.mkdir(parents=True)
    (home.keys / "host-ed25519").write_bytes(left)
    with pytest.raises(JournalError, match=r"keys/host-ed25519 is no host key"):
        begun(home)


CUT_SHORT = """
import resource, signal, sys
from pathlib import Path

from tests.amount import examples
from vtcode_tui.events.rootlog import RootLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
RootLog(Path(sys.argv[1]) / "audit", Path(sys.argv[1]) / "keys").host_key()
"""


def test_a_host_key_that_the_disk_did_not_take_whole_is_not_there_at_all(home: Home) -> None:
    made = subprocess.run(
        [sys.executable, "-c", CUT_SHORT, str(home.state)], capture_output=True, text=True, check=False
    )
    assert "File too large" in made.stderr
    assert not (home.keys / "host-ed25519").exists()
    begun(home).close()
    assert [report.state for report in verify_all(home.sessions)[0]] == ["sealed"]


@pytest.mark.parametrize("other", [True, False], ids=["another key", "no key"])
def test_a_root_log_is_never_continued_with_another_key(session: MakeSession, home: Home, other: bool) -> None:
    folder = session()
    key = home.keys / "host-ed25519"
    before, log = key.read_bytes(), (home.audit / "root.jsonl").read_bytes()
    key.unlink()
    if other:
        key.write_bytes(base64.b64encode(Key().seed()))
    with pytest.raises(JournalError, match=r"host-ed25519 is (not|gone).*put it back"):
        begun(home)
    assert (home.audit / "root.jsonl").read_bytes() == log
    key.write_bytes(before)
    begun(home).close()
    assert verify(folder).state == "sealed"


def test_the_space_held_back_is_never_made_through_a_link(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    folder = home.sessions / "2026" / "11" / "22" / SECOND
    folder.mkdir(parents=True)
    (folder / ".reserve").symlink_to(target)
    Journal.create(folder, SECOND).close()
    assert target.read_text() == "mine"


def begun(home: Home) -> Journal:
    journal = Journal.create(home.sessions / "2026" / "11" / "23" / SECOND, SECOND)
    try:
        write(journal, story(1))
    except JournalError:
        journal.abandon()
        shutil.rmtree(journal.folder)
        raise
    return journal
