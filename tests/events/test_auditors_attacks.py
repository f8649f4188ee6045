"""What a hostile auditor tried by hand, and what noticed it.

Lines are rewritten so that some JSON reader takes them for the same, files are not what they seem, the root log is
shuffled; none of it hangs or exhausts the verifier.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from tests.events.test_tampering import FIRST, SECOND, checkpoints, lines_of, put, rechain
from vtcode_tui.common.home import Home
from vtcode_tui.events import Journal, verify, verify_all
from vtcode_tui.events.evidence import Evidence
from vtcode_tui.events.rootcheck import LONGEST_LINE, check_root

MakeSession = Callable[..., Path]


def reordered(line: bytes) -> bytes:
    event = json.loads(line)
    prev = event.pop("prev")
    return json.dumps(dict(sorted(event.items())) | {"prev": prev}, separators=(",", ":")).encode()


def decomposed(line: bytes) -> bytes:
    return unicodedata.normalize("NFD", line.decode()).encode()


LINES: dict[str, Callable[[bytes], bytes]] = {
    "a key stands twice in data": lambda line: line.replace(b'"data":{', b'"data":{"a":1,"a":2,', 1),
    "the type stands twice": lambda line: line.replace(b',"prev":', b',"type":"session.ended","prev":', 1),
    "a number has a fraction": lambda line: line.replace(b'"turn":1,', b'"turn":1.0,', 1),
    "a number is negative": lambda line: line.replace(b'"mono_ns":', b'"mono_ns":-', 1),
    "a key is escaped": lambda line: line.replace(b'"type":"', b'"\\u0074ype":"', 1),
    "a letter is escaped": lambda line: line.replace(b'"pytest', b'"\\u0070ytest', 1),
    "the keys are sorted": reordered,
    "unicode is decomposed": decomposed,
    "a tab stands between": lambda line: line.replace(b',"seq"', b',\t"seq"', 1),
    "a space begins it": lambda line: b" " + line,
    "a space ends it": lambda line: line + b" ",
    "a carriage return ends it": lambda line: line + b"\r",
    "a NUL is in it": lambda line: line.replace(b'"v":1', b'"v":1\0', 1),
    "infinity is in it": lambda line: line.replace(b'"data":{', b'"data":{"a":Infinity,', 1),
    "a later version is claimed": lambda line: line.replace(b'"v":1', b'"v":2', 1),
    "its digest is in capitals": lambda line: line[:-66] + line[-66:].upper(),
    "it is nested without end": lambda line: line.replace(b'"data":{', b'"data":{"a":' + b"[" * 9999, 1),
}


@pytest.mark.parametrize("how", LINES)
def test_a_line_that_is_written_otherwise_is_noticed_also_when_everything_is_chained_again(
    session: MakeSession, how: str
) -> None:
    folder = session()
    lines = lines_of(folder)
    at = next(number for number, line in enumerate(lines) if b'"exec.started"' in line)
    lines[at] = lines[at].replace(b"/home/alice/app", "/home/álice/app".encode())
    lines = rechain(lines)
    changed = LINES[how](lines[at])
    assert changed != lines[at]
    lines[at] = changed
    put(folder, lines)
    assert (verify(folder).state, verify(folder).layer) == ("tampered", "chain")
    if changed.endswith(b'"}'):
        put(folder, rechain(lines))
        assert verify(folder).state == "tampered"


def whole(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def done(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return done


def shuffled(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    return whole(lambda raw: b"".join(change(raw.splitlines(keepends=True))))


FILES = {
    "a byte order mark": (whole(lambda raw: b"\xef\xbb\xbf" + raw), "chain"),
    "line breaks of Windows": (whole(lambda raw: raw.replace(b"\n", b"\r\n")), "chain"),
    "an empty line at the end": (whole(lambda raw: raw + b"\n"), "chain"),
    "an empty line within": (whole(lambda raw: raw.replace(b"\n", b"\n\n", 1)), "chain"),
    "UTF-16": (whole(lambda raw: raw.decode().encode("utf-16")), "chain"),
    "zeros at the end": (whole(lambda raw: raw + bytes(4096)), "root"),
    "no last line break": (whole(lambda raw: raw[:-1]), "root"),
    "nothing at all": (whole(lambda raw: b""), "root"),
}


@pytest.mark.parametrize("how", FILES)
def test_a_file_that_is_stored_otherwise_is_noticed_and_by_the_shell_script_where_that_can(
    session: MakeSession, how: str
) -> None:
    folder = session()
    change, layer = FILES[how]
    change(folder / "journal.jsonl")
    report = verify(folder)
    assert (report.state, report.layer) == ("tampered", layer)
    script = files("vtcode_tui.events") / "verify.sh"
    if how != "nothing at all":
        run = subprocess.run(["sh", str(script), str(folder / "journal.jsonl")], capture_output=True)
        assert run.returncode in {5, 6}


ROOTS = {
    "two lines changed places": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "a line stands twice": lambda lines: [*lines, lines[-1]],
    "a line is gone": lambda lines: [*lines[:2], *lines[3:]],
    "a byte order mark": lambda lines: [b"\xef\xbb\xbf" + lines[0], *lines[1:]],
    "line breaks of Windows": lambda lines: [line.replace(b"\n", b"\r\n") for line in lines],
    "an empty line": lambda lines: [*lines, b"\n"],
    "nothing at all": lambda lines: [],
    "the closing is gone": lambda lines: [line for line in lines if b'"type":"close"' not in line],
}


@pytest.mark.parametrize("how", ROOTS)
def test_a_root_log_that_was_touched_is_named_as_the_layer_and_no_session_key_is_blamed(
    session: MakeSession, home: Home, how: str
) -> None:
    folder = session()
    shuffled(ROOTS[how])(home.audit / "root.jsonl")
    report = verify(folder)
    assert (report.state, report.layer) == ("tampered", "root")


def test_a_session_that_the_root_log_does_not_know_has_nothing_that_can_be_trusted(
    session: MakeSession, home: Home
) -> None:
    folder = session()
    (home.audit / "root.jsonl").unlink()
    report = verify(folder)
    assert (report.state, report.layer, report.trusted) == ("tampered", "root", 0)


def test_two_folders_that_claim_one_session_are_both_named(session: MakeSession, home: Home) -> None:
    folder, other = session(FIRST), session(SECOND)
    copy = home.sessions / "2026" / "11" / "23" / FIRST
    shutil.copytree(folder, copy)
    reports, _ = verify_all(home.sessions)
    assert sorted((one.path, one.state) for one in reports) == [
        (folder, "tampered"),
        (other, "sealed"),
        (copy, "tampered"),
    ]
    for report in (*(one for one in reports if one.session == FIRST), verify(copy), verify(folder)):
        (problem,) = report.problems
        assert (problem.layer, "is claimed by 2 folders" in problem.text) == ("root", True)
        assert str(folder) in problem.text
        assert str(copy) in problem.text


@pytest.mark.parametrize("which", ["journal", "folder", "root log"])
def test_a_link_in_the_place_of_evidence_is_noticed(
    session: MakeSession, home: Home, tmp_path: Path, which: str
) -> None:
    folder = session()
    place = {"journal": folder / "journal.jsonl", "folder": folder, "root log": home.audit / "root.jsonl"}[which]
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    report = verify(folder)
    assert (report.state, report.layer) == ("tampered", "root")
    assert f"{place} is a symbolic link" in report.problems[0].text


def as_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def as_a_hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(8 << 30)


@pytest.mark.parametrize("become", [os.mkfifo, as_device, as_a_hole, Path.mkdir])
def test_a_high_water_mark_that_is_no_file_hangs_and_exhausts_nothing(
    session: MakeSession, home: Home, become: Callable[[Path], None]
) -> None:
    folder = session(close=False)
    mark = home.audit / "watermarks" / folder.name
    mark.unlink()
    become(mark)
    (problem,) = verify(folder).problems
    assert "its high-water mark beside the root log is gone or changed" in problem.text


@pytest.mark.parametrize("become", [os.mkfifo, as_device, as_a_hole])
def test_a_torn_line_that_was_kept_and_became_something_else_is_missed(
    session: MakeSession, become: Callable[[Path], None]
) -> None:
    folder = session(close=False)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"v":1,"seq"')
    Journal.reopen(folder).close()
    assert verify(folder).state == "sealed"
    kept = folder / "journal.torn-1"
    kept.unlink()
    become(kept)
    if become is as_a_hole:
        os.truncate(kept, 1 << 20)
    (problem,) = verify(folder).problems
    assert (problem.layer, "gone or changed" in problem.text) == ("meaning", True)


def test_a_root_log_without_line_breaks_is_read_in_bounded_pieces(session: MakeSession, home: Home) -> None:
    folder = session()
    path = home.audit / "root.jsonl"
    os.truncate(path, 8 << 30)
    root = check_root(path)
    assert f"line {root.size + 1} of the root log is longer than any" in root.problems[0].text
    assert root.read < 3 * LONGEST_LINE
    assert (verify(folder).state, verify(folder).layer) == ("tampered", "root")


COPIES = {
    "an event that is nested without end": '{"v":1,"seq":' + "[" * 100_000,
    "an event in an event without end": '{"v":1,"seq":' * 50_000,
    "a request that is nested without end": '{\\"seq\\":' + "[" * 100_000,
    "CEF that begins again and again": "CEF:0|" + " cs1=a cs2Label=" * 60_000,
    "CEF that never ends": "CEF:0|" + (" cs1=a cs2Label=x cs4=" + "a" * 64) * 20_000,
    "an anchor that begins again and again": "vtcode-anchor v1 1 " * 60_000,
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_that_was_prepared_for_its_reader_vouches_for_nothing_and_is_read_in_time(
    session: MakeSession, how: str
) -> None:
    # Read anew from every place in it, none of these would come to an end today.
    report = verify(session(), evidence=Evidence(COPIES[how], given=True))
    assert (report.state, report.problems) == ("unanchored", ())


def test_a_checkpoint_of_another_session_is_not_taken_for_one_of_this(session: MakeSession) -> None:
    one, two = session(FIRST), session(SECOND)
    mine, theirs = lines_of(one), lines_of(two)
    at = checkpoints(mine)[0]
    note = json.loads(theirs[checkpoints(theirs)[0]])["data"]["note"]
    event = json.loads(mine[at])
    event["data"]["note"] = note
    mine[at] = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    put(one, rechain(mine))
    report = verify(one)
    assert (report.state, report.layer, report.first_bad) == ("tampered", "checkpoint", at)


def test_a_clock_that_was_set_back_is_a_note_that_names_both_times(session: MakeSession, tmp_path: Path) -> None:
    folder = session()
    lines = lines_of(folder)
    lines[3] = lines[3].replace(b'"time":"20', b'"time":"21', 1)
    loose = tmp_path / "loose" / "journal.jsonl"
    loose.parent.mkdir()
    loose.write_bytes(b"".join(line + b"\n" for line in rechain(lines[: checkpoints(lines)[0]])))
    notes = verify(loose.parent).notes
    assert any("event 4: the clock was set back" in note for note in notes)
