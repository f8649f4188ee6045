"""Whatever bytes a file holds, reading it ends with an answer or with vtcode's own error."""

from __future__ import annotations

import base64
import contextlib
import tempfile
from io import BytesIO
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.common.errors import JournalError, UsageError
from vtcode_tui.events import event_of, line_of
from vtcode_tui.events.anchors import find_anchors
from vtcode_tui.events.approvals import allowed_signers
from vtcode_tui.events.chain import walk
from vtcode_tui.events.examples import events
from vtcode_tui.events.meaning import Sense
from vtcode_tui.events.notes import Key, read_note, write_note
from vtcode_tui.events.redaction import Redactor
from vtcode_tui.events.rootcheck import check_root
from vtcode_tui.events.sshsig import parse, verifies
from vtcode_tui.events.timeline import line, visible
from vtcode_tui.events.timestamps import read_stamp, request
from vtcode_tui.events.types import ToolRequested, Unrecognised

LINES = [line_of(event) for event in events()]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(LINES), st.data())
@settings(max_examples=examples(150, 5_000))
def test_a_damaged_line_is_an_event_or_an_error(raw: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + data.draw(st.binary(max_size=4)) + raw[at + data.draw(st.integers(0, 4)) :]
    with contextlib.suppress(JournalError):
        line(event_of(damaged))


@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=200), max_size=5))
@settings(max_examples=examples(50, 5_000))
def test_a_walk_over_anything_ends_with_a_verdict(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        path.write_bytes(b"\n".join(pieces))
        found = walk(BytesIO(path.read_bytes()), keys=None, wanted=(), meaning=Sense())
        assert found.problems or found.size == 0 or pieces[0] == LINES[0]
        check_root(path)


@given(JSON)
@settings(max_examples=examples(100, 5_000))
def test_any_arguments_of_a_model_are_written_and_read_back(arguments: object) -> None:
    event = next(event for event in events() if event.type == "tool.requested").model_copy(
        update={
            "data": ToolRequested(
                tool="t", arguments={"a": arguments}, arguments_sha256="", subject_sha256="", cwd="/"
            )
        }
    )
    raw = line_of(event)
    assert b"\n" not in raw
    assert raw.endswith(event.prev.encode() + b'"}')
    back = event_of(raw)
    assert isinstance(back.data, ToolRequested)
    assert line_of(back) == line_of(event_of(line_of(back)))


def test_an_event_of_a_later_version_is_kept_as_it_is() -> None:
    raw = LINES[4].replace(b'"prompt.submitted"', b'"prompt.sung"')
    event = event_of(raw)
    assert isinstance(event.data, Unrecognised)
    assert line_of(event) == raw
    more = LINES[4].replace(b'"origin"', b'"melody":"la","origin"')
    assert isinstance(event_of(more).data, Unrecognised)
    assert line_of(event_of(more)) == more


def armored(raw: bytes) -> str:
    return f"-----BEGIN SSH SIGNATURE-----\n{base64.b64encode(raw).decode()}\n-----END SSH SIGNATURE-----"


@given(st.text() | st.binary().map(armored))
@settings(max_examples=examples(150, 5_000))
def test_no_text_is_taken_for_a_signature(text: str) -> None:
    assert verifies(text, b"message") is None
    with contextlib.suppress(ValueError):
        parse(text)


@given(st.text(), st.integers(0, 200), st.text(max_size=3))
@settings(max_examples=examples(150, 5_000))
def test_no_text_is_taken_for_a_checkpoint(text: str, at: int, more: str) -> None:
    note = write_note(Key(bytes(32)), "vtcode/s", 7, "ab" * 32)
    for candidate in (text, note[:at] + more + note[at + 1 :]):
        with contextlib.suppress(ValueError):
            found = read_note(candidate)
            same = candidate == note
            assert found.signed_by(Key(bytes(32)).public) <= (same or found.text == read_note(note).text)


@given(st.text())
@settings(max_examples=examples(100, 5_000))
def test_a_file_of_signers_is_read_or_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signers"
        path.write_text(text, "utf-8", "surrogateescape")
        with contextlib.suppress(UsageError):
            allowed_signers(path)


@given(st.text())
@settings(max_examples=examples(100, 5_000))
def test_what_is_shown_is_one_printable_line_and_redaction_ends(text: str) -> None:
    assert visible(text).isprintable()
    Redactor(key=b"k").redact(text)
    find_anchors(text)


@given(st.binary())
def test_a_time_stamp_names_its_digest(raw: bytes) -> None:
    assert read_stamp(raw, ()) is None
    assert read_stamp(raw + request("ab" * 32, nonce=1), ()) is None
