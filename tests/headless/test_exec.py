from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import home_in
from tests.unattended import performed
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.demo import Served, Step, in_order, served
from vtcode_tui.workspace import grant_trust

pytestmark = pytest.mark.kernel


def _place(tmp_path: Path, model: Served | None, *, trusted: bool = True) -> tuple[Path, dict[str, str]]:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir()
    home.config.mkdir(parents=True)
    if model is not None:
        home.settings_file.write_text(
            f'[model]\nprovider = "test"\nname = "scripted"\ndiscover = false\n'
            f'[providers.test]\nbase_url = "{model.base_url}"\nmodels = ["scripted"]\ndata_class = "local"\n'
        )
    else:
        home.settings_file.write_text("[model]\ndiscover = false\n")
    if trusted:
        grant_trust(root, home, now=rfc3339(SystemClock().now()))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VTCODE_HOME": str(tmp_path / "vt")}
    return root, env


async def _vtcode(root: Path, env: dict[str, str], *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vtcode_tui", *words, cwd=root, env=env,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(stdin)
    return process.returncode or 0, out.decode(), err.decode()


async def test_stdout_is_the_answer_alone_and_stderr_the_events(tmp_path: Path) -> None:
    steps = [Step("Looking.", (("read_file", {"path": "a"}),)), Step("It is **seven**.")]
    async with served(in_order(steps)) as model:
        root, env = _place(tmp_path, model)
        (root / "a").write_text("7\n")
        status, out, err = await _vtcode(root, env, "exec", "what is a?")
    assert (status, out) == (0, "It is **seven**.\n"), err
    types = [json.loads(line)["type"] for line in err.splitlines()]
    assert types[0] == "session.started"
    assert "exec.started" in types
    assert types[-1] == "log.checkpoint"
    assert "session.ended" in types


async def test_a_receiver_of_the_events_that_is_away_is_told_of_in_the_same_lines(tmp_path: Path) -> None:
    async with served(in_order([Step("Seven.")])) as model:
        root, env = _place(tmp_path, model)
        with home_in(tmp_path).settings_file.open("a") as settings:
            settings.write('[[audit.exporters]]\nkind = "hec"\ntarget = "http://me:secret@127.0.0.1:9"\n')
        status, out, err = await _vtcode(root, env, "exec", "what is a?")
    assert (status, out) == (0, "Seven.\n"), err
    rows = [json.loads(line) for line in err.splitlines()]
    told, left = [row["text"] for row in rows if row["type"] == "notice"]
    assert "hec http://127.0.0.1:9 takes no events, its events wait in the journal" in told
    assert "has not taken all events: the rest waits in the journal" in left
    assert "secret" not in err


async def test_no_hostile_byte_of_a_model_reaches_the_terminal_of_who_asked(tmp_path: Path) -> None:
    hostile = "seven\x1b]52;c;eA==\x07\x9b2J\u202e"
    async with served(in_order([Step(hostile)])) as model:
        root, env = _place(tmp_path, model)
        leader, follower = os.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vtcode_tui", "exec", hostile, cwd=root, env=env,
            stdin=asyncio.subprocess.DEVNULL, stdout=follower, stderr=follower,
        )  # fmt: skip
        os.close(follower)
        screen = (await asyncio.to_thread(_until_closed, leader)).decode()
        assert await process.wait() == 0
    assert "seven" in screen
    assert "session.ended" in screen
    assert not set(screen) & set("\x1b\x07\x9b\u202e")
    assert any(json.loads(line).get("type") == "model.responded" for line in screen.splitlines() if line[:1] == "{")


def _until_closed(leader: int) -> bytes:
    seen = b""
    with os.fdopen(leader, "rb", buffering=0) as file, contextlib.suppress(OSError):
        # No time limit of a test ends a thread.
        while select.select([file], [], [], 60)[0] and (piece := file.read(65536)):
            seen += piece
    return seen


async def test_a_prompt_may_come_from_stdin_and_the_answer_as_json(tmp_path: Path) -> None:
    async with served(in_order([Step("yes")])) as model:
        root, env = _place(tmp_path, model)
        status, out, _ = await _vtcode(root, env, "exec", "--json", "-", stdin="really? é".encode())
        assert status == 0
        assert json.loads(out)["answer"] == "yes"
        assert "really? é" in str(model.requests[0]["messages"])


async def test_what_would_prompt_is_refused_as_unattended(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": 'python3 -c \'open("made", "w")\''}),)), Step("could not")]
    async with served(in_order(steps)) as model:
        root, _ = _place(tmp_path, model)
        status, out, err = await performed(root, tmp_path)
        assert (status, out) == (0, "could not\n")
        (told,) = [m["content"] for m in model.requests[-1]["messages"] if m["role"] == "tool"]
        assert told.startswith("[unattended] This needs a human's approval")
        assert ". Do it another way" in told, "two sentences, and a full stop between them"
    assert not (root / "made").exists()
    finished = [json.loads(line) for line in err.splitlines() if '"tool.finished"' in line]
    assert finished[0]["data"]["status"] == "unattended"


async def test_changes_stay_staged_unless_they_are_accepted_on_the_command_line(tmp_path: Path) -> None:
    steps = [
        Step("", (("write_file", {"path": "new.txt", "content": "hi\n"}),)),
        Step("", (("write_file", {"path": "a/b.txt", "content": "hi\n"}),)),
        Step("done"),
    ]
    async with served(in_order(steps)) as model:
        root, env = _place(tmp_path, model)
        status, _, err = await performed(root, tmp_path)
        assert status == 0, err
        assert not (root / "new.txt").exists()
        status, _, err = await _vtcode(root, env, "exec", "--accept", "workspace", "go")
        assert status == 0, err
        assert (root / "new.txt").read_text() == "hi\n"
        assert (root / "a" / "b.txt").read_text() == "hi\n"


async def test_ask_offers_only_tools_that_read(tmp_path: Path) -> None:
    async with served(in_order([Step("here")])) as model:
        root, env = _place(tmp_path, model)
        status, out, _ = await _vtcode(root, env, "ask", "where?")
        assert (status, out) == (0, "here\n")
        names = {tool["function"]["name"] for tool in model.requests[0]["tools"]}
        assert names == {
            "read_file", "list_files", "search_text", "find_files", "symbols", "outline", "read_output",
            "explore",
        }  # fmt: skip


async def test_review_asks_for_a_review_and_refuses_what_is_no_revision(tmp_path: Path) -> None:
    async with served(in_order([Step("fine")])) as model:
        root, env = _place(tmp_path, model)
        status, out, _ = await _vtcode(root, env, "review", "--base", "main")
        assert (status, out) == (0, "fine\n")
        assert "git diff main" in str(model.requests[0]["messages"])
        status, _, err = await _vtcode(root, env, "review", "--base", "--output=/tmp/x")
        assert status == 2
        assert err.count("\n") == 1


async def test_an_untrusted_folder_runs_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    async with served(in_order([Step("no")])) as model:
        root, _ = _place(tmp_path, model, trusted=False)
        status, out, err = await performed(root, tmp_path)
        assert status == 3
        assert out == ""
        assert "vtcode trust grant" in err
        assert not model.requests


async def test_without_a_model_it_says_once_what_was_looked_for(tmp_path: Path) -> None:
    root, env = _place(tmp_path, None)
    (tmp_path / "vt" / "config" / "vtcode.toml").write_text("")
    nowhere = dict.fromkeys(("LMSTUDIO_BASE_URL", "OLLAMA_HOST", "LLAMACPP_BASE_URL"), "http://127.0.0.1:9")
    status, out, err = await _vtcode(root, env | nowhere, "exec", "go")
    assert status == 1
    assert out == ""
    assert "OPENAI_API_KEY" in err
    assert [err.count(name) for name in ("LM Studio", "Ollama", "llama.cpp")] == [1, 1, 1]


async def test_a_broken_configuration_is_one_sentence_with_file_and_line(tmp_path: Path) -> None:
    root, env = _place(tmp_path, None)
    (tmp_path / "vt" / "config" / "vtcode.toml").write_text("[model]\nnme = 'x'\n")
    status, out, err = await _vtcode(root, env, "exec", "go")
    assert status == 2
    assert out == ""
    assert "vtcode.toml:2" in err
    assert "name" in err
    assert err.count("\n") == 1


async def test_an_interrupt_ends_it_with_130_and_a_sealed_journal(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": "sleep 600"}),)), Step("never")]
    async with served(in_order(steps)) as model:
        root, env = _place(tmp_path, model)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vtcode_tui", "exec", "go", cwd=root, env=env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        seen = []
        while line := await process.stderr.readline():
            seen.append(json.loads(line)["type"])
            if seen[-1] in {"exec.started", "tool.finished"}:
                break
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 130, seen
    status, out, _ = await _vtcode(root, env, "audit", "verify", "last")
    assert status == 0, out


@pytest.mark.parametrize("words", [("exec", ""), ("exec", "-"), ("exec", "x", "--max-turns", "0")])
async def test_nonsense_on_the_command_line_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    root, env = _place(tmp_path, None)
    status, out, err = await _vtcode(root, env, *words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


async def test_the_end_of_a_session_is_recorded_as_it_was(tmp_path: Path) -> None:
    steps = [Step("", (("write_file", {"path": "new.txt", "content": "hi\n"}),)), Step("done")]

    def ended(err: str) -> dict[str, Any]:
        (row,) = [
            row
            for line in err.splitlines()
            if line[:1] == "{" and (row := json.loads(line))["type"] == "session.ended"
        ]
        return {"outcome": row["outcome"], **row["data"]}

    async with served(in_order(steps)) as model:
        root, _ = _place(tmp_path, model)
        _, _, err = await performed(root, tmp_path, accept="workspace")
        good = ended(err)
        assert (good["outcome"], good["exit_code"], good["files_changed"]) == ("success", 0, 1)
    status, _, err = await performed(root, tmp_path)
    assert status == 1, "the model is gone"
    assert (ended(err)["outcome"], ended(err)["exit_code"]) == ("failure", 1)
    status, _, err = await performed(tmp_path, tmp_path)
    assert status == 3, "nobody trusted this folder"
    assert (ended(err)["outcome"], ended(err)["exit_code"]) == ("failure", 3)


async def test_the_home_folder_may_be_the_workspace_when_vtcode_keeps_its_own_elsewhere(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": "touch made; ls .cargo"}),)), Step("done")]
    async with served(in_order(steps)) as model:
        root, env = _place(tmp_path, model)
        (root / ".cargo" / "bin").mkdir(parents=True)
        (root / ".cargo" / "env").write_text("a toolchain's file, which every run may read\n")
        status, out, err = await _vtcode(root, {**env, "HOME": str(root)}, "exec", "--accept", "workspace", "go")
    assert (status, out) == (0, "done\n"), err
    assert '"status":"ok"' in err
    assert (root / "made").exists()
