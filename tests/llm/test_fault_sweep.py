"""The fault sweep: each fault at each point of the stream on each wire, then failover; bounded, and said why."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from tests.llm.server import Act, Step, serving
from tests.llm.streams import WORDS, reply
from tests.llm.talk import Heard, endpoint, hear, no_wait
from vtcode_tui.config.settings import Wire
from vtcode_tui.llm import Chain, Link, TimeLimits
from vtcode_tui.llm.chain import ATTEMPTS
from vtcode_tui.llm.messages import Text, ToolUse

WIRES: tuple[Wire, ...] = get_args(Wire)

ERRORS: dict[Wire, bytes] = {
    "anthropic": b'data: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n',
    "openai-responses": b'data: {"type": "error", "code": "server_error", "message": "overloaded"}\n\n',
    "gemini": b'data: {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}\n\n',
    "ollama": b'{"error": "overloaded"}\n',
}
AN_ERROR = b'data: {"error": {"code": 503, "message": "overloaded"}}\n\n'
FAULTS = ("reset", "not JSON", "not UTF-8", "an error of the wire")
"""A quiet end is in `test_wires`, where the same link is asked again."""


def fault(kind: str, wire: Wire) -> tuple[Step, ...]:
    """What comes instead of the rest of the stream."""
    match kind:
        case "reset":
            return (Act.CUT,)
        case "not JSON":
            return (b"{broken\n" if wire == "ollama" else b"data: {broken\n\n",)
        case "not UTF-8":
            return (b'{"\xff": 1}\n' if wire == "ollama" else b'data: {"\xff": 1}\n\n',)
        case _:
            return (ERRORS.get(wire, AN_ERROR),)


def points(wire: Wire) -> range:
    """Before how many events of the stream its message is not whole yet."""
    steps = reply(wire).steps
    return range(len(steps) - {"openai-chat": 3, "lmstudio": 3}.get(wire, 2 if steps[-1] == b"" else 1) + 1)


def assert_once(heard: Heard) -> None:
    parts = heard.whole.message.parts
    assert heard.text == WORDS
    assert [part.text for part in parts if isinstance(part, Text)] == [WORDS]
    assert len([part for part in parts if isinstance(part, ToolUse)]) == 2


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", FAULTS)
async def test_wherever_a_stream_breaks_and_however_another_link_answers_once(wire: Wire, kind: str) -> None:
    for point in points(wire):
        broken = replace(reply(wire), steps=(*reply(wire).steps[:point], *fault(kind, wire)))
        async with serving(broken) as one, serving(reply(wire)) as other:
            links = [Link(endpoint(one.root, wire, "one"), "m"), Link(endpoint(other.root, wire, "other"), "m")]
            heard = await hear(Chain(links, sleep=no_wait, chance=lambda: 0.0))
            assert (len(one.seen), len(other.seen)) == (ATTEMPTS, 1), point
        assert_once(heard)
        assert [restart.attempts for restart in heard.restarts] == [1, 2, 3]
        assert [restart.to_provider for restart in heard.restarts] == ["one", "one", "other"]
        for restart in heard.restarts:
            assert restart.reason.startswith("one: ") and len(restart.reason) > len("one: ") + 5
            assert "\n" not in restart.reason


@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_that_falls_silent_is_left_and_asked_again(wire: Wire) -> None:
    every = points(wire)
    for point in {every[0], every[len(every) // 2], every[-1]}:
        silent = replace(reply(wire), steps=(*reply(wire).steps[:point], Act.STALL))
        async with serving(silent, reply(wire)) as server:
            limits = TimeLimits(first_byte=0.04, idle=0.4)
            link = Link(endpoint(server.root, wire), "m")
            heard = await hear(Chain([link], limits=limits, sleep=no_wait, chance=lambda: 0.0))
            assert len(server.seen) == 2, point
        assert_once(heard)
        assert "0" in heard.restarts[0].reason
