"""Bad input from outside: each gives one clear sentence, the session survives, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.agent.stage import home_in
from tests.end_to_end.person import person_at
from tests.end_to_end.test_main_job import place
from tests.unattended import performed
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.demo import Step, in_order, served
from vtcode_tui.events import locate, verify
from vtcode_tui.workspace import grant_trust

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
HALF = (
    OK + b'data: {"choices":[{"index":0,"delta":{"content":"half an answ"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"run_command",'
    b'"arguments":"{\\"command\\":\\"touch made\\"}"}}]}}]}\n\n'
)
ANSWERS = {
    "refuses the key": b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
    b'{"error":{"message":"Incorrect API key provided"}}',
    "half a stream": HALF,
    "malformed": OK + b"data: {{{{ not json\n\ndata: [DONE]\n\n",
    "empty": OK,
    "html": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>login</html>",
    "redirect": b"HTTP/1.1 302 Found\r\nlocation: http://example.org/\r\nconnection: close\r\n\r\n",
    "no http": b"SSH-2.0-OpenSSH_9\r\n",
}


@contextlib.asynccontextmanager
async def answering(data: bytes) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def _place(tmp_path: Path, base_url: str) -> Path:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir()
    home.config.mkdir(parents=True)
    home.settings_file.write_text(
        f'[model]\nprovider = "test"\nname = "scripted"\ndiscover = false\n'
        f'[providers.test]\nbase_url = "{base_url}"\nmodels = ["scripted"]\ndata_class = "local"\n'
    )
    grant_trust(root, home, now=rfc3339(SystemClock().now()))
    return root


async def _exec(tmp_path: Path, root: Path) -> tuple[int, str, str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VTCODE_HOME": str(tmp_path / "vt")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vtcode_tui", "exec", "hello", cwd=root, env=env,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize("how", sorted(ANSWERS))
async def test_a_model_that_answers_nonsense_is_told_in_one_sentence_and_nothing_runs(
    tmp_path: Path, how: str
) -> None:
    async with answering(ANSWERS[how]) as base_url:
        root = _place(tmp_path, base_url)
        whole = how == "half a stream"  # the program as it is typed; what is behind its command line is the same
        status, out, err = await (_exec(tmp_path, root) if whole else performed(root, tmp_path, "hello"))
    assert (status, out) == (1, "")
    rows = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    errors = [line for line in err.splitlines() if not line.startswith("{")]
    errors += [row["text"] for row in rows if row["type"] == "notice" and row["severity"] == "error"]
    assert len(errors) == 1
    assert "\n" not in errors[0]
    assert "test" in errors[0]
    assert not (root / "made").exists()
    assert not [row for row in rows if row["type"] == "tool.requested"]
    assert verify(locate(home_in(tmp_path), "last")).state == "sealed"


async def test_a_server_that_is_down_is_named_with_what_to_do(tmp_path: Path) -> None:
    status, out, err = await _exec(tmp_path, _place(tmp_path, "http://127.0.0.1:9/v1"))
    assert (status, out) == (1, "")
    assert "127.0.0.1:9" in err


async def test_escape_stops_a_run_and_the_session_goes_on(tmp_path: Path) -> None:
    steps = [Step("I wait.", (("run_command", {"command": "sleep 986"}),)), Step("and on it goes")]
    async with served(in_order(steps)) as model:
        root, env = place(tmp_path, model)
        async with person_at(cwd=root, env=env) as person:
            await person.until("test/scripted")
            person.type("wait")
            person.press("enter")
            await person.until("sleep 986")
            await person.until("running")
            person.press("escape")
            await person.until("(?i)interrupted")
            person.type("go on then")
            await person.until("go on then")
            person.press("enter")
            await person.until("and on it goes")
            person.press("ctrl+q")
            assert await person.leaves() == 0
    assert verify(locate(home_in(tmp_path), "last")).state == "sealed"
