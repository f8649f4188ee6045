"""A session that changes its wire in the middle: every pair of wires, by failover, over real HTTP."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.llm.server import Act, Reply, serving
from tests.llm.streams import THOUGHT, WORDS, reply
from tests.llm.talk import endpoint, hear, no_wait, request
from tests.llm.test_conformance import assert_whole, uses_and_answers
from tests.llm.vendors_types import check_for
from vtcode_tui.config.settings import Wire
from vtcode_tui.llm import Chain, Link, ModelFacts
from vtcode_tui.llm.messages import Image, Message, Text, ToolResult, ToolUse

WIRES: tuple[Wire, ...] = get_args(Wire)
PAIRS = [(first, second) for first in WIRES for second in WIRES if first != second]
GONE = Reply((b"{}",), status=503, headers={"content-type": "application/json"})


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{a} to {b}" for a, b in PAIRS])
async def test_a_conversation_goes_on_over_another_wire(first: Wire, second: Wire) -> None:
    broken = Reply((b"data: {", Act.CUT), headers=reply(first).headers)
    async with serving(reply(first), broken, GONE) as one, serving(reply(second)) as other:
        links = [Link(endpoint(one.root, first, "one"), "m"), Link(endpoint(other.root, second, "other"), "m")]
        chain = Chain(links, sleep=no_wait, chance=lambda: 0.0)
        answered = (await hear(chain)).whole
        uses = [part for part in answered.message.parts if isinstance(part, ToolUse)]
        results = Message("user", tuple(ToolResult(use.id, f"content {n}") for n, use in enumerate(uses)))
        heard = await hear(chain, request(*request().messages, answered.message, results))
    assert heard.text == WORDS
    assert heard.whole.provider == "other"
    assert heard.restarts[-1].dropped == (
        ("reasoning of one/m", "signature of one/m") if first == "gemini" else ("reasoning of one/m",)
    )
    body = other.seen[0].body
    assert_whole(second, body)
    assert sum(len(found) for kind, found in uses_and_answers(second, body) if kind == "uses") == 2
    raw = other.seen[0].raw.decode()
    assert raw.index("content 0") < raw.index("content 1")
    assert THOUGHT not in raw
    check_for(second)(body)


async def test_a_model_that_cannot_see_is_told_that_there_was_a_picture() -> None:
    async with serving(GONE) as one, serving(reply("openai-chat")) as other:
        blind = ModelFacts(32_000, images=False, known=True)
        links = [
            Link(endpoint(one.root, "anthropic", "one"), "m"),
            Link(endpoint(other.root, "openai-chat", "other"), "m", blind),
        ]
        chain = Chain(links, sleep=no_wait, chance=lambda: 0.0)
        heard = await hear(chain, request(Message("user", (Image(b"\x89PNG", "image/png"), Text("see?")))))
    assert heard.restarts[-1].dropped == ("picture",)
    assert "a picture that this model cannot see" in other.seen[0].raw.decode()


@pytest.mark.parametrize("wire", WIRES)
async def test_everything_that_can_break_breaks_and_the_turn_still_completes_once(wire: Wire) -> None:
    steps = reply(wire).steps
    faults = (
        Reply((b"nonsense",), status=500, headers={"content-type": "text/plain"}),
        Reply((*steps[:3], Act.CUT), headers=reply(wire).headers),
        Reply((b"data: \xff\n\n\xff\n",), headers=reply(wire).headers),
    )
    for fault in faults:
        async with serving(fault) as one, serving(fault, reply(wire)) as other:
            links = [Link(endpoint(one.root, wire, "one"), "m"), Link(endpoint(other.root, wire, "other"), "m")]
            heard = await hear(Chain(links, sleep=no_wait, chance=lambda: 0.0))
            assert (len(one.seen), len(other.seen)) == (3, 2)
        assert heard.text == WORDS
        assert len([part for part in heard.whole.message.parts if isinstance(part, ToolUse)]) == 2
