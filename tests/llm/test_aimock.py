"""Against a mock server that somebody else wrote (npm `@copilotkit/aimock`): five wires, turns with tools, faults.

Its answers are no oracle of conformance; it is here because its author read the vendors' documents independently.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.llm.talk import READ, hear, no_wait
from tests.programs import running
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import Wire
from vtcode_tui.llm import Chain, Endpoint, Key, Link, TimeLimits
from vtcode_tui.llm.messages import Message, Request, Text, ToolResult, ToolUse

VERSION = "1.43.0"
FOLDER = Path(__file__).parents[2] / "node_modules" / ".aimock"
WIRES: tuple[Wire, ...] = ("openai-chat", "anthropic", "openai-responses", "gemini", "ollama")
CALLS = [
    {"name": "read_file", "arguments": {"path": "a.py"}},
    {"name": "read_file", "arguments": {"path": "b.py"}},
]
LONG = "words " * 200


def fixture(prompt: str, response: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"match": {"userMessage": prompt, **more.pop("match", {})}, "response": response, **more}


def error(kind: str, status: int, **more: Any) -> dict[str, Any]:
    return {"error": {"message": kind.replace("_", " "), "type": kind}, "status": status, **more}


FIXTURES = [
    fixture("read both", {"content": "Both were read."}, match={"hasToolResult": True}),
    fixture("read both", {"content": "I look.", "reasoning": "Two files.", "toolCalls": CALLS}),
    fixture("limited", error("rate_limit_error", 429, retryAfter=1), match={"sequenceIndex": 0}),
    fixture("limited", {"content": "Now."}),
    fixture("overloaded", error("overloaded_error", 529), match={"sequenceIndex": 0}),
    fixture("overloaded", {"content": "Now."}),
    fixture("no key", error("authentication_error", 401)),
    fixture("cut", {"content": LONG}, match={"sequenceIndex": 0}, truncateAfterChunks=8, latency=5),
    fixture("cut", {"content": LONG}),
    fixture("slow", {"content": LONG}, match={"sequenceIndex": 0}, latency=30_000),
    fixture("slow", {"content": LONG}),
]


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base address of a running mock; skips when npm or node cannot have it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed: aimock cannot run")
    script = _installed(npm)
    fixtures = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    command = [node, str(script), "-p", "0", "-f", str(fixtures), "--log-level", "info", "--strict"]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line.decode())
            if found := re.search(r"listening on (http://\S+)", said[-1]):
                yield found[1]
                break
        else:
            pytest.skip(f"aimock does not start: {''.join(said)[-300:]}")


def _installed(npm: str) -> Path:
    """aimock's command, installed into the git-ignored node_modules if missing; one test process at a time."""
    script = FOLDER / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            package = f"@copilotkit/aimock@{VERSION}"
            command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(FOLDER), package]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
            except subprocess.TimeoutExpired:
                pytest.skip("npm did not install aimock within 90 s")
            if not script.exists():
                pytest.skip(f"npm cannot install aimock: {done.stderr.strip()[-200:]}")
    return script


def asked(prompt: str, *more: Message) -> Request:
    return Request("m", "Be brief.", (Message("user", (Text(prompt),)), *more), (READ,))


def chain(aimock: str, wire: Wire, tag: str = "", **headers: str) -> Chain:
    base = f"{aimock}/v1" if wire.startswith("openai") else aimock
    # The mock counts requests per test id, so that the wires do not use up each other's sequences.
    named = {"x-test-id": f"{wire}{tag}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    keys = {name: Key(value) for name, value in named.items()}
    endpoint = Endpoint("mock", wire, base, Key("k"), headers=keys)
    limits = TimeLimits(first_byte=20, idle=20) if tag != "slow" else TimeLimits(first_byte=3, idle=3)
    return Chain([Link(endpoint, "m")], limits=limits, sleep=no_wait, chance=lambda: 0.0)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_turn_with_two_parallel_calls(aimock: str, wire: Wire) -> None:
    first = (await hear(chain(aimock, wire), asked("read both"))).whole
    uses = [part for part in first.message.parts if isinstance(part, ToolUse)]
    assert first.finish == "tools"
    assert [(use.name, json.loads(use.arguments)) for use in uses] == [(c["name"], c["arguments"]) for c in CALLS]
    results = Message("user", tuple(ToolResult(use.id, f"content of {use.id}") for use in uses))
    second = await hear(chain(aimock, wire), asked("read both", first.message, results))
    assert second.text == "Both were read."
    assert second.whole.finish == "stop"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(("prompt", "said"), [("limited", "Now."), ("overloaded", "Now."), ("cut", LONG)])
async def test_a_fault_and_then_the_answer_once(aimock: str, wire: Wire, prompt: str, said: str) -> None:
    heard = await hear(chain(aimock, wire, prompt), asked(prompt))
    assert heard.text.strip() == said.strip()
    assert len(heard.restarts) == 1
    assert heard.restarts[0].partial == (prompt == "cut")


@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_that_does_not_come_is_given_up_at_its_limit_and_asked_again(
    aimock: str, wire: Wire
) -> None:
    heard = await hear(chain(aimock, wire, "slow"), asked("slow"))
    assert heard.text.strip() == LONG.strip()
    (restart,) = heard.restarts
    assert "within 3 s" in restart.reason or "silent for 3 s" in restart.reason


@pytest.mark.parametrize("wire", WIRES)
async def test_a_refused_key_stops(aimock: str, wire: Wire) -> None:
    with pytest.raises(ModelError, match=r"^mock: the API key was not accepted") as caught:
        await hear(chain(aimock, wire), asked("no key"))
    assert caught.value.kind == "auth"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", ["drop", "malformed", "disconnect", "ratelimit"])
async def test_chaos_is_one_sentence_after_three_attempts(aimock: str, wire: Wire, fault: str) -> None:
    with pytest.raises(ModelError, match=r"^mock: .*after 3 attempts") as caught:
        await hear(chain(aimock, wire, fault, **{f"x_aimock_chaos_{fault}": "1.0"}), asked("read both"))
    assert caught.value.kind in {"transient", "malformed_stream", "rate_limited", "overloaded"}
