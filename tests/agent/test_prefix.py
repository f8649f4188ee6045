"""What prompt caches live on: every request begins with the one before it; and how much they gave is to be seen."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import staged
from tests.agent.test_failover import WIRES, session_with
from tests.llm.server import serving
from tests.llm.streams import reply
from tests.reading import payloads
from tests.tui.rig import Rig
from vtcode_tui.common.errors import UsageError
from vtcode_tui.config.settings import Settings, Wire
from vtcode_tui.demo import Step
from vtcode_tui.events import read_events
from vtcode_tui.events.live import ContextMeter
from vtcode_tui.events.types import ContextCompacted, ModelRequested, ModelResponded
from vtcode_tui.tui.picture import strips_of


@pytest.mark.kernel
async def test_each_request_begins_with_the_one_before_it_until_the_context_is_compacted(tmp_path: Path) -> None:
    def script(body: Mapping[str, Any]) -> Step:
        last = body["messages"][-1]
        if last["role"] == "tool" or "summary" in str(last["content"]):
            return Step("Seen.")
        return Step("I look.", (("read_file", {"path": "a"}), ("list_files", {})), reasoning="Two looks.")

    async with staged(tmp_path, script, files={"a": "x\n" * 400}) as stage:
        for number in range(6):
            await stage.session.submit(f"turn {number}")
        await stage.session.compact()
        await stage.session.submit("turn 6")
        requests = stage.model.requests
        asked = payloads(stage.events(), ModelRequested)
        assert len({one.prefix_sha256 for one in asked}) == 1
        assert len(payloads(stage.events(), ContextCompacted)) == 1
        for before, after in itertools.pairwise(requests[:12]):
            assert after["messages"][: len(before["messages"])] == before["messages"]
            assert (after["tools"], after["model"]) == (before["tools"], before["model"])
        # Old outputs are left out in one cut, with the summary: it and what follows keep system and tools.
        for after in requests[12:]:
            assert (after["messages"][0], after["tools"]) == (requests[0]["messages"][0], requests[0]["tools"])
        await stage.session.set_mode("plan")
        await stage.session.submit("turn 7")
        assert payloads(stage.events(), ModelRequested)[-1].prefix_sha256 != asked[0].prefix_sha256


@pytest.mark.kernel
async def test_a_conversation_in_which_nothing_was_said_is_not_summarised(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("Hello.")]) as stage:
        with pytest.raises(UsageError, match="nothing to summarise"):
            await stage.session.compact()
        assert stage.model.requests == []
        assert payloads(stage.events(), ContextCompacted) == []


@pytest.mark.kernel
@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != "ollama"])
async def test_what_came_out_of_the_providers_cache_is_counted_on_every_wire_that_says_it(
    tmp_path: Path, wire: Wire
) -> None:
    heard: list[float | None] = []
    async with serving(reply(wire)) as server, session_with(tmp_path, wire, server) as session:
        session._parts.bus.subscribe(
            lambda what: heard.append(what.cached) if isinstance(what, ContextMeter) else None
        )
        assert session._chain is not None
        message = await session._parts.asking.ask(session._chain, 1)
        assert message.parts
        (answer,) = payloads(read_events(session.folder), ModelResponded)
    assert (answer.cache_read_tokens, answer.input_tokens + answer.cache_read_tokens) == (60, 100)
    assert heard[-1] == pytest.approx(0.6, abs=0.1)


async def test_the_share_that_came_out_of_caches_stands_in_the_status_bar() -> None:
    rig = Rig(Settings())
    async with rig.app.run_test(size=(160, 48)) as pilot:
        core = await rig.ready(pilot)
        core.live(ContextMeter(20_000, 100_000, 0.42, 0.617))
        await pilot.pause()
        row = strips_of(rig.app)[-1].text
    assert "20.0k/100k 20%" in row
    assert "62% cached" in row
    assert "$0.42" in row
