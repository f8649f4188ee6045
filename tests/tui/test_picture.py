"""A picture of the screen is what is on it, and taking one changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from tests.tui.rig import Rig, until
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.screens.ask import Ask


async def test_what_is_behind_a_dialog_is_in_the_picture_and_stays_on_the_screen(rig: Callable[..., Rig]) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        await app.ready(pilot)
        app.app.push_screen(Ask("deny, because", ""))
        await until(lambda: isinstance(app.app.screen, Ask) and "deny, because" in text_of(app.app), pilot)
        app.app.screen.refresh()
        assert "terminal" in text_of(app.app).partition("\nstyles")[0]
        assert "terminal" in text_of(app.app).partition("\nstyles")[0]
