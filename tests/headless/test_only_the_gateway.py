"""What the real program connects to, watched from the kernel's side: strace of every process that it starts."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.agent.stage import home_in
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.demo import Step, in_order, served
from vtcode_tui.workspace import grant_trust

pytestmark = pytest.mark.kernel

_CALL = re.compile(r"^(\d+) +(?:connect|sendto|sendmsg)\(.*?sa_family=(AF_\w+)(.*)")
_PLACE = re.compile(r"sin6?_port=htons\((\d+)\).*?\"([0-9a-fA-F.:]+)\"")
_BORN = re.compile(r"^(\d+) +(?:clone3?|v?fork)\((.*)")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (?:clone3?|v?fork) resumed>.* = (\d+)")

_TRACED = "trace=connect,sendto,sendmsg,clone,clone3,fork,vfork"
KEYS = {
    "OPENAI_API_KEY": "sk-elsewhere-0123456789",
    "ANTHROPIC_API_KEY": "sk-ant-elsewhere-0123456789",
    "GEMINI_API_KEY": "elsewhere-0123456789",
    "OPENROUTER_API_KEY": "sk-or-elsewhere-0123456789",
}


def threads_of_the_first(lines: list[str]) -> set[str]:
    """The ids of the first process and its threads: what it forks are sandboxed runs, which are not asked about."""
    own, begun = {lines[0].split()[0]}, dict[str, bool]()
    for line in lines:
        if (born := _BORN.match(line)) and born[1] in own:
            begun[born[1]] = "CLONE_THREAD" in born[2]
            if (number := re.search(r" = (\d+)$", born[2])) and begun[born[1]]:
                own.add(number[1])
        elif (resumed := _RESUMED.match(line)) and begun.get(resumed[1]):
            own.add(resumed[2])
    return own


def contacted(log: str) -> set[tuple[str, int]]:
    """The internet addresses that the program itself connected or sent to."""
    lines = log.splitlines()
    if not lines:
        return set()
    own, found = threads_of_the_first(lines), set()
    for line in lines:
        if (call := _CALL.match(line)) and call[1] in own and call[2] in {"AF_INET", "AF_INET6"}:
            place = _PLACE.search(call[3])
            assert place is not None, line
            found.add((place[2], int(place[1])))
    return found


async def watched(
    tmp_path: Path, settings: str, *words: str, env: dict[str, str]
) -> tuple[set[tuple[str, int]], str]:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    if os.geteuid() != 0:
        pytest.skip("vtcode lets nobody of its own user look into it: only root can trace it")
    root, home, log = tmp_path / "ws", home_in(tmp_path), tmp_path / "strace.log"
    root.mkdir()
    home.config.mkdir(parents=True)
    home.settings_file.write_text(settings)
    grant_trust(root, home, now=rfc3339(SystemClock().now()))
    base = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VTCODE_HOME": str(tmp_path / "vt")}
    process = await asyncio.create_subprocess_exec(
        strace, "-f", "-qq", "-s", "256", "-e", _TRACED, "-o", str(log),
        sys.executable, "-m", "vtcode_tui", *words, cwd=root, env=base | env,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    text = log.read_text(errors="replace") if log.exists() else ""
    if "not permitted" in err.decode() and not text:
        pytest.skip("this machine lets nobody trace a process")
    return contacted(text), out.decode() + err.decode()


async def test_with_only_a_gateway_configured_nothing_else_is_contacted_whatever_keys_are_there(
    tmp_path: Path,
) -> None:
    steps = [Step("", (("list_files", {}),)), Step("the answer")]
    async with served(in_order(steps)) as gateway:
        settings = (
            f'[providers.gateway]\nbase_url = "{gateway.base_url}"\nmodels = ["coder"]\ndata_class = "private"\n'
        )
        places, said = await watched(tmp_path, settings, "exec", "go", env=KEYS)
        port = int(gateway.base_url.rpartition(":")[2].partition("/")[0])
    assert "the answer" in said
    assert places == {("127.0.0.1", port)}


async def test_when_the_gateway_is_gone_nobody_else_is_asked(tmp_path: Path) -> None:
    async with served(in_order([])) as gateway:
        base = gateway.base_url
    settings = (
        f'[providers]\nallow = ["127.0.0.1:{base.rpartition(":")[2].partition("/")[0]}"]\n'
        f'[providers.gateway]\nbase_url = "{base}"\nmodels = ["coder"]\ndata_class = "private"\n'
    )
    places, said = await watched(tmp_path, settings, "exec", "go", env=KEYS)
    assert "the server is not running" in said
    assert {port for _, port in places} == {int(base.rpartition(":")[2].partition("/")[0])}


async def test_with_nothing_configured_only_the_three_ports_of_this_machine_are_looked_at(tmp_path: Path) -> None:
    places, said = await watched(tmp_path, "", "exec", "go", env={})
    assert "no model is configured" in said
    assert {address for address, _ in places} <= {"127.0.0.1", "::1"}
    assert {port for _, port in places} <= {1234, 8080, 11434}
    assert places


async def test_without_discovery_nothing_at_all_is_contacted(tmp_path: Path) -> None:
    places, said = await watched(tmp_path, "[model]\ndiscover = false\n", "exec", "go", env={})
    assert "no model is configured" in said
    assert places == set()
