"""vtcode as an ACP agent: a real core, messages held against the protocol's own types.

Some tests start the program and talk to it on its pipes; the others save the second that a start takes, and talk to
what the program would serve there over a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import home_in
from tests.lent import lent_spawner
from vtcode_tui.acp import Stage, serve
from vtcode_tui.acp.content import updates_of
from vtcode_tui.acp.rpc import LONGEST_LINE
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.config import load
from vtcode_tui.demo import Served, Step, in_order, served
from vtcode_tui.events import Event
from vtcode_tui.events.types import ModelFailover
from vtcode_tui.workspace import grant_trust

pytestmark = pytest.mark.kernel

WRITE = ("run_command", {"command": 'python3 -c \'open("made", "w").write("x")\''})
Answering = Callable[[dict[str, Any]], dict[str, Any]]


def choose(kind: str) -> Answering:
    """Answers every question with its first option of a kind."""

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        for option in params["options"]:
            if option["kind"] == kind:
                return {"outcome": {"outcome": "selected", "optionId": option["optionId"]}}
        return {"outcome": {"outcome": "cancelled"}}

    return answer


class Client:
    """An editor's side of the protocol, by hand; checks all that it hears with the protocol's published types."""

    def __init__(self, heard: asyncio.StreamReader, said: asyncio.StreamWriter, answer: Answering) -> None:
        self.heard, self.says, self.answer = heard, said, answer
        self.updates: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.came = asyncio.Condition()
        self._replies: dict[int, dict[str, Any]] = {}
        self._number = 0

    async def listen(self) -> None:
        schema: Any = pytest.importorskip("acp.schema", exc_type=ImportError)
        while line := await self.heard.readline():
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            match message:
                case {"method": "session/update", "params": params}:
                    schema.SessionNotification.model_validate(params)
                    self.updates.append(params["update"])
                case {"method": "session/request_permission", "params": params, "id": id}:
                    schema.RequestPermissionRequest.model_validate(params)
                    self.asked.append(params)
                    self.send({"id": id, "result": self.answer(params)})
                case _:
                    self._replies[message.get("id") or 0] = message
            async with self.came:
                self.came.notify_all()

    def send(self, message: dict[str, Any]) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        self.says.write(data)

    def begin(self, method: str, **params: Any) -> int:
        self._number += 1
        self.send({"id": self._number, "method": method, "params": params})
        return self._number

    async def reply(self, number: int) -> dict[str, Any]:
        await self.until(lambda: number in self._replies)
        return self._replies.pop(number)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self.came:
            await self.came.wait_for(condition)

    async def call(self, method: str, **params: Any) -> Any:
        answer = await self.reply(self.begin(method, **params))
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, **params: Any) -> tuple[int, str]:
        answer = await self.reply(self.begin(method, **params))
        return answer["error"]["code"], answer["error"]["message"]

    def said(self, kind: str = "agent_message_chunk") -> str:
        return "".join(it["content"]["text"] for it in self.updates if it["sessionUpdate"] == kind)


def place(tmp_path: Path, model: Served, *, trusted: bool = True) -> tuple[Path, dict[str, str]]:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir(exist_ok=True)
    home.config.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text(
        f'[model]\nprovider = "test"\nname = "scripted"\ndiscover = false\n'
        f'[providers.test]\nbase_url = "{model.base_url}"\nmodels = ["scripted"]\ndata_class = "local"\n'
    )
    if trusted:
        grant_trust(root, home, now=rfc3339(SystemClock().now()))
    return root, {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "VTCODE_HOME": str(tmp_path / "vt"),
    }


@contextlib.asynccontextmanager
async def program(root: Path, env: dict[str, str], answer: Answering) -> AsyncIterator[Client]:
    """An editor that has started `vtcode acp`, which ends well when the editor goes."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "vtcode_tui", "acp"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=root, env=env, stdin=pipe, stdout=pipe, limit=1 << 26
    )
    assert process.stdin is not None and process.stdout is not None
    client = Client(process.stdout, process.stdin, answer)
    async with asyncio.TaskGroup() as group:
        group.create_task(client.listen())
        try:
            yield client
        finally:
            process.stdin.close()
            assert await process.wait() == 0


@contextlib.asynccontextmanager
async def editor(root: Path, env: dict[str, str], answer: Answering) -> AsyncIterator[Client]:
    """An editor at what `vtcode acp` serves, in this process."""
    home = home_in(root.parent)
    theirs, ours = socket.socketpair()
    heard, said = await asyncio.open_connection(sock=ours, limit=1 << 26)
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    transport, _ = await asyncio.get_running_loop().create_connection(
        lambda: asyncio.StreamReaderProtocol(reader), sock=theirs
    )
    client, spawner = Client(heard, said, answer), lent_spawner(home)
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - env.keys():
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        async with asyncio.TaskGroup() as group:
            group.create_task(client.listen())
            serving = group.create_task(serve(Stage(home, spawner, partial(load, home)), reader, transport))
            try:
                yield client
            finally:
                said.write_eof()
                await serving
                transport.close()
                await spawner.close()
                said.close()


@contextlib.asynccontextmanager
async def talking(
    tmp_path: Path, *steps: Step, answer: str = "allow_once", trusted: bool = True
) -> AsyncIterator[tuple[Client, Path]]:
    async with served(in_order(steps)) as model:
        root, env = place(tmp_path, model, trusted=trusted)
        async with editor(root, env, choose(answer)) as client:
            yield client, root


async def new(client: Client, root: Path) -> str:
    schema: Any = pytest.importorskip("acp.schema", exc_type=ImportError)
    hello = await client.call("initialize", protocolVersion=1, clientCapabilities={})
    assert schema.InitializeResponse.model_validate(hello).protocol_version == 1
    made = await client.call("session/new", cwd=str(root), mcpServers=[])
    return str(schema.NewSessionResponse.model_validate(made).session_id)


def text(words: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": words}]


async def test_a_prompt_runs_a_tool_and_streams_the_answer(tmp_path: Path) -> None:
    steps = (Step("I look.", (("read_file", {"path": "a.txt"}),), "hm"), Step("It says hello."))
    async with talking(tmp_path, *steps) as (client, root):
        (root / "a.txt").write_text("hello\n")
        session = await new(client, root)
        assert await client.call("session/prompt", sessionId=session, prompt=text("what is in a?")) == {
            "stopReason": "end_turn"
        }
        assert client.said() == "I look.It says hello."
        assert client.said("agent_thought_chunk") == "hm"
        calls = [it for it in client.updates if it["sessionUpdate"].startswith("tool_call")]
        assert [it.get("status") for it in calls] == ["pending", "in_progress", "completed"]
        assert calls[0]["kind"] == "read"
        assert "hello" in json.dumps(calls[-1]["content"])
        assert not client.asked


async def test_a_call_inside_a_sub_task_names_the_call_that_it_belongs_to(tmp_path: Path) -> None:
    def script(body: Mapping[str, Any]) -> Step:
        told = sum(message["role"] == "tool" for message in body["messages"])
        inside = "# This is a sub-task" in str(body["messages"][0]["content"])
        first = ("read_file", {"path": "a.txt"}) if inside else ("explore", {"question": "what is in a?"})
        return Step("done") if told else Step("", (first,))

    async with served(script) as model:
        root, env = place(tmp_path, model)
        (root / "a.txt").write_text("hello\n")
        async with editor(root, env, choose("allow_once")) as client:
            session = await new(client, root)
            await client.call("session/prompt", sessionId=session, prompt=text("look"))
    calls = [it for it in client.updates if it["sessionUpdate"].startswith("tool_call")]
    outer, inner = (it for it in calls if it["sessionUpdate"] == "tool_call")
    assert "_meta" not in outer
    assert inner["title"] == "explore › read_file a.txt"
    assert {
        it["_meta"]["vtcode"]["parentToolCallId"] for it in calls if it["toolCallId"] == inner["toolCallId"]
    } == {outer["toolCallId"]}


async def test_a_permission_that_a_sub_task_needs_names_the_call_that_it_belongs_to(tmp_path: Path) -> None:
    def script(body: Mapping[str, Any]) -> Step:
        told = sum(message["role"] == "tool" for message in body["messages"])
        inside = "# This is a sub-task" in str(body["messages"][0]["content"])
        first = WRITE if inside else ("delegate", {"task": "make it"})
        return Step("done") if told > (not inside) else Step("", (first,) if not told else (WRITE,))

    async with served(script) as model:
        root, env = place(tmp_path, model)
        async with editor(root, env, choose("allow_once")) as client:
            session = await new(client, root)
            await client.call("session/prompt", sessionId=session, prompt=text("look"))
        calls = [it for it in client.updates if it["sessionUpdate"] == "tool_call"]
        inner, outer = client.asked[:2]
        assert inner["toolCall"]["_meta"] == {"vtcode": {"parentToolCallId": calls[0]["toolCallId"]}}
        assert inner["toolCall"]["title"].startswith("delegate › run_command")
        assert inner["toolCall"]["toolCallId"] == calls[1]["toolCallId"]
        assert "_meta" not in outer["toolCall"]
        assert outer["toolCall"]["title"].startswith("run_command")


@pytest.mark.parametrize("answer", ["allow_once", "reject_once", "none of them"])
async def test_what_needs_a_human_is_asked_of_the_client(tmp_path: Path, answer: str) -> None:
    async with talking(tmp_path, Step("", (WRITE,)), Step("ok"), answer=answer) as (client, root):
        session = await new(client, root)
        await client.call("session/prompt", sessionId=session, prompt=text("go"))
        question = client.asked[0]
        assert 'open("made"' in json.dumps(question["toolCall"]["content"]).replace('\\\\"', '"').replace(
            '\\"', '"'
        )
        assert question["toolCall"]["kind"] == "execute"
        last = [it for it in client.updates if it["sessionUpdate"] == "tool_call_update"][-1]
        assert last["status"] == ("completed" if answer == "allow_once" else "failed")
        assert (root / "made").exists() == (answer == "allow_once")


async def test_staged_edits_are_offered_at_the_end_of_the_turn(tmp_path: Path) -> None:
    edit = ("write_file", {"path": "new.py", "content": "print(1)\n"})
    async with talking(tmp_path, Step("", (edit,)), Step("written"), answer="reject_once") as (client, root):
        session = await new(client, root)
        await client.call("session/prompt", sessionId=session, prompt=text("go"))
        assert not (root / "new.py").exists()
        client.answer = choose("allow_once")
        await client.call("session/prompt", sessionId=session, prompt=text("again"))
        assert (root / "new.py").read_text() == "print(1)\n"
        assert {"type": "diff", "path": "new.py", "oldText": None, "newText": "print(1)\n"} in client.asked[-1][
            "toolCall"
        ]["content"]


def test_a_failover_is_told_once_and_a_repetition_not_at_all() -> None:
    names = {"from_provider": "near", "from_model": "a", "to_provider": "far", "to_model": "b"}

    def told(**changed: str) -> list[str]:
        data = ModelFailover.model_validate(names | changed | {"reason": "near: away", "attempts": 3})
        event = Event(seq=0, id="e", time="t", mono_ns=0, type=data.TYPE, session="s", data=data, prev="0" * 64)
        return [update["content"]["text"].strip() for update in updates_of(event)]

    assert told() == ["[vtcode: far/b takes over: near: away]"]
    assert told(to_provider="near", to_model="a") == []


async def test_cancel_stops_the_turn_and_what_runs(tmp_path: Path) -> None:
    slow = ("run_command", {"command": "sleep 600", "wait_seconds": 600})
    async with talking(tmp_path, Step("", (slow,)), Step("on we go")) as (client, root):
        session = await new(client, root)
        prompt = client.begin("session/prompt", sessionId=session, prompt=text("go"))
        await client.until(lambda: any(it.get("status") == "in_progress" for it in client.updates))
        client.send({"method": "session/cancel", "params": {"sessionId": session}})
        assert (await client.reply(prompt))["result"] == {"stopReason": "cancelled"}


async def test_an_untrusted_folder_has_no_session(tmp_path: Path) -> None:
    async with talking(tmp_path, Step("hi"), trusted=False) as (client, root):
        code, words = await client.error("session/new", cwd=str(root), mcpServers=[])
        assert (code, "vtcode trust grant" in words) == (-32000, True)


async def test_nonsense_gets_an_error_and_the_connection_lives(tmp_path: Path) -> None:
    async with talking(tmp_path, Step("hi")) as (client, root):
        client.raw(b"this is not json\n\n[1]\n" + b"[" * 100_000 + b'\n{"method": 5, "params": []}\n')
        assert await client.error("no/such") == (-32601, "there is no method 'no/such'")
        for params in ({}, {"cwd": "relative"}, {"cwd": "/nonexistent"}, {"cwd": 5}):
            assert (await client.error("session/new", **params))[0] == -32602
        for method in ("session/prompt", "session/set_mode", "session/load"):
            assert (await client.error(method, sessionId="../../etc", cwd=str(root), modeId="plan", prompt=[]))[
                0
            ] == -32602
        session = await new(client, root)
        assert (await client.error("session/prompt", sessionId=session, prompt=[]))[0] == -32602
        assert (await client.error("session/prompt", sessionId=session, prompt=[{"type": "audio"}]))[0] == -32602
        assert await client.call("session/set_mode", sessionId=session, modeId="plan") == {}
        await client.call("session/prompt", sessionId=session, prompt=text("hello"))
        assert client.said() == "hi"


async def test_a_session_is_loaded_with_its_conversation(tmp_path: Path) -> None:
    async with served(in_order([Step("first answer"), Step("second answer")])) as model:
        root, env = place(tmp_path, model)
        async with program(root, env, choose("allow_once")) as client:
            session = await new(client, root)
            await client.call("session/prompt", sessionId=session, prompt=text("first question"))
        async with program(root, env, choose("allow_once")) as client:
            await client.call("session/load", sessionId=session, cwd=str(root), mcpServers=[])
            assert client.said("user_message_chunk") == "first question"
            assert client.said() == "first answer"
            await client.call("session/prompt", sessionId=session, prompt=text("more"))
            assert client.said() == "first answersecond answer"


async def test_the_protocols_own_client_gets_on_with_us(tmp_path: Path) -> None:
    acp: Any = pytest.importorskip("acp", exc_type=ImportError)
    heard: list[Any] = []

    class Editor(acp.Client):  # type: ignore[misc]  # the SDK is optional and untyped here
        async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
            heard.append(update)

    async with served(in_order([Step("hello there")])) as model:
        root, env = place(tmp_path, model)
        command = (sys.executable, "-m", "vtcode_tui", "acp")
        async with acp.spawn_agent_process(Editor(), *command, env=env, cwd=root) as (connection, _):
            await connection.initialize(protocol_version=1)
            session = await connection.new_session(cwd=str(root), mcp_servers=[])
            block = acp.text_block("hi")
            done = await connection.prompt(session_id=session.session_id, prompt=[block])
            assert done.stop_reason == "end_turn"
    assert "".join(it.content.text for it in heard if it.session_update == "agent_message_chunk") == "hello there"
