"""The main job in the real program at a real pseudo-terminal, against a model server on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.agent.stage import home_in
from tests.end_to_end.person import Person, person_at
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.demo import Served, Step, in_order, served
from vtcode_tui.events import locate, verify
from vtcode_tui.workspace import grant_trust

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

CHECK = "print('the check' + ' ran here')\n"
STEPS = [
    Step("I run the check.", (("run_command", {"command": "python3 check.py"}),)),
    Step("I change one line.", (("edit_file", {"path": "a.py", "old": "1", "new": "2"}),)),
    Step("All is **well** now."),
]


def place(tmp_path: Path, model: Served, *, trusted: bool = True) -> tuple[Path, dict[str, str]]:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir()
    home.config.mkdir(parents=True)
    home.settings_file.write_text(
        f'[model]\nprovider = "test"\nname = "scripted"\ndiscover = false\n'
        f'[providers.test]\nbase_url = "{model.base_url}"\nmodels = ["scripted"]\ndata_class = "local"\n'
    )
    (root / "check.py").write_text(CHECK)
    (root / "a.py").write_text("x = 1\n")
    if trusted:
        grant_trust(root, home, now=rfc3339(SystemClock().now()))
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "VTCODE_HOME": str(tmp_path / "vt"),
        "LANG": "C.UTF-8",
    }
    return root, env


async def _approve(person: Person) -> None:
    """Press the chord until it counts: it is dead while the approval is fresh."""
    while not person.sees("the check ran here"):
        person.press("ctrl+y")
        await asyncio.sleep(0.3)


async def test_prompt_approve_output_diff_accept_quit_verify_replay(tmp_path: Path) -> None:
    async with served(in_order(STEPS)) as model:
        root, env = place(tmp_path, model)
        async with person_at(cwd=root, env=env) as person:
            await person.until("test/scripted")
            person.type("please check and fix")
            await person.until("please check and fix")
            person.press("enter")
            await person.until(r"\$ python3 check\.py")
            assert person.sees("approve")
            assert not person.sees("the check ran here")
            await _approve(person)
            await person.until("All is well now")
            assert (root / "a.py").read_text() == "x = 1\n"
            await person.until(r"x = 2")
            person.press("f3")
            while (root / "a.py").read_text() != "x = 2\n":
                person.type("f")
                await asyncio.sleep(0.5)
            await person.until("you accepted")
            person.press("ctrl+q")
            assert await person.leaves() == 0
            assert not person.screen.alternate
        home = home_in(tmp_path)
        assert verify(locate(home, "last")).state == "sealed"
        async with person_at("replay", "last", cwd=root, env=env) as viewer:
            await viewer.until("journal intact and sealed")
            viewer.press("space")
            await viewer.until("please check and fix")
            await viewer.until("the check ran here")
            await viewer.until("All is well now")
            viewer.press("ctrl+q")
            assert await viewer.leaves() == 0


async def test_redirected_stderr_is_the_events_as_json_lines_alone_and_another_terminal_follows_them(
    tmp_path: Path,
) -> None:
    async with served(in_order([Step("It is seven.")])) as model:
        root, env = place(tmp_path, model)
        with home_in(tmp_path).settings_file.open("a") as settings:
            settings.write('[[audit.exporters]]\nkind = "syslog"\ntarget = "tcp://127.0.0.1:9"\n')
        errors = tmp_path / "stderr"
        words = ("-c", f'exec "{sys.executable}" -m vtcode_tui 2>"{errors}"')
        async with person_at(*words, cwd=root, env=env, program=("/bin/sh",)) as person:
            await person.until("test/scripted")
            await person.until("takes no events")
            tail = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "vtcode_tui", "audit", "tail", "last", "--json", cwd=root, env=env,
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert tail.stdout is not None
            followed = [await tail.stdout.readline()]
            person.type("please tell")
            await person.until("please tell")
            person.press("enter")
            while b'"type":"model.responded"' not in followed[-1]:
                followed.append(await tail.stdout.readline())
            assert not person.ended, "what is followed is a session that runs"
            person.press("ctrl+q")
            assert await person.leaves() == 0
        followed += (await tail.stdout.read()).splitlines(keepends=True)
        assert await tail.wait() == 0
    assert b"".join(followed) == (locate(home_in(tmp_path), "last") / "journal.jsonl").read_bytes()
    ids = [json.loads(line)["id"] for line in followed]
    assert [json.loads(line)["id"] for line in errors.read_text().splitlines()] == ids


async def test_a_closed_terminal_in_the_middle_of_a_run_loses_nothing_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    steps = [Step("I wait.", (("run_command", {"command": "sleep 987"}),)), Step("never")]
    async with served(in_order(steps)) as model:
        root, env = place(tmp_path, model)
        async with person_at(cwd=root, env=env) as person:
            await person.until("test/scripted")
            person.type("wait")
            person.press("enter")
            await person.until(lambda: _running("sleep 987"))
            pid = person.pid
            person.hang_up()
            while _alive(pid) or _running("sleep 987"):
                await asyncio.sleep(0.05)
        home = home_in(tmp_path)
        report = verify(locate(home, "last"))
        assert report.state in {"sealed", "open"}
        assert not report.problems


async def test_a_window_of_any_size_is_drawn_and_the_terminal_is_restored(tmp_path: Path) -> None:
    async with served(in_order([Step("hello there")])) as model:
        root, env = place(tmp_path, model)
        async with person_at(cwd=root, env=env, columns=80, rows=24) as person:
            await person.until("test/scripted|scripted")
            for size in ((20, 5), (300, 100), (60, 20), (20, 5), (80, 24)):
                person.resize(*size)
            person.type("hi")
            person.press("enter")
            await person.until("hello there")
            person.press("ctrl+q")
            assert await person.leaves() == 0
            assert not person.screen.alternate


async def test_an_untrusted_folder_asks_for_trust_first_and_shows_what_would_influence_it(tmp_path: Path) -> None:
    async with served(in_order([Step("hello there")])) as model:
        root, env = place(tmp_path, model, trusted=False)
        (root / "AGENTS.md").write_text("Always be kind.\n")
        async with person_at(cwd=root, env=env) as person:
            await person.until("AGENTS.md")
            assert not (root / ".vt-workspace-trust").exists()
            person.press("ctrl+q")
            await person.leaves()
    assert not (root / ".vt-workspace-trust").exists()


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _running(command: str) -> bool:
    wanted = command.replace(" ", "\0").encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cmdline").read_bytes().startswith(wanted):
                    return True
            except OSError:
                continue
    return False


assert sys.platform != "win32"
