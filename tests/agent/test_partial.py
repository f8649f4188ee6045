"""Of an answer that was stopped or broke, what had come is evidence, and the model's to know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import pytest

from tests.agent.test_failover import session_with
from tests.llm.server import Act, Reply, serving, sse
from tests.reading import payloads
from vtcode_tui.agent import Session
from vtcode_tui.events import Event, read_events
from vtcode_tui.events.envelope import Around
from vtcode_tui.events.live import Live, TextDelta
from vtcode_tui.events.types import ModelPartial, ModelResponded, Payload
from vtcode_tui.events.within import Recorder
from vtcode_tui.sessions import parse
from vtcode_tui.tui.panes.blocks import Answer, Block, Said
from vtcode_tui.tui.recalling import blocks_of

pytestmark = pytest.mark.kernel

SECRET = "sk-ant-api03-" + "a1B2c3D4e5" * 9


def words(*pieces: dict[str, str], end: Act | None = None) -> Reply:
    said = sse(*({"choices": [{"index": 0, "delta": piece}]} for piece in pieces), done=False)
    whole = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return Reply([*said, *([end] if end else whole)])


BEGUN = ({"reasoning_content": "I count."}, {"content": "one two "}, {"content": f"{SECRET} three"})


async def submitted_and_stopped(session: Session) -> None:
    """A prompt whose answer is stopped in the middle."""
    heard = asyncio.Event()

    def hear(what: Event | Live) -> None:
        if isinstance(what, TextDelta) and what.text.endswith("three"):
            heard.set()

    session.subscribe(hear)
    running = asyncio.ensure_future(session.submit("count"))
    await heard.wait()
    await session.interrupt()
    await running


async def test_what_a_stopped_answer_had_said_is_recorded_and_the_model_knows_of_it(tmp_path: Path) -> None:
    replies = words(*BEGUN, end=Act.STALL), words({"content": "four"})
    async with serving(*replies) as server, session_with(tmp_path, "openai-chat", server) as session:
        await submitted_and_stopped(session)
        (partial,) = payloads(read_events(session.folder), ModelPartial)
        assert partial.text.startswith("one two ") and partial.text.endswith(" three")
        assert SECRET not in partial.text
        assert partial.reasoning == "I count."
        assert partial.kept and "stopped" in partial.reason
        await session.submit("go on")
        assert session.last_answer == "four"
        _, *said = server.seen[1].body["messages"]
        assert [message["role"] for message in said[:3]] == ["user", "assistant", "user"]
        assert said[1]["content"].startswith("one two ")
        assert "as far as it had come" in str(said[2:]) and "go on" in str(said[2:])
        items = parse((session.folder / "session.md").read_bytes()).items
    blocks = blocks_of(items)
    assert [type(block) for block in blocks] == [Said, Answer, Said, Answer]
    assert _void(blocks[1]) and not _void(blocks[3])
    assert b"### The answer above is not whole" in (session.folder / "session.md").read_bytes()


def _void(block: Block) -> str:
    assert isinstance(block, Answer)
    return block.void


async def test_what_a_broken_answer_had_said_is_recorded_each_time_and_the_last_is_the_models_to_know(
    tmp_path: Path,
) -> None:
    replies = [words({"content": f"try {n}"}, end=Act.CUT) for n in range(3)]
    async with (
        serving(*replies, words({"content": "at last"})) as server,
        session_with(tmp_path, "openai-chat", server) as session,
    ):
        await session.submit("go")
        assert session.outcome == "failed"
        partials = payloads(read_events(session.folder), ModelPartial)
        assert [(one.text, one.kept) for one in partials] == [("try 0", False), ("try 1", False), ("try 2", True)]
        server.gone.clear()
        await session.submit("once more")
        said = str(server.seen[-1].body["messages"])
        assert "try 2" in said and "broke here" in said
        assert "try 0" not in said and "try 1" not in said


class Unhurried:
    """A journal whose disk is slow: what it records is written at once, and on disk when the test says so."""

    def __init__(self, bus: Recorder) -> None:
        self._bus, self.written, self.on_disk = bus, asyncio.Event(), asyncio.Event()

    async def record(self, payload: Payload, *, follows: bool = False, **around: Unpack[Around]) -> Event:
        (event,) = await self.record_all((payload,), follows=follows, **around)
        return event

    async def record_all(
        self, payloads: Sequence[Payload], *, follows: bool = False, **around: Unpack[Around]
    ) -> list[Event]:
        events = await self._bus.record_all(payloads, follows=follows, **around)
        if any(isinstance(payload, ModelResponded) for payload in payloads):
            self.written.set()
            await self.on_disk.wait()
        return events

    def publish(self, live: Live) -> None:
        self._bus.publish(live)


async def test_an_answer_that_is_stopped_while_it_is_recorded_is_told_once(tmp_path: Path) -> None:
    reply = words({"content": "one two"})
    async with serving(reply) as server, session_with(tmp_path, "openai-chat", server) as session:
        bus = session._parts.asking._bus = Unhurried(session._parts.bus)
        running = asyncio.ensure_future(session.submit("count"))
        await bus.written.wait()
        await session.interrupt()
        await running
        told = [event.type for event in read_events(session.folder)]
        assert told.count("model.responded") == 1
        assert "model.partial" not in told
