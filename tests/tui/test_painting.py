"""What is painted cheaply is what would be painted with everything, and nothing that is due is forgotten for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from textual.geometry import Offset, Region
from textual.pilot import Pilot
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip

from tests.tui.rig import Rig, staged, until
from tests.tui.scenes import begin, respond, run, work
from tests.tui.test_echo import cells
from vtcode_tui.events.live import OutputChunk, TextDelta
from vtcode_tui.render import Line, MarkdownStream
from vtcode_tui.tui.panes import blocks
from vtcode_tui.tui.sheet import Sheet
from vtcode_tui.tui.themes import THEMES

Make = Callable[..., Rig]
OUTPUT = (
    b"a file\r\n", b"\x1b[31ma red\x1b[0m file\r\n" * 9, b"\x1b[H\x1b[2J",
    b"\x1b[5;3Hthere", b"\x1b[?25l", b"\x1b[?25h",
    b"\x1b[44m\x1b[K blue\x1b[0m", "\u5bbd e\u0301\r\n".encode(), b"\x1b[?1049h", b"\x1b[?1049l",
)  # fmt: skip


def painted(sheet: Sheet) -> list[list[tuple[str, str]]]:
    """Every row that can be seen, as the screen gets it."""
    width, height = sheet.outer_size
    seen = sheet.scrollable_content_region.right - sheet.region.x
    return cells([strip.crop(0, seen) for strip in sheet.render_lines(Region(0, 0, width, height))])


def anew(sheet: Sheet) -> list[list[tuple[str, str]]]:
    """The same by Textual's general way, with nothing remembered."""
    width, height = sheet.outer_size
    seen = sheet.scrollable_content_region.right - sheet.region.x
    sheet._strips.clear()
    sheet._styles_cache.clear()
    strips = ScrollView.render_lines(sheet, Region(0, 0, width, height))
    return cells([strip.crop(0, seen) for strip in strips])


def bar_of(
    bar: ScrollBar, render: Callable[[ScrollBar, Region], list[Strip]]
) -> list[list[tuple[str, str, object]]]:
    """What each row of a scroll bar is: its character, its look, and what the mouse does there."""
    strips = render(bar, Region(0, 0, *bar.outer_size))
    return [[(text, str(style), style.meta if style else None) for text, style, _ in strip] for strip in strips]


@pytest.mark.parametrize("seed", range(3))
async def test_rows_that_are_known_look_like_rows_that_are_drawn_anew(rig: Make, seed: int) -> None:
    chance = random.Random(seed)
    on = rig()
    async with on.app.run_test(size=(120, 40)) as pilot:
        core = await on.ready(pilot)
        work(core)
        core.say(respond("# Title\n\n" + "some **words** of `code`\n\n" * 30))
        run(core, "r1", "watch", b"", ends=False)
        screen = on.app.work
        screen.diff.show(staged())
        await pilot.pause()
        sheets: list[Sheet] = [screen.chat, screen.diff, screen.events, screen.terminal]

        def select() -> None:
            sheet = chance.choice(sheets)
            screen.selections = {sheet: Selection(Offset(1, 0), Offset(9, chance.randrange(1, 9)))}

        acts: list[Callable[[], object]] = [
            lambda: chance.choice(sheets).focus(),
            lambda: screen.home(),
            lambda: chance.choice(sheets).scroll_to(y=chance.randrange(30), animate=False, immediate=True),
            lambda: chance.choice(sheets).scroll_to(x=chance.randrange(4), animate=False, immediate=True),
            lambda: chance.choice(sheets).move_cursor(chance.randrange(-3, 4)),
            lambda: chance.choice(sheets).action_bottom(),
            screen.chat.action_fold_all,
            lambda: setattr(on.app, "theme", chance.choice(THEMES).name),
            lambda: core.say(respond("more words " * chance.randrange(1, 40))),
            select,
            screen.clear_selection,
            lambda: core.live(OutputChunk("r1", chance.choice(OUTPUT), True)),
            lambda: screen.terminal.find(chance.choice(("", "a", "file"))),
            lambda: setattr(chance.choice(sheets).vertical_scrollbar, "mouse_over", chance.random() < 0.5),
        ]
        for _ in range(40):
            chance.choice(acts)()
            if chance.random() < 0.1:
                await pilot.resize_terminal(*chance.choice(((80, 24), (120, 40), (160, 48))))
            await until(lambda: not screen.terminal.busy, pilot)
            await pilot.pause()
            for sheet in sheets:
                if sheet.outer_size.height and screen.chat.region:
                    shown = painted(sheet)
                    assert shown == anew(sheet), sheet
                    assert shown == painted(sheet), sheet
                    bar = sheet.vertical_scrollbar
                    assert bar_of(bar, type(bar).render_lines) == bar_of(bar, ScrollBar.render_lines), sheet


async def test_one_row_of_a_pane_is_painted_the_long_way_at_another_width(
    rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = rig()
    async with on.app.run_test(size=(120, 40)) as pilot:
        core = await on.ready(pilot)
        work(core)
        await pilot.pause()
        long_way: list[Sheet] = []
        usual = Sheet.render_line

        def noted(sheet: Sheet, y: int) -> Strip:
            long_way.append(sheet)
            return usual(sheet, y)

        monkeypatch.setattr(Sheet, "render_line", noted)
        await pilot.resize_terminal(100, 40)
        chat = on.app.work.chat
        assert chat.outer_size.width < 100 and 1 <= long_way.count(chat) <= 2


async def test_several_long_answers_are_laid_out_for_another_width_and_not_within_its_painting(
    rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "AT_ONCE", 0.0)  # as on a slow machine: one part at a time
    on = rig()
    async with on.app.run_test(size=(120, 40)) as pilot:
        core = await on.ready(pilot)
        begin(core)
        text = ("some words of it " * 9 + "\n\n") * 80
        core.say(respond(text))
        core.say(respond(text + "the end"))
        chat = on.app.work.chat
        second = len(chat.blocks) - 1
        await until(lambda: len(chat._rows.get(second, ())) > 240 and not chat._pending, pilot)
        chat.scroll_to(y=0, animate=False, immediate=True)
        await until(lambda: len(chat._rows.get(second - 1, ())) > 240 and not chat._pending, pilot)
        chat.scroll_to(y=chat._starts[second] - 5, animate=False, immediate=True)
        await until(lambda: not chat._pending, pilot)
        before, within = chat.text_width, False
        usual, laid = MarkdownStream.advance, Sheet.render_lines

        def advance(stream: MarkdownStream, most: int) -> bool:
            assert not within
            return usual(stream, most)

        def render_lines(sheet: Sheet, crop: Region) -> list[Strip]:
            nonlocal within
            within = True
            try:
                return laid(sheet, crop)
            finally:
                within = False

        monkeypatch.setattr(MarkdownStream, "advance", advance)
        monkeypatch.setattr(Sheet, "render_lines", render_lines)
        await pilot.resize_terminal(100, 40)
        await until(lambda: chat.text_width != before, pilot)

        def texts(rows: Iterable[Line]) -> list[str]:
            return [row.text.rstrip() for row in rows]

        def is_laid(index: int) -> bool:
            whole = blocks.Answer(source=chat.blocks[index].copy_text()).lay(chat.text_width)
            return texts(chat._rows[index]) == texts(whole)

        await until(lambda: not chat._pending, pilot)
        await until(lambda: is_laid(second - 1), pilot)
        await until(lambda: is_laid(second), pilot)


async def test_a_row_that_is_painted_between_two_frames_is_not_remembered_as_what_it_was(rig: Make) -> None:
    on = rig()
    async with on.app.run_test(size=(120, 40)) as pilot:
        core = await on.ready(pilot)
        begin(core)
        chat = on.app.work.chat
        core.live(TextDelta(1, "once"))
        await until(lambda: "once" in "".join(text for row in painted(chat) for text, _ in row), pilot)
        core.live(TextDelta(1, " and again"))
        painted(chat)  # as when all of the screen is drawn for another reason, before the frame of the new words
        await until(lambda: not chat._pending, pilot)
        assert painted(chat) == anew(chat)


async def test_a_letter_does_not_wait_for_a_frame_that_is_due_and_takes_nothing_from_it(
    rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = rig()
    async with on.app.run_test(size=(120, 40)) as pilot:
        core = await on.ready(pilot)
        begin(core)
        await pilot.pause()
        app, screen = on.app, on.app.work
        written: list[str] = []

        def display(_: object, update: Any) -> None:
            if update is not None:
                written.append(update.render_segments(app.console))

        monkeypatch.setattr(app, "_display", display)
        core.live(TextDelta(1, "streamed\n\n" * 60))
        screen.chat.redraw()
        screen.refresh(layout=True)
        screen.prompt.insert("Q")
        assert len(written) == 1 and "Q" in written[0] and "streamed" not in written[0]
        await until(lambda: "streamed" in "".join(written), pilot)


async def test_a_growing_chat_lays_out_nothing_but_itself(rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    on = rig()
    async with on.app.run_test(size=(120, 40)) as pilot:
        core = await on.ready(pilot)
        begin(core)
        core.live(TextDelta(1, "streamed\n\n" * 60))
        chat = on.app.work.chat
        await until(lambda: chat.show_vertical_scrollbar and chat.scroll_y == chat.max_scroll_y > 60, pilot)
        await _rest(pilot)
        layouts = on.app.work._layout_updates, on.app.work.chat._layout_updates
        before = chat.max_scroll_y
        core.live(TextDelta(1, "streamed\n\n" * 9))
        await until(lambda: chat.scroll_y == chat.max_scroll_y > before, pilot)
        assert chat.vertical_scrollbar.window_virtual_size == chat.row_count()
        assert layouts == (on.app.work._layout_updates, on.app.work.chat._layout_updates)


async def _rest(pilot: Pilot[Any]) -> None:
    for _ in range(3):
        await pilot.pause()
