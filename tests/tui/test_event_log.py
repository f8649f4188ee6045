"""The event log when it is long: filtered piece by piece, with events that come meanwhile, and keys answered."""

from __future__ import annotations

from collections.abc import Callable

from tests.tui.rig import Rig, ScriptedCore, until
from tests.tui.scenes import begin
from vtcode_tui.events.types import ConfigChanged, PolicyDecided
from vtcode_tui.tui.panes.event_filter import EventFilter
from vtcode_tui.tui.panes.events import PIECE

A = "a" * 64


def many(core: ScriptedCore, count: int) -> None:
    for number in range(count):
        if number % 3:
            core.say(ConfigChanged(what=f"key {number}", before="", after="on", file=""))
        else:
            decided = PolicyDecided(
                decision="deny", rule="r", reason=f"n{number}", subject_sha256=A, policy_sha256=A
            )
            core.say(decided, call="c1")


async def test_a_long_log_is_filtered_in_pieces_and_what_comes_meanwhile_is_in_it_once(
    rig: Callable[..., Rig],
) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        many(core, 2 * PIECE + 900)
        log = app.app.work.events
        for text in ("type:policy", "-type:policy on", "n300"):
            log.narrow(text)
            assert log.filtering
            many(core, 40)
            await pilot.press("escape", "h")
            await until(lambda: not log.filtering, pilot)
            many(core, 4)
            whole = EventFilter(text).places(log.live)
            assert log._shown == whole and len(whole) > 0
        await until(lambda: app.app.work.prompt.text == "hhh", pilot)  # a letter waits for the escape before it
        log.narrow("")
        assert not log.filtering and log.shown_count() == len(log.live)
