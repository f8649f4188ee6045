from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.common.errors import UsageError
from vtcode_tui.terminal import Moment, Recorder, Recording, Screen


class Ticking:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 20, 0, tzinfo=UTC)

    def monotonic_ns(self) -> int:
        return self.ns

    def pass_ms(self, milliseconds: float) -> None:
        self.ns += int(milliseconds * 1_000_000)


def test_a_recording_reads_back_as_it_happened(tmp_path: Path) -> None:
    clock = Ticking()
    with Recorder(tmp_path / "pty" / "call.cast", 80, 24, clock, command="make test") as recorder:
        clock.pass_ms(250)
        recorder.output(b"hello \xe6\xbc")
        clock.pass_ms(100)
        recorder.output(b"\xa2\r\n")
        recorder.resize(100, 30)
        recorder.marker("approved")
        clock.pass_ms(1000)
        recorder.input(b"q")
        recorder.exit(3)
    recording = Recording(tmp_path / "pty" / "call.cast")
    assert (recording.header.columns, recording.header.rows, recording.header.command) == (80, 24, "make test")
    assert recording.header.timestamp == 1795377600
    assert list(recording.moments()) == [
        Moment(0.25, "o", "hello "),
        Moment(0.35, "o", "漢\r\n"),
        Moment(0.35, "r", "100x30"),
        Moment(0.35, "m", "approved"),
        Moment(1.35, "i", "q"),
        Moment(1.35, "x", "3"),
    ]
    assert [moment.size for moment in recording.moments()][2] == (100, 30)
    assert recording.duration == 1.35


def test_the_lines_are_what_asciicast_v3_asks_for(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.cast", 80, 24, Ticking()) as recorder:
        recorder.output("\x1b[1m漢".encode())
    header, line = (tmp_path / "a.cast").read_text().splitlines()
    assert json.loads(header) == {
        "version": 3,
        "term": {"cols": 80, "rows": 24, "type": "xterm-256color"},
        "timestamp": 1795377600,
    }
    assert json.loads(line) == [0.0, "o", "\x1b[1m漢"]


def test_times_do_not_drift_over_many_short_steps(tmp_path: Path) -> None:
    clock = Ticking()
    with Recorder(tmp_path / "a.cast", 80, 24, clock) as recorder:
        for _ in range(1000):
            clock.pass_ms(0.6)
            recorder.output(b"x")
    assert abs(Recording(tmp_path / "a.cast").duration - 0.6) < 0.002


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.cast", 80, 24, Ticking()) as recorder:
        recorder.output(b"one")
        recorder.output(b"two")
    whole = (tmp_path / "a.cast").read_bytes()
    (tmp_path / "torn.cast").write_bytes(whole[:-4])
    assert [moment.text for moment in Recording(tmp_path / "torn.cast").moments()] == ["one"]


def test_output_past_the_limit_is_not_recorded_and_that_is_said(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.cast", 80, 24, Ticking(), limit=10) as recorder:
        for _ in range(5):
            recorder.output(b"12345")
        recorder.exit(0)
    codes = [moment.code for moment in Recording(tmp_path / "a.cast").moments()]
    assert codes == ["o", "o", "m", "x"]


def test_comments_and_codes_of_later_versions_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text('{"version": 3, "term": {"cols": 80, "rows": 24}}\n# note\n[1, "z", {}]\n[1, "o", "x"]\n')
    assert list(Recording(path).moments()) == [Moment(2.0, "o", "x")]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[]",
        "not json",
        '{"version": 2, "width": 80, "height": 24}',
        '{"version": 3, "term": {"cols": 0, "rows": 1}}',
        "[" * 100000,
        '{"version": 3}',
        '{"version": 3, "term": {"cols": "x", "rows": 24}}',
    ],
)
def test_what_is_no_recording_is_refused_with_its_name(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.cast"
    path.write_text(header + "\n")
    with pytest.raises(UsageError, match=r"a\.cast"):
        Recording(path)


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_replayed_recording_gives_the_same_screen(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("cast") / "a.cast"
    live, replayed = Screen(20, 5), Screen(20, 5)
    with Recorder(path, 20, 5, Ticking()) as recorder:
        for piece in pieces:
            live.feed(piece)
            recorder.output(piece)
        recorder.exit(0)
    for moment in Recording(path).moments():
        if moment.code == "o":
            replayed.feed(moment.text.encode())
    ends_whole = b"".join(pieces).decode("utf-8", "ignore").encode() == b"".join(pieces)
    if ends_whole:
        assert [live.runs(row) for row in range(5)] == [replayed.runs(row) for row in range(5)]
