"""vim keys as a choice in the prompt, each of them; and the keys of movement that every pane has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.pilot import Pilot

from tests.tui.rig import Rig, staged, until
from tests.tui.scenes import respond, run, work
from vtcode_tui.config.settings import Settings
from vtcode_tui.tui.keys import KEYS, PANE
from vtcode_tui.tui.layout import Pane
from vtcode_tui.tui.sheet import Sheet
from vtcode_tui.tui.vim import EDITS, INSERTS, MOTIONS

TEXT = "one two, three\n    four five\nsix"
PRESSED: dict[str, tuple[tuple[int, int], str, str, tuple[int, int]]] = {
    # keys, where the cursor is, the text and the cursor afterwards
    "h": ((0, 4), "h", TEXT, (0, 3)),
    "l": ((0, 4), "l", TEXT, (0, 5)),
    "j": ((0, 4), "j", TEXT, (1, 4)),
    "k": ((1, 5), "k", TEXT, (0, 5)),
    "w": ((0, 0), "w", TEXT, (0, 4)),
    "e": ((0, 0), "e", TEXT, (0, 2)),
    "e at the end of a line": ((0, 13), "e", TEXT, (1, 7)),
    "b": ((0, 7), "b", TEXT, (0, 4)),
    "0": ((1, 6), "0", TEXT, (1, 0)),
    "^": ((1, 9), "^", TEXT, (1, 4)),
    "$": ((0, 0), "$", TEXT, (0, 14)),
    "g": ((2, 1), "g", TEXT, (0, 0)),
    "G": ((0, 0), "G", TEXT, (2, 3)),
    "x": ((0, 0), "x", "ne two, three\n    four five\nsix", (0, 0)),
    "X": ((0, 4), "X", "onetwo, three\n    four five\nsix", (0, 3)),
    "D": ((0, 3), "D", "one\n    four five\nsix", (0, 3)),
    "u": ((0, 0), "xxu", "ne two, three\n    four five\nsix", (0, 0)),
    "p": ((2, 3), "p", TEXT + "kept", (2, 7)),
    "i": ((0, 0), "i!", "!" + TEXT, (0, 1)),
    "a": ((0, 0), "a!", "o!ne two, three\n    four five\nsix", (0, 2)),
    "I": ((1, 6), "I!", "one two, three\n!    four five\nsix", (1, 1)),
    "A": ((2, 0), "A!", TEXT + "!", (2, 4)),
    "o": ((1, 0), "o!", "one two, three\n    four five\n!\nsix", (2, 1)),
    "O": ((1, 6), "O!", "one two, three\n!\n    four five\nsix", (1, 1)),
    "s": ((0, 0), "s!", "!ne two, three\n    four five\nsix", (0, 1)),
    "S": ((2, 1), "S!", "one two, three\n    four five\n!", (2, 1)),
    "C": ((0, 3), "C!", "one!\n    four five\nsix", (0, 4)),
    "dw": ((0, 0), "dw", "two, three\n    four five\nsix", (0, 0)),
    "de": ((0, 0), "de", " two, three\n    four five\nsix", (0, 0)),
    "d$": ((0, 3), "d$", "one\n    four five\nsix", (0, 3)),
    "d0": ((0, 4), "d0", "two, three\n    four five\nsix", (0, 0)),
    "dd": ((1, 2), "dd", "one two, three\nsix", (1, 0)),
    "cw": ((0, 0), "cw!", "!two, three\n    four five\nsix", (0, 1)),
    "d and a key that is no motion": ((0, 0), "dz", TEXT, (0, 0)),
    "a letter that means nothing": ((0, 0), "Q", TEXT, (0, 0)),
}


def test_no_key_is_without_its_row() -> None:
    assert {*MOTIONS, *EDITS, *INSERTS} <= PRESSED.keys()


async def test_each_vim_key_of_the_prompt_does_to_the_text_what_it_does_in_vim(rig: Callable[..., Rig]) -> None:
    app = rig(settings=Settings.model_validate({"interface": {"vim": True}}))
    async with app.app.run_test(size=(100, 30)) as pilot:
        await app.ready(pilot)
        prompt = app.app.work.prompt
        app.app.copy_to_clipboard("kept")
        wrong = {}
        for name, (place, keys, text, cursor) in PRESSED.items():
            prompt._mode.insert = True
            prompt.load_text(TEXT)
            await pilot.press("escape")
            prompt.move_cursor(place)
            await pilot.press(*keys)
            await until(lambda: not app.app._ahead.busy, pilot)
            if (prompt.text, prompt.cursor_location) != (text, cursor):
                wrong[name] = (prompt.text, prompt.cursor_location)
        assert not wrong


async def test_without_the_choice_letters_are_text(rig: Callable[..., Rig]) -> None:
    app = rig()
    async with app.app.run_test(size=(100, 30)) as pilot:
        await app.ready(pilot)
        await pilot.press("escape", *"hjkldd")
        await until(lambda: not app.app._ahead.busy, pilot)
        assert app.app.work.prompt.text == "hjkldd"


def place(sheet: Sheet) -> tuple[int | None, float]:
    return sheet.cursor, sheet.scroll_offset.y


def moved(sheet: Sheet, before: tuple[int | None, float]) -> bool:
    return place(sheet) != before


PANES: dict[Pane, str] = {"chat": "f2", "diff": "f3", "terminal": "f5", "events": "f6"}


async def idle_in(app: Rig, pilot: Pilot[Any], pane: Pane) -> list[str]:
    """The keys of movement that move nothing in a pane."""
    await pilot.press(PANES[pane])
    sheet = app.app.work.pane_view(pane)
    await until(lambda: sheet.has_focus and sheet.max_scroll_y > 5, pilot)
    idle = []
    for key in (key for key in KEYS if key.group == PANE):
        for pressed in key.keys.split(","):
            # Up from the end, down from the beginning.
            await pilot.press("G" if key.id in {"row.up", "page.up", "top"} else "g")
            await pilot.pause()
            before = place(sheet)
            await pilot.press(pressed)
            try:
                await until(partial(moved, sheet, before), pilot)
            except TimeoutError:
                idle.append(f"{pane}: {pressed}")
    return idle


async def test_every_key_of_movement_moves_in_every_pane(rig: Callable[..., Rig]) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        work(core)
        core.waiting = staged(hunks=3)
        app.app.work.files_changed()
        run(core, "long", "seq", b"".join(b"line %d\r\n" % number for number in range(300)))
        for number in range(60):
            core.say(respond(f"answer {number}"))
        await until(lambda: bool(app.app.work.diff.changes.files), pilot)
        assert [key for pane in PANES for key in await idle_in(app, pilot, pane)] == []
