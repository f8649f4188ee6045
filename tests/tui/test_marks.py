"""The mark over selected text and the row of the cursor, in the terminal's own colours and without any."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from tests.tui.rig import Rig, until
from tests.tui.scenes import work
from vtcode_tui.config.settings import Settings
from vtcode_tui.tui.picture import text_of

DEFAULT = Color.default()
OWN = Settings.model_validate({"interface": {"theme": "vtcode-ansi"}})


def looks(strip: Strip) -> list[Style]:
    """The style of each cell."""
    return [style or Style.null() for text, style, _ in strip for _ in range(len(text))]


@pytest.mark.parametrize("colours", ["the terminal's own", "none"])
async def test_the_mark_is_seen_over_dim_text_and_over_the_row_of_the_cursor(
    monkeypatch: pytest.MonkeyPatch, colours: str
) -> None:
    if colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    app = Rig(OWN)
    async with app.app.run_test(size=(120, 40)) as pilot:
        work(await app.ready(pilot))
        chat = app.app.work.chat
        await until(lambda: chat.row_count() > 10 and not chat._pending, pilot)
        await pilot.press("f2")
        await pilot.pause()

        def painted() -> list[list[Style]]:
            return [looks(strip) for strip in chat.render_lines(chat.size.region)]

        plain = painted()
        app.app.work.selections = {chat: Selection(Offset(2, 0), Offset(30, chat.row_count() - 1))}
        await pilot.pause()
        marked = painted()
        top = int(chat.scroll_offset.y)
        assert chat.cursor is not None
        dim = 0
        for y, (before, after) in enumerate(zip(plain, marked, strict=True), top):
            for cell in range(4, 28):
                if y < chat.row_count() - 1:
                    assert bool(before[cell].reverse) != bool(after[cell].reverse), (y, cell)
                    assert not after[cell].dim
                    dim += bool(before[cell].dim)
        assert dim
        assert top <= chat.cursor < top + chat.size.height


async def test_without_colours_every_cell_is_in_the_terminals_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Rig(Settings.model_validate({"interface": {"theme": "vtcode-light"}}))
    async with app.app.run_test(size=(120, 40), notifications=True) as pilot:
        work(await app.ready(pilot))
        await until(lambda: "evil.example" in text_of(app.app), pilot)
        app.app.work.set_theme("dark")
        await until(lambda: "NO_COLOR" in text_of(app.app), pilot)
        for strip in app.app.work._compositor.render_strips():
            for text, style, _ in strip:
                assert style is None or (style.color or DEFAULT).is_default, text
                assert style is None or (style.bgcolor or DEFAULT).is_default, text
