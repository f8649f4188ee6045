"""What the person wants reaches the core in order, and what waits is shown for as long as it waits."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.tui.rig import ScriptedCore
from vtcode_tui.tui.intents import Intents


async def test_a_prompt_sent_before_the_session_is_open_waits_visibly_and_no_longer() -> None:
    shown: list[int] = []
    complaints: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    def start(work: Any, _name: str) -> None:
        tasks.append(asyncio.create_task(work()))

    intents = Intents(start, complaints.append, lambda: shown.append(len(intents.waiting)))
    intents.submit("first")
    intents.submit("second")
    assert shown[-1] == 2
    nobody: Any = None
    core: Any = ScriptedCore(nobody, lambda _: None)
    core.turn_over.clear()
    intents.opened(core)
    assert shown[-1] == 1
    core.turn_over.set()
    while len(tasks) < 2:
        await asyncio.gather(*tasks)
    await asyncio.gather(*tasks)
    assert shown[-1] == 0
    assert [told[1] for told in core.told] == ["first", "second"]
    assert complaints == []
