"""A long journal is read by two processes, and what is said of it is what one process says."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.conftest import MODEL, STARTED, digest, story, write
from vtcode_tui.common.home import Home
from vtcode_tui.events import Journal, verify
from vtcode_tui.events.spelling import begins
from vtcode_tui.events.types import ExecFinished, ExecStarted, FileChanged, ModelReasoning, SandboxApplied
from vtcode_tui.sandbox import beside

TWO = (os.cpu_count() or 1) > 1
"""A machine with one processor is not made to share it."""
TEXT = ModelReasoning(text="The tests tell. " * 3_000, sha256=digest("t"))


class Watched:
    """`beside`, and whether it gave an answer."""

    def __init__(self) -> None:
        self.answers: list[bool] = []

    @contextmanager
    def __call__(self, work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
        with beside(work) as answer:

            def asked() -> Any:
                found = answer()
                self.answers.append(found is not None)
                return found

            yield asked


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home.from_environment({"VTCODE_HOME": str(tmp_path_factory.mktemp("home"))})
    folder = home.sessions / "2026" / "11" / "22" / "0197a000-0000-7000-8000-000000000001"
    journal = Journal.create(folder, folder.name)
    events = story(3)
    write(journal, events[:30])
    for _ in range(360):
        journal.append(TEXT, actor=MODEL)
    write(journal, events[30:])
    changed = FileChanged(path="app.py", op="update", staged=True, before_sha256="other", after_sha256="more")
    journal.append(changed)
    journal.close()
    return folder


@pytest.fixture
def damaged(long: Path) -> Iterator[Path]:
    path = long / "journal.jsonl"
    whole = path.read_bytes()
    yield path
    path.write_bytes(whole)


def test_a_sound_journal_is_vouched_for_by_both_with_the_same_notes(long: Path) -> None:
    watched = Watched()
    report = verify(long, beside=watched)
    assert report == verify(long)
    assert (report.state, watched.answers) == ("sealed", [TWO])
    assert any("was changed by something else" in note for note in report.notes)


@pytest.mark.parametrize("where", [0.01, 0.6, 0.97])
@pytest.mark.parametrize(
    "what", ["a byte", "a line removed", "two lines changed round", "cut", "torn", "spelled otherwise"]
)
def test_whatever_is_done_to_it_is_named_as_by_one_process(damaged: Path, where: float, what: str) -> None:
    raw = bytearray(damaged.read_bytes())
    lines = bytes(raw).splitlines(keepends=True)
    at = int(len(lines) * where)
    match what:
        case "a byte":
            raw[int(len(raw) * where)] ^= 1
        case "a line removed":
            raw = bytearray(b"".join(lines[:at] + lines[at + 1 :]))
        case "two lines changed round":
            raw = bytearray(b"".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]))
        case "cut":
            raw = bytearray(b"".join(lines[:at]))
        case "torn":
            raw = raw[: int(len(raw) * where)]
        case _:
            lines[at] = lines[at].replace(b'"seq":', b'"seq": ', 1)
            raw = bytearray(b"".join(lines))
    damaged.write_bytes(raw)
    report = verify(damaged.parent, beside=beside)
    assert report.state == "tampered"
    assert report == verify(damaged.parent)


@pytest.fixture
def meaningless(home: Home) -> Path:
    """A chain that is whole, of events that cannot be."""
    folder = home.sessions / "2026" / "11" / "22" / "s1"
    journal = Journal.create(folder, "s1")
    journal.append(STARTED)
    for _ in range(190):
        journal.append(TEXT)
    journal.append(SandboxApplied(tier="full", profile="p", profile_sha256="b"), call="c")
    started = ExecStarted(argv=("ls",), executable="/bin/ls", cwd="/", subject_sha256="a", sandbox_sha256="b")
    journal.append(started, call="c")
    journal.append(ExecFinished(exit_code=0, duration_ms=1), call="d")
    for _ in range(190):
        journal.append(TEXT)
    journal.close()
    return folder


def test_what_was_signed_and_cannot_be_is_named_as_by_one_process(meaningless: Path) -> None:
    report = verify(meaningless, beside=beside)
    assert [problem.layer for problem in report.problems] == ["meaning", "meaning"]
    assert report == verify(meaningless)


def test_a_journal_that_is_exchanged_meanwhile_does_not_show_each_process_another_face(meaningless: Path) -> None:
    path = meaningless / "journal.jsonl"
    told = [re.search(rb'"type":"([a-z_.]+)"', line) for line in path.read_bytes().splitlines()]
    innocent = b"".join(
        line
        for line, kind in zip(path.read_bytes().splitlines(keepends=True), told, strict=True)
        if kind is not None and kind[1] not in (b"exec.started", b"exec.finished", b"sandbox.applied")
    )
    innocent += innocent.splitlines(keepends=True)[-2] * (len(told) - innocent.count(b"\n"))

    @contextmanager
    def exchanged(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
        found = work()
        path.write_bytes(innocent)
        yield lambda: found

    assert verify(meaningless, beside=exchanged).state == "tampered"


def test_a_process_that_dies_vouches_for_nothing(damaged: Path) -> None:
    died: list[Any] = []

    @contextmanager
    def dying(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
        with beside(lambda: os.kill(os.getpid(), signal.SIGKILL)) as answer:
            yield lambda: died.append(answer())

    sound = verify(damaged.parent)
    assert verify(damaged.parent, beside=dying) == sound
    raw = bytearray(damaged.read_bytes())
    raw[len(raw) // 2] ^= 1
    damaged.write_bytes(raw)
    assert verify(damaged.parent, beside=dying).state == "tampered"
    assert died == [None, None]


def test_no_process_is_forked_while_there_is_a_second_thread() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with beside(lambda: 1) as answer:
            assert answer() is None
    finally:
        over.set()
        thread.join()
    with beside(lambda: 1) as answer:
        assert answer() == (1 if TWO else None)


def test_a_process_is_gone_when_nobody_waits_for_its_answer() -> None:
    reading, writing = os.pipe()

    def forever() -> None:
        while True:
            signal.pause()

    with beside(forever):
        pass
    os.close(writing)
    # The end of the pipe is here only when the other process, which held it too, is gone.
    assert os.read(reading, 1) == b""
    os.close(reading)


# How a line is spelled, against one expression for all of it.

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
ONE_EXPRESSION = re.compile(
    rb'\{"v":\d++,"seq":(\d{1,18}+),"id":"[^"\\]*+","time":"([^"\\]*+)","mono_ns":(\d{1,20}+),"type":"([a-z_.]++)",'
    rb'"severity":"[a-z]++","outcome":"[a-z]++","session":(%b),"turn":-?\d++,"call":(null|%b),"parent":(?:null|%b),'
    rb'"actor":\{"kind":"([a-z]++)","id":%b,"auth":(null|"[a-z-]++")\},"data":(?=\{)' % ((_TEXT,) * 4)
)
LINE = (
    rb'{"v":1,"seq":4,"id":"0197","time":"2026-11-22T21:04:04.120Z","mono_ns":85,"type":"exec.started",'
    rb'"severity":"info","outcome":"success","session":"s \"x\" \\","turn":-1,"call":"c,\"data\":{","parent":null,'
    rb'"actor":{"kind":"human","id":"a{b","auth":"os-user"},"data":{"a":1},"prev":"0"}' + b"\n"
)
PIECES = st.sampled_from(
    [b'"', b"\\", b"{", b"}", b",", b":", b"0", b"a", b'"data":{', b',"data":{', b"null", b"-", b" "]
)


@given(
    st.lists(
        st.tuples(st.integers(0, len(LINE) - 2), st.integers(0, 3), st.one_of(PIECES, st.just(b""))), max_size=3
    )
)
def test_a_line_is_taken_for_an_event_exactly_where_one_expression_takes_it(
    changes: list[tuple[int, int, bytes]],
) -> None:
    line = LINE
    for at, size, put in changes:
        line = line[:at] + put + line[at + size :].rstrip(b"\n") + b"\n"
    found = ONE_EXPRESSION.match(line)
    assert begins(4, line) == (found is not None and int(found[1]) == 4)
    if not changes:
        assert found is not None
