"""A full-screen program in the terminal pane that is killed, with its supervisor, with vtcode: what is left."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.end_to_end.person import Person, person_at
from tests.end_to_end.test_main_job import place
from vtcode_tui.demo import Step, in_order, served

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

# Takes the whole screen and the mouse, as editors do, and answers each key with what it got.
FULL_SCREEN = (
    "import os, sys, termios, tty\n"
    "tty.setraw(0)\n"
    "sys.stdout.write('\\x1b[?1049h\\x1b[?1003h\\x1b[?1006h\\x1b[?2004h\\x1b[?25l\\x1b[H\\x1b[41mFULL SCREEN')\n"
    "sys.stdout.flush()\n"
    "while True:\n"
    "    sys.stdout.write(f'\\r\\ngot {os.read(0, 99)!r}'); sys.stdout.flush()\n"
)


def _status(pid: int) -> dict[str, str]:
    try:
        rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (row.partition(":") for row in rows)}


def _family(pid: int) -> list[int]:
    """A process that is in the pane, and those above it up to vtcode's own."""
    found = [pid]
    while (above := int(_status(found[-1]).get("PPid", "0"))) > 1:
        found.append(above)
    return found


def _program(name: str) -> int:
    """The process that fills the pane; 0 while there is none."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().split(b"\0")[1:2] == [name.encode()]:
                return int(entry.name)
        except OSError:
            continue
    return 0


async def gone(pid: int) -> None:
    """Wait until a process is no more, or only waits to be collected."""
    while _status(pid).get("State", "Z")[:1] not in {"Z", "X"}:
        await asyncio.sleep(0.02)


async def _in_the_pane(person: Person, root: Path) -> int:
    name = f"full_screen_{os.getpid()}.py"  # other tests have theirs
    (root / name).write_text(FULL_SCREEN)
    await person.until("test/scripted")
    person.type(f"!python3 {name}\r")
    await person.until("FULL SCREEN")
    person.press("f8")
    person.type("zz")
    await person.until(r"got b'z")
    found = _program(name)
    assert found
    return found


@pytest.mark.parametrize("which", ["the program", "its supervisor"])
async def test_a_full_screen_program_that_is_killed_gives_pane_keys_and_terminal_back(
    tmp_path: Path, which: str
) -> None:
    async with served(in_order([Step("I am here.")])) as model:
        root, env = place(tmp_path, model)
        async with person_at(cwd=root, env=env, columns=160, rows=48) as person:
            program = await _in_the_pane(person, root)
            above = _family(program)
            mine = above.index(person.pid)
            # vtcode, the sentinel, the fork server, the supervisor of the run, then what is in the run.
            victim = program if which == "the program" else above[mine - 3]
            assert victim != person.pid and (which == "the program" or victim != program)
            os.kill(victim, signal.SIGKILL)
            await person.until("signal 9" if which == "the program" else "the supervisor ended")
            await gone(program)
            # The keys belong to the prompt again, and the program's modes are not those of the person's terminal.
            await person.until(lambda: not person.sees("you type"))
            person.type("hello again")
            await person.until("hello again")
            person.press("enter")
            await person.until("I am here")
            person.press("ctrl+q")
            assert await person.leaves() == 0
            assert not person.screen.alternate and person.screen.modes.mouse == "off"
            assert not person.screen.modes.bracketed_paste and person.screen.cursor.visible


async def test_after_vtcode_itself_was_killed_nothing_runs_on_and_the_next_start_offers_to_go_on(
    tmp_path: Path,
) -> None:
    async with served(in_order([Step("I am here."), Step("and on")])) as model:
        root, env = place(tmp_path, model)
        async with person_at(cwd=root, env=env, columns=160, rows=48) as person:
            await person.until("test/scripted")
            person.type("remember me\r")
            await person.until("I am here")
            program = await _in_the_pane(person, root)
            os.kill(person.pid, signal.SIGKILL)
            await person.leaves()
            await gone(program)
        async with person_at(cwd=root, env=env, columns=160, rows=48) as person:
            await person.until("cut off")
            person.type("\x12")  # ^R: go on with it
            await person.until("remember me")
            await person.until("I am here")
            person.type("still there?\r")
            await person.until("and on")
            person.press("ctrl+q")
            assert await person.leaves() == 0
