"""A link says where it leads before anything is done with it, and nothing of ours ever opens one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.rig import Rig, until
from tests.tui.scenes import begin, respond
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.screens.pick import Pick

Make = Callable[..., Rig]

EVIL = "https://evil.example/steal"
TEXT = f"See [https://good.example]({EVIL}) or https://plain.example/a.\n\nNo link here."


@pytest.mark.parametrize("by", ["key", "click"])
async def test_the_address_is_shown_before_it_is_copied(rig: Make, by: str) -> None:
    app = rig()
    async with app.app.run_test(size=(100, 30)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        core.say(respond(TEXT))
        await until(lambda: "good.example" in text_of(app.app), pilot)
        rows = text_of(app.app).split("\n")
        y = next(y for y, row in enumerate(rows) if "good.example" in row)
        if by == "key":
            await pilot.press("f2", "end", "u")
        else:
            await pilot.click(offset=(rows[y].index("good.example"), y))
        await until(lambda: isinstance(app.app.screen, Pick), pilot)
        assert f" {EVIL}" in text_of(app.app)
        assert not app.app.clipboard
        await pilot.press("enter")
        await until(lambda: bool(app.app.clipboard), pilot)
        assert app.app.clipboard == EVIL
