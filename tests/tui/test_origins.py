"""From a message, a call, a run or a file to its event in the log, and back to where it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.tui.rig import Rig, until
from tests.tui.scenes import respond, work
from tests.tui.test_viewer import journal, loaded
from vtcode_tui.config.settings import Settings
from vtcode_tui.tui.screens.panes import PaneScreen
from vtcode_tui.tui.viewer import ViewerApp

Make = Callable[..., Rig]
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=str)
__all__ = ["journal"]


def on_event(screen: PaneScreen, type: str, word: str = "") -> bool:
    """Whether the cursor of the log is on such an event, and on the screen."""
    log = screen.events
    if screen.focused is not log or log.cursor is None or not log.scrollable_content_region.height:
        return False
    event = log.event_at(log.cursor)
    seen = 0 <= log.cursor - log.scroll_offset.y < log.scrollable_content_region.height
    return seen and event is not None and event.type == type and word in event.data.model_dump_json()


def on_words(screen: PaneScreen, words: str) -> bool:
    """Whether the cursor of the chat is on these words, and on the screen."""
    chat = screen.chat
    if screen.focused is not chat or chat.cursor is None:
        return False
    seen = 0 <= chat.cursor - chat.scroll_offset.y < chat.scrollable_content_region.height
    return seen and words in chat.row(chat.cursor).text


def go_to(screen: PaneScreen, words: str) -> bool:
    """Put the cursor of the chat on these words, once all of it has been laid out."""
    chat = screen.chat
    [chat.row(y) for y in range(chat.row_count() * 9)]
    chat.redraw()
    found = [y for y in range(chat.row_count()) if words in chat.row(y).text]
    chat.put_cursor(found[0])
    return on_words(screen, words)


@SIZES
async def test_o_leads_from_a_message_and_from_a_call_to_the_event_and_back(
    rig: Make, size: tuple[int, int]
) -> None:
    app = rig()
    async with app.app.run_test(size=size) as pilot:
        core = await app.ready(pilot)
        work(core)
        for number in range(30):
            core.say(respond(f"answer {number} " + "words " * 40))
        screen = app.app.work
        await until(lambda: screen.events.total() > 40, pilot)
        for words, type, within in (
            ("The test in tests/", "prompt.submitted", "The test in"),
            ("edit_file  src/calc.py", "tool.requested", "edit_file"),
            ("answer 7 ", "model.responded", "answer 7 "),
        ):
            await pilot.press("f2")
            await pilot.pause()
            assert go_to(screen, words)
            await pilot.press("o")
            await until(partial(on_event, screen, type, within), pilot)
            await pilot.press("o")
            await until(partial(on_words, screen, words), pilot)


@SIZES
async def test_o_leads_from_a_file_of_the_diff_to_its_change_and_back(rig: Make, size: tuple[int, int]) -> None:
    app = rig()
    async with app.app.run_test(size=size) as pilot:
        work(await app.ready(pilot))
        screen = app.app.work
        await until(lambda: bool(screen.diff.changes.files), pilot)
        await pilot.press("f3", "n", "o")
        await until(lambda: on_event(screen, "file.changed", "src/calc.py"), pilot)
        await pilot.press("o")
        await until(lambda: screen.focused is screen.diff and "src/calc.py" in str(screen.diff.place()), pilot)


async def test_o_leads_from_a_run_to_its_beginning_and_back(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        work(await app.ready(pilot))
        screen = app.app.work
        await until(lambda: bool(screen.terminal.runs), pilot)
        await pilot.press("f5", "o")
        await until(lambda: on_event(screen, "exec.started", "pytest -q"), pilot)
        await pilot.press("o")
        await until(lambda: screen.focused is screen.terminal, pilot)


async def test_a_filter_that_hides_the_event_is_lifted(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        work(await app.ready(pilot))
        screen = app.app.work
        await until(lambda: screen.events.total() > 15, pilot)
        screen.events.narrow("type:model")
        await pilot.press("f3", "o")
        await until(lambda: on_event(screen, "file.changed"), pilot)
        assert screen.events.filter.text == ""


async def test_what_no_event_tells_of_says_so(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        await app.ready(pilot)
        app.app.show_note("a sentence of the screen's own")
        screen = app.app.work
        await until(lambda: bool(screen.chat.row_count()), pilot)
        await pilot.press("f2", "o")
        await until(lambda: any("no event tells" in str(one.message) for one in app.app._notifications), pilot)
        assert screen.focused is screen.chat


async def test_the_viewer_leads_to_events_and_back_too(journal: Callable[..., Path]) -> None:
    app = ViewerApp(journal(), Settings())
    async with app.run_test(size=(160, 48)) as pilot:
        screen = await loaded(app, pilot)
        await pilot.press("$")
        await until(lambda: bool(screen.diff.changes.files), pilot)
        await pilot.press("f3", "o")
        await until(lambda: on_event(screen, "file.changed", "src/calc.py"), pilot)
        await pilot.press("o")
        await until(lambda: screen.focused is screen.diff, pilot)
