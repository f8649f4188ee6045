"""The first frame: shown before Textual is loaded, loses no key, gives the terminal back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path

from tests.end_to_end.person import PATIENCE, person_at
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.home import Home
from vtcode_tui.workspace import grant_trust


async def test_what_is_typed_before_the_app_is_there_stands_in_its_prompt(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VTCODE_HOME": str(tmp_path / "vt")}
    grant_trust(root, Home.from_environment(env), now=rfc3339(SystemClock().now()))
    async with person_at(cwd=root, env=env, columns=100, rows=30) as person:
        await person.until("opening")
        # Words, a correction, an arrow that the app understands, a word in the middle, a paste of two lines.
        person.type("fix teh\x7f\x7fhe ")
        await person.until("fix the")
        person.type("test\x1b[D\x1b[D\x1b[D\x1b[Dfirst ")
        await person.until("fix the first test")
        person.paste("and the\nsecond\n")
        await person.until("ready")
        await person.until("fix the first and the *\n▌ second *\n▌ test")
        person.press("ctrl+q")
        assert await person.leaves() == 0


BEHIND = """
import sys
from vtcode_tui.tui.curtain import Curtain
curtain = Curtain.rise("a\\x1b]0;title\\x07b")
curtain.listen()
try:
    {act}
finally:
    curtain.drop()
"""


def behind_the_curtain(act: str, keys: bytes = b"") -> tuple[int, bytes, bool]:
    """What a program did that acts behind the curtain: status, what it drew, whether the terminal is as before."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [sys.executable, "-c", BEHIND.format(act=act)], stdin=slave, stdout=slave, stderr=slave, close_fds=True
    )
    drawn = b""
    try:
        while b"chat" not in drawn:
            # No time limit ends a thread: this does.
            assert select.select([master], [], [], PATIENCE)[0], drawn
            drawn += os.read(master, 65536)
        os.write(master, keys)
        status = process.wait(PATIENCE)
        os.set_blocking(master, False)
        with contextlib.suppress(BlockingIOError):
            drawn += os.read(master, 65536)
        return status, drawn, termios.tcgetattr(slave) == before
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


async def test_a_start_that_fails_gives_the_terminal_back() -> None:
    status, drawn, restored = await asyncio.to_thread(behind_the_curtain, "raise SystemExit(3)")
    assert status == 3
    assert restored
    assert drawn.rstrip().endswith(b"\x1b[?2004l\x1b[?1049l")


async def test_a_hostile_folder_name_is_shown_and_not_obeyed() -> None:
    _status, drawn, _restored = await asyncio.to_thread(behind_the_curtain, "pass")
    assert b"\x1b]0;" not in drawn
    assert "a␛]0;title␇b".encode() in drawn


async def test_every_byte_is_handed_over_in_order_and_only_letters_are_shown() -> None:
    wait = "import os\n    while b'!' not in curtain._typed: os.sched_yield()\n"
    act = f"{wait}    print(repr(curtain.fall()))"
    _status, drawn, _restored = await asyncio.to_thread(behind_the_curtain, act, "é\x1b[A\r\x03!".encode())
    assert rb"b'\xc3\xa9\x1b[A\r\x03!'" in drawn
    assert drawn.count(b"\x1b[A") == 0
