"""Real programs in the terminal pane: at a real pseudo-terminal, driven by the person's keys and mouse."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.rig import Rig, ScriptedCore, until
from tests.tui.scenes import begin, call
from vtcode_tui.config.settings import Settings
from vtcode_tui.events.live import OutputChunk
from vtcode_tui.events.types import ExecFinished, ExecStarted
from vtcode_tui.sandbox.run import TerminalSize

A = "a" * 64


class Programs:
    """Programs at pseudo-terminals behind the scripted core."""

    def __init__(self, core: ScriptedCore) -> None:
        self.core = core
        self.masters: dict[str, int] = {}
        self.processes: list[subprocess.Popen[bytes]] = []
        core.type_into = self.type_into  # type: ignore[method-assign]
        core.resize = self.resize  # type: ignore[method-assign]

    def start(self, name: str, argv: list[str], cwd: Path, **environ: str) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        env = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": str(cwd), "LANG": "C.UTF-8", **environ}

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        call(self.core, name, "run_command", command=" ".join(argv))
        started = ExecStarted(
            argv=tuple(argv), executable=argv[0], cwd=str(cwd), subject_sha256=A, sandbox_sha256=A, terminal=True
        )
        self.core.say(started, call=name)
        self.processes.append(
            subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal
            )
        )
        os.close(slave)
        self.masters[name] = master
        asyncio.get_running_loop().add_reader(master, self._read, name)

    def _read(self, name: str) -> None:
        try:
            data = os.read(self.masters[name], 65536)
        except OSError:
            data = b""
        if data:
            self.core.live(OutputChunk(name, data, True))
        else:
            asyncio.get_running_loop().remove_reader(self.masters[name])
            self.core.say(ExecFinished(exit_code=0, duration_ms=1), call=name)

    def type_into(self, call: str, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.masters[call], data)

    def resize(self, call: str, size: TerminalSize) -> None:
        if call in self.masters:
            fcntl.ioctl(self.masters[call], termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))

    def close(self) -> None:
        for master in self.masters.values():
            asyncio.get_running_loop().remove_reader(master)
            with contextlib.suppress(OSError):
                os.close(master)
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Stage:
    """The app with programs in its terminal pane."""

    def __init__(self, rig: Rig, pilot: Pilot[Any], programs: Programs) -> None:
        self.rig, self.pilot, self.programs = rig, pilot, programs
        self.pane = rig.app.work.terminal

    def rows(self) -> list[str]:
        screen = self.pane.current.screen if self.pane.current else None
        return [screen.text(screen.history + y) for y in range(screen.rows)] if screen else []

    async def sees(self, text: str) -> None:
        await until(lambda: any(text in row for row in self.rows()), self.pilot)

    async def ended(self) -> None:
        await until(lambda: self.pane.current is not None and bool(self.pane.current.ending), self.pilot)


@asynccontextmanager
async def stage(size: tuple[int, int] = (160, 48)) -> AsyncIterator[Stage]:
    rig = Rig(Settings.model_validate({"interface": {"bell": False}}))
    async with rig.app.run_test(size=size) as pilot:
        core = await rig.ready(pilot)
        begin(core)
        programs = Programs(core)
        try:
            yield Stage(rig, pilot, programs)
        finally:
            programs.close()


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@needs("vim")
async def test_a_file_is_written_in_vim_and_the_keys_come_back(tmp_path: Path) -> None:
    async with stage() as one:
        one.programs.start("c1", ["vim", "-u", "NONE", "-n", "note.txt"], tmp_path)
        await one.sees("~")
        await one.pilot.press("f8", "i", *"hello", "space", *"pane", "escape", *":wq", "enter")
        await one.ended()
        assert (tmp_path / "note.txt").read_text() == "hello pane\n"
        await one.pilot.press("f2", "escape", "o", "k")
        assert one.rig.app.work.prompt.text == "ok"


@needs("vim")
async def test_vim_gets_the_mouse_and_the_new_size(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("".join(f"row {number}\n" for number in range(200)))
    async with stage() as one:
        argv = ["vim", "-u", "NONE", "-n", "-c", "set mouse=a ttymouse=sgr number", "rows.txt"]
        one.programs.start("c1", argv, tmp_path)
        await one.sees("row 3")
        await one.pilot.press("f8")
        screen = one.pane.current.screen  # type: ignore[union-attr]
        await until(lambda: screen.modes.mouse != "off", one.pilot)
        await one.pilot.click(one.pane, offset=(8, 5))
        await until(lambda: screen.cursor.row == 5, one.pilot)
        rows = screen.rows
        await one.pilot.press("f8", "f5", "f9")
        await until(lambda: screen.rows > rows, one.pilot)
        await one.sees(f"row {rows + 5}")


@needs("less")
async def test_a_pager_is_left_with_one_key_and_its_screen_with_it(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("".join(f"line {number}\n" for number in range(500)))
    async with stage(size=(80, 24)) as one:
        one.programs.start("c1", ["less", "long.txt"], tmp_path)
        await one.pilot.press("f5")
        await one.sees("line 3")
        await one.pilot.press("f8", "G")
        await one.sees("line 499")
        await one.pilot.press("q")
        await one.ended()
        assert not one.pane.current.screen.alternate  # type: ignore[union-attr]
        assert not one.pane.taken


@needs("git")
async def test_hunks_are_chosen_in_git_add_p(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        return subprocess.run(
            ["git", *words], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    (tmp_path / "a").write_text("one\n")
    git("add", "a")
    (tmp_path / "a").write_text("one\ntwo\n")
    async with stage() as one:
        one.programs.start("c1", ["git", "add", "-p"], tmp_path, GIT_CONFIG_GLOBAL="/dev/null")
        await one.sees("Stage this hunk")
        await one.pilot.press("f8", "y", "enter")
        await one.ended()
    assert "+two" in git("diff", "--cached") or "two" in git("show", ":a")


async def test_a_python_prompt_answers_and_a_second_run_is_a_tab(tmp_path: Path) -> None:
    async with stage() as one:
        one.programs.start("c1", [sys.executable, "-q"], tmp_path, PYTHON_BASIC_REPL="1")
        await one.sees(">>>")
        await one.pilot.press("f8", *"6*7", "enter")
        await one.sees("42")
        await one.pilot.press("f8")
        one.programs.start("c2", ["sh", "-c", "echo second; sleep 600"], tmp_path)
        await one.sees("second")
        spans, actions = one.pane.summary()
        text = "".join(span.text for span in spans)
        assert " 1 python" in text and " 2 sh " in text and len(actions) == 2
        await one.pilot.press("f5", "shift+tab")
        await one.sees("42")
        await one.pilot.press("slash", *"6*7", "enter")
        await until(lambda: len(one.pane._found) == 1, one.pilot)
        heading = one.rig.app.work.headings["terminal"]
        await until(lambda: "1 found" in "".join(span.text for span in heading.left), one.pilot)
        place = "".join(span.text for span in heading.left).index(" 2 sh ")
        await one.pilot.click(heading, offset=(place + 2, 0))
        await one.sees("second")


async def test_the_run_in_front_and_how_it_stands_are_in_the_heading_however_many_there_are(tmp_path: Path) -> None:
    async with stage() as one:
        for number in range(1, 9):
            title = ["sh", "-c", f"echo run{number}; sleep 600", "a-long-name-of-a-run"]
            one.programs.start(f"c{number}", title, tmp_path)
            await one.sees(f"run{number}")
        await one.pilot.press("f8")
        heading = one.rig.app.work.headings["terminal"]

        def drawn() -> str:
            return heading.render_line(0).text

        for columns in (160, 110, 80):
            await one.pilot.resize_terminal(columns, 40)
            await until(lambda: " 8 sh " in drawn() and "you type" in drawn() and "give back" in drawn(), one.pilot)
        await one.pilot.press("f8", "f5", *["shift+tab"] * 4)
        await until(
            lambda: " 4 sh " in drawn() and "running" in drawn() and "‹" in drawn() and "›" in drawn(), one.pilot
        )


@needs("htop")
async def test_htop_draws_and_is_left(tmp_path: Path) -> None:
    async with stage() as one:
        one.programs.start("c1", ["htop", "-d", "100"], tmp_path)
        await one.sees("PID")
        await one.pilot.press("f8", "q")
        await one.ended()
