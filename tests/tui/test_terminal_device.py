"""The real program at a real pseudo-terminal: what reaches it, what it survives, how it is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.device import ROOT, Terminal


def test_no_hostile_byte_reaches_the_terminal_from_any_pane(terminal: Callable[..., Terminal]) -> None:
    term = terminal("hostile", columns=160, rows=48)
    term.until(term.shows("approvals  1 of 1"))
    for key in (b"\x1bOR", b"\x1b[15~", b"\x1b[17~", b"\x1bOS", b"\x1bOQ", b"z"):
        term.send(key)
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            term.read(0.05)
    assert term.hostile_left() == []
    assert not term.ended()


def test_a_chord_typed_ahead_of_an_approval_answers_nothing(terminal: Callable[..., Terminal]) -> None:
    term = terminal("wait")
    term.send(b"\x19" * 5 + b"y\r")
    term.until(term.shows("1 of 1"))
    term.until(term.shows("^Y approve once"))
    term.send(b"\x0e")
    term.until(lambda: "VERDICT" in term.errors.read_text())
    assert "VERDICT denied" in term.errors.read_text()


def test_a_command_that_is_typed_in_one_go_is_the_one_that_runs(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("the last answer"))
    term.send(b"/sessions\r")  # `/se` alone would be /setup
    term.until(lambda: term.shows("sessions")() and (term.shows("esc")() or term.shows("narrow")()))
    assert not term.shows("provider and model")()


def test_a_chord_within_a_paste_answers_nothing_and_alone_it_approves(terminal: Callable[..., Terminal]) -> None:
    term = terminal("wait")
    term.until(term.shows("1 of 1"))
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        term.read(0.05)
    term.send(b"ok\x19go")
    term.until(term.shows("okgo"))
    assert "VERDICT" not in term.errors.read_text()
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        term.read(0.05)
    term.send(b"\x19")
    term.until(lambda: "VERDICT" in term.errors.read_text())
    assert "VERDICT granted" in term.errors.read_text()


def test_leaving_restores_the_terminal_and_gives_the_answer_to_stdout(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("the last answer"))
    term.send(b"\x11")
    term.until(term.ended)
    while term.read():
        pass
    assert term.process.returncode == 0
    assert term.output.read_text() == "the last answer\n"
    assert b"\x1b[?1049l" in term.raw and b"\x1b[?25h" in term.raw
    assert termios.tcgetattr(term.slave) == term.before
    *lines, last = term.errors.read_text().splitlines()
    assert lines
    assert [line for line in lines if not line.startswith("{")] == []
    assert last == "CLOSED left by the person"


def test_a_storm_of_sizes_is_survived(terminal: Callable[..., Terminal]) -> None:
    term = terminal("wait")
    term.until(term.shows("1 of 1"))
    for columns, rows in [(20, 5), (300, 100), (1, 1), (60, 20), (20, 5), (80, 24)] * 3:
        term.resize(columns, rows)
        term.read(0.02)
    term.send(b"hello")
    term.until(term.shows("hello"))
    assert not term.ended()


def test_a_closed_terminal_ends_the_program(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("the last answer"))
    os.close(term.master)
    os.close(term.slave)
    term.process.wait(timeout=30)
    assert "Traceback" not in term.errors.read_text()
    assert "CLOSED the terminal was closed" in term.errors.read_text()
    term.master = term.slave = -1


def test_a_hang_up_ends_the_program(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("the last answer"))
    term.process.send_signal(signal.SIGHUP)
    term.until(term.ended)
    assert term.process.returncode == 129
    assert "CLOSED the terminal was closed" in term.errors.read_text()
    assert termios.tcgetattr(term.slave) == term.before


def test_nothing_is_written_while_nothing_changes(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("the last answer"))
    quiet = 0
    while quiet < 10:
        quiet = 0 if term.read(0.2) else quiet + 1
    before = len(term.raw)
    for _ in range(10):
        term.read(0.2)
    assert len(term.raw) == before


def test_a_crash_of_ours_restores_the_terminal_and_leaves_a_readable_report(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    term = terminal("crash", columns=160, rows=48)
    term.until(term.ended)
    while term.read():
        pass
    assert b"\x1b[?1049l" in term.raw and b"\x1b[?25h" in term.raw
    assert termios.tcgetattr(term.slave) == term.before
    said = term.errors.read_text()
    assert "CLOSED the screen failed" in said and "Traceback" not in said
    report = Path(said.split("are in it): ")[1].split("\n")[0])
    assert report.stat().st_mode & 0o077 == 0
    text = report.read_text()
    assert "ZeroDivisionError: while drawing a row" in text and "sheet.py" in text
    assert "sk-very-secret" not in text and "The test in tests/test_calc.py fails" not in text


def test_suspending_gives_the_shell_its_terminal_and_coming_back_draws_again(tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    term = Terminal("quiet", tmp_path, shell=True)
    try:
        term.until(term.shows("ready>"))
        term.send(f"{sys.executable} -m tests.tui.actor quiet 2>{tmp_path}/told\r".encode())
        term.until(term.shows("the last answer"))
        modes = termios.tcgetattr(term.slave)
        term.send(b"\x1a")
        term.until(term.shows("Stopped"))
        term.until(lambda: termios.tcgetattr(term.slave)[3] & termios.ECHO != 0 or term.shows("ready>")())
        shown = term.raw.rpartition(b"\x1b[?1049h")[2]
        assert b"\x1b[?1049l" in shown and b"\x1b[?25h" in shown and b"\x1b[?1003l" in shown
        term.send(b"fg\r")
        term.until(lambda: termios.tcgetattr(term.slave) == modes and term.shows("the last answer")())
        term.send(b"still here")
        term.until(term.shows("still here"))
        term.send(b"\x11")
        term.until(lambda: "CLOSED left by the person" in (tmp_path / "told").read_text())
        term.until(term.shows("ready>"))
    finally:
        term.close()


def test_it_ends_when_its_terminal_is_gone_and_it_is_told_to_continue_as_with_every_hang_up(
    terminal: Callable[..., Terminal],
) -> None:
    term = terminal("quiet")
    term.until(term.shows("/ command"))
    os.kill(term.process.pid, signal.SIGCONT)
    term.send(b"here")
    term.until(term.shows("here"))
    os.kill(term.process.pid, signal.SIGHUP)
    os.kill(term.process.pid, signal.SIGCONT)
    term.until(term.ended)


def test_where_no_shell_could_bring_it_back_it_is_not_suspended(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("/ command"))
    term.send(b"\x1a")
    term.until(term.shows("not suspended"))
    term.send(b"still here")
    term.until(term.shows("still here"))


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (["."], "vtcode --plain`, `vtcode exec`"),
        (["replay", "x"], "vtcode replay --text"),
        (["demo"], "demo --auto"),
    ],
)
def test_without_a_terminal_there_is_one_sentence_that_says_what_works(words: list[str], instead: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "vtcode_tui", *words],
        cwd=ROOT, env={**os.environ, "TERM": "dumb"}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert shown.returncode == 2
    assert shown.stderr.count("\n") == 1 and instead in shown.stderr
