"""Streams that break inside a real session: the turn completes, and what its tool did to the disk is done once."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from tests.agent.stage import Human, home_in
from tests.lent import lent_spawner, proven
from tests.llm.server import Act, FaultyServer, Reply, serving, sse
from tests.llm.streams import calling, reply
from tests.llm.talk import no_wait
from tests.reading import payloads
from vtcode_tui.agent import Opening, Session, open_core
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.config.settings import DataClass, Link, Model, Provider, Providers, Settings, Wire
from vtcode_tui.events import Event, read_events
from vtcode_tui.events.types import (
    ContextCompacted,
    ModelFailover,
    ModelRequested,
    ModelResponded,
    PromptSubmitted,
)
from vtcode_tui.workspace import grant_trust

pytestmark = pytest.mark.kernel

WIRES: tuple[Wire, ...] = get_args(Wire)
TALLY = {"command": "python3 -c \"open('tally', 'a').write('x')\"", "terminal": False}


def stream(wire: Wire, *, upto: int | None = None, end: Act | None = None, extra: bytes = b"") -> Reply:
    """A tool call, or what came of it before it broke."""
    steps = [step for step in calling(wire, "run_command", TALLY) if step]
    kept = steps if upto is None else steps[:upto]
    return replace(reply(wire), steps=[*kept, *([extra] if extra else []), *([end] if end else [])])


@contextlib.asynccontextmanager
async def session_with(
    tmp_path: Path, wire: Wire, *servers: FaultyServer, data_class: DataClass = "private"
) -> AsyncIterator[Session]:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir()
    (root / "a.py").write_text("a\n")
    (root / "b.py").write_text("b\n")
    grant_trust(root, home, now=rfc3339(SystemClock().now()))
    tables = {
        f"p{n}": Provider(wire=wire, base_url=server.root, models=("m",), data_class=data_class)
        for n, server in enumerate(servers)
    }
    rest = tuple(Link(provider=name, model="m") for name in list(tables)[1:])
    settings = Settings(
        providers=Providers.of(tables), model=Model(provider="p0", name="m", chain=rest, discover=False)
    )
    spawner = lent_spawner(home)
    try:
        session = await open_core(
            Opening(
                root=root, home=home, settings=settings, spawner=spawner,
                capability=await proven(spawner, settings), approver=Human(), origin="exec",
                environ={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
            )
        )  # fmt: skip
        assert session._chain is not None
        session._chain._sleep = no_wait
        try:
            yield session
        finally:
            await session.close("test")
    finally:
        await spawner.close()


def tally(tmp_path: Path, session: Session) -> int:
    file = home_in(tmp_path).layers / session.session / "upper" / "tally"
    real = tmp_path / "ws" / "tally"
    return sum(len(one.read_text()) for one in (file, real) if one.exists())


def of(session: Session, kind: str) -> list[Event]:
    return [event for event in read_events(session.folder) if event.type == kind]


@pytest.mark.parametrize("wire", WIRES)
async def test_a_call_runs_once_wherever_its_stream_broke_before(tmp_path: Path, wire: Wire) -> None:
    last = len(stream(wire).steps) - (2 if wire in {"openai-chat", "lmstudio"} else 1)
    bad = b"data: {broken\n\n" if wire != "ollama" else b"{broken\n"
    breaks = [stream(wire, upto=k, end=Act.CUT) for k in range(last + 1)]
    breaks.append(stream(wire, upto=last, extra=bad))
    broken = len(breaks)
    async with serving() as server:
        server.replies = []
        async with session_with(tmp_path, wire, server) as session:
            for turn, fault in enumerate(breaks, 1):
                done = len(server.seen)
                server.replies = [*[Reply()] * done, fault, stream(wire), *[_answer(wire)] * 2]
                await session.submit(f"turn {turn}")
                assert session.outcome == "done"
                assert len(server.seen) - done == 3
                assert tally(tmp_path, session) == turn
            assert len(of(session, "model.failover")) == broken
            ran = [event for event in of(session, "exec.started") if str(event.call)[0] == "c"]
            assert len(ran) == broken


def _sse(*events: object) -> bytes:
    return b"".join(sse(*events, done=False))


def _answer(wire: Wire) -> Reply:
    """A plain answer."""
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Done."}}
    delta = {"type": "response.output_text.delta", "output_index": 0, "delta": "Done."}
    candidate = {"content": {"parts": [{"text": "Done."}]}, "finishReason": "STOP"}
    line = {"message": {"content": "Done."}, "done": True, "done_reason": "stop"}
    words = {
        "anthropic": _sse(block, {"type": "message_stop"}),
        "openai-responses": _sse(delta, {"type": "response.completed", "response": {"output": []}}),
        "gemini": _sse({"candidates": [candidate]}),
        "ollama": json.dumps(line).encode() + b"\n",
    }
    chat = b'data: {"choices": [{"delta": {"content": "Done."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    return replace(reply(wire), steps=[words.get(wire, chat)])


@pytest.mark.parametrize("wire", WIRES)
async def test_when_one_provider_breaks_every_stream_another_completes_the_turn_and_the_call_runs_once(
    tmp_path: Path, wire: Wire
) -> None:
    whole = len(stream(wire).steps)
    async with (
        serving(stream(wire, upto=whole // 2 + 1 if wire != "gemini" else 2, end=Act.CUT)) as one,
        serving(stream(wire), _answer(wire)) as two,
        session_with(tmp_path, wire, one, two) as session,
    ):
        await session.submit("go")
        assert session.outcome == "done"
        assert tally(tmp_path, session) == 1
        assert (len(one.seen), len(two.seen)) == (3, 2)
        answered = [answer.provider for answer in payloads(read_events(session.folder), ModelResponded)]
        assert answered == ["p1", "p1"]
        moved = payloads(read_events(session.folder), ModelFailover)[-1]
        assert (moved.from_provider, moved.to_provider) == ("p0", "p1")
        assert moved.partial_output_discarded


def _refused(status: int, message: str) -> Reply:
    said = json.dumps({"error": {"message": message}}).encode()
    return Reply((said,), status=status, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("fault", "attempts", "why"),
    [
        (_refused(429, "slow down"), 3, "too many requests, HTTP 429 (slow down)"),
        (_refused(529, "Overloaded"), 3, "overloaded, HTTP 529 (Overloaded)"),
        (_refused(500, "oops"), 3, "HTTP 500 (oops)"),
        (stream("openai-chat", upto=3, end=Act.CUT), 3, "broke (peer closed connection"),
        (stream("openai-chat", upto=3, end=Act.LEAVE), 3, "broke (peer closed connection"),
        (stream("openai-chat", upto=3, extra=b"data: {broken\n\n"), 3, "an event that is not JSON"),
        (Reply((b"",)), 3, "the stream ended before the message did"),
        (None, 1, "nothing listens at "),
    ],
    ids=["rate", "overload", "server", "reset", "left", "malformed", "empty", "not running"],
)
async def test_the_event_of_a_failover_says_why_from_where_to_where_and_after_how_many_attempts(
    tmp_path: Path, fault: Reply | None, attempts: int, why: str
) -> None:
    async with (
        serving(fault or Reply()) as one,
        serving(_answer("openai-chat")) as two,
        session_with(
            tmp_path, "openai-chat", one, two, data_class="local" if fault is None else "private"
        ) as session,
    ):
        if fault is None:
            await one.stop()
        await session.submit("go")
        assert (session.outcome, session.last_answer) == ("done", "Done.")
        failovers = payloads(read_events(session.folder), ModelFailover)
        assert [moved.attempts for moved in failovers] == list(range(1, attempts + 1))
        assert [moved.to_provider for moved in failovers] == ["p0"] * (attempts - 1) + ["p1"]
        assert [
            moved.reason for moved in failovers if not moved.reason.startswith("p0: ") or why not in moved.reason
        ] == []
        assert {(moved.from_provider, moved.from_model) for moved in failovers} == {("p0", "m")}


TOO_LONG: dict[Wire, object] = {
    "anthropic": {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long"}},
    "openai-responses": {"error": {"code": "context_length_exceeded", "message": "exceeds the context window"}},
    "gemini": {"error": {"code": 400, "message": "The input token count exceeds the maximum number of tokens"}},
    "ollama": {"error": "the prompt exceeds the available context size"},
}


@pytest.mark.parametrize("wire", WIRES)
async def test_a_conversation_that_a_provider_finds_too_long_is_summed_up_and_goes_on(
    tmp_path: Path, wire: Wire
) -> None:
    said = json.dumps(TOO_LONG.get(wire, TOO_LONG["openai-responses"])).encode()
    refused = Reply((said,), status=400, headers={"content-type": "application/json"})
    answer = _answer(wire)
    async with (
        serving(answer, refused, answer, answer) as server,
        session_with(tmp_path, wire, server) as session,
    ):
        await session.submit("remember the word heron")
        await session.submit("what was the word?")
        assert (session.outcome, session.last_answer, len(server.seen)) == ("done", "Done.", 4)
        (compacted,) = payloads(read_events(session.folder), ContextCompacted)
        assert (compacted.trigger, compacted.method) == ("provider", "summary")
        asked = [it.purpose for it in payloads(read_events(session.folder), ModelRequested)]
        assert asked == ["answer", "answer", "summary", "answer"]
        assert "heron" in server.seen[3].raw.decode()


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


@pytest.mark.parametrize("wire", WIRES)
async def test_a_picture_of_the_prompt_reaches_the_model_and_only_its_digest_the_journal(
    tmp_path: Path, wire: Wire
) -> None:
    async with serving(_answer(wire)) as server, session_with(tmp_path, wire, server) as session:
        await session.submit("what is this?", images=(PNG,))
        assert session.outcome == "done"
        raw = server.seen[0].raw.decode()
        coded = base64.b64encode(PNG).decode()
        assert coded in raw
        assert wire == "ollama" or "image/png" in raw
        (prompt,) = payloads(read_events(session.folder), PromptSubmitted)
        assert prompt.attachments == (hashlib.sha256(PNG).hexdigest(),)
        assert coded not in (session.folder / "journal.jsonl").read_text()
