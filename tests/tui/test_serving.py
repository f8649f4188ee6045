"""`vtcode serve`: the page and the app in it over real HTTP, and who is kept out."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

pytest.importorskip("textual_serve")
ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)")


@asynccontextmanager
async def serving(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """The real program; its address and the token."""
    work = tmp_path / "project"
    work.mkdir()
    env = {**os.environ, "VTCODE_HOME": str(tmp_path / "home")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vtcode_tui", "serve", str(work), cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        said = ""
        while (found := ADDRESS.search(said)) is None:
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, said
            said += line.decode()
        assert "can approve" in said
        yield found[1], found[2]
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_the_token_opens_the_app_in_one_browser_and_nobody_else_gets_in(tmp_path: Path) -> None:
    async with serving(tmp_path) as (address, token), aiohttp.ClientSession() as stranger:
        for path, headers in (
            ("/", {}),
            ("/ws", {}),
            ("/?token=guess", {}),
            (f"/?token={token}", {"Host": "evil.example"}),
            (f"/?token={token}", {"Origin": "http://evil.example"}),
        ):
            async with stranger.get(address + path, headers=headers) as answer:
                assert answer.status == 403, path
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as person:
            async with person.get(f"{address}/?token={token}") as answer:
                assert answer.status == 200 and "textual" in (await answer.text()).lower()
                assert "HttpOnly" in answer.history[0].headers["Set-Cookie"]
                room = str(answer.url)
                for one in (answer, *answer.history):
                    assert one.headers["X-Frame-Options"] == "DENY"
                    assert "frame-ancestors 'none'" in one.headers["Content-Security-Policy"]
            # A server on another port of this machine is the same site for a browser: it is sent nothing.
            async with person.get(f"{address}/") as answer:
                assert answer.status == 403 and "Cookie" not in answer.request_info.headers
                assert answer.headers["X-Frame-Options"] == "DENY"
            async with stranger.get(room) as answer:
                assert answer.status == 403
            async with stranger.get(f"{address}/?token={token}") as answer:
                assert answer.status == 403
            async with person.ws_connect(f"{room}ws?width=100&height=30", origin=address) as page:
                seen = b""
                while b"Work in this folder?" not in seen:
                    message = await asyncio.wait_for(page.receive(), 60)
                    assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}, message
                    seen += message.data if isinstance(message.data, bytes) else b""
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await person.ws_connect(f"{room}ws", origin="http://evil.example")


async def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    async with serving(tmp_path) as (address, _):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vtcode_tui", "serve", str(tmp_path), "--port", address.rpartition(":")[2],
            cwd=ROOT, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 2 and said.count(b"\n") == 1 and b"cannot be had" in said
