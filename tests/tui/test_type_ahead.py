"""What is typed quickly behind a key that opens something arrives there: none of it is lost or acts elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.rig import Rig, ScriptedCore, staged, until
from tests.tui.scenes import run, work
from vtcode_tui.tui.screens.ask import AnswerLine, Ask
from vtcode_tui.tui.screens.help import Help
from vtcode_tui.tui.screens.pick import Pick


def at_once(rig: Rig, *keys: str) -> None:
    """Keys that the terminal delivers together: nothing of the program runs between them."""
    for key in keys:
        name = {"/": "slash", " ": "space", ":": "colon"}.get(key, key)
        rig.app.post_message(events.Key(name, key if len(key) == 1 else None))


async def _started(rig: Rig, pilot: Pilot[Any]) -> ScriptedCore:
    core = await rig.ready(pilot)
    work(core)
    run(core, "call-8", "seq", b"".join(b"line %d of the run\r\n" % n for n in range(200)), ends=False)
    core.waiting = staged()
    rig.app.work.files_changed()
    await until(lambda: bool(rig.app.work.diff.changes.files), pilot)
    return core


# The letters are keys of the pane too: end the run, export, reject, accept.
@pytest.mark.parametrize(
    ("opener", "typed"), [(("f6", "/"), "Eoye"), (("f5", "/"), "Klyo"), (("f3", "n", "c"), "Aafxx")]
)
async def test_words_behind_the_key_that_opens_a_line_are_written_on_it(
    rig: Callable[..., Rig], opener: tuple[str, ...], typed: str
) -> None:
    made = rig()
    async with made.app.run_test(size=(160, 48)) as pilot:
        core = await _started(made, pilot)
        told = len(core.told)
        at_once(made, *opener, *typed)
        await until(
            lambda: isinstance(made.app.screen, Ask) and made.app.screen.query_one(AnswerLine).text == typed, pilot
        )
        assert made.app.work.prompt.text == ""
        assert core.told[told:] == [], "none of them was a key of the pane"


async def test_a_word_and_enter_behind_the_palettes_key_choose_the_command(rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(104, 34)) as pilot:
        await _started(made, pilot)
        at_once(made, "ctrl+p", *"every key", "enter")
        await until(lambda: isinstance(made.app.screen, Help), pilot)
        assert made.app.work.prompt.text == ""
        at_once(made, "escape", *"ab")
        await until(lambda: made.app.work.prompt.text == "ab", pilot)
        assert not isinstance(made.app.screen, Help)


async def test_words_behind_a_pane_key_and_the_way_back_reach_the_prompt(rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(104, 34)) as pilot:
        core = await _started(made, pilot)
        told = len(core.told)
        at_once(made, "f3", "escape", *"Axa", "ctrl+r")
        await until(lambda: isinstance(made.app.screen, Pick), pilot)
        at_once(made, *"zz")
        await until(lambda: made.app.screen.query_one(Input).value.endswith("zz"), pilot)
        assert made.app.work.prompt.text == "Axa"
        assert core.told[told:] == []


async def test_a_paste_behind_the_key_that_opens_a_line_is_pasted_there(rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(104, 34)) as pilot:
        await _started(made, pilot)
        at_once(made, "f6", "/")
        made.app.post_message(events.Paste("type:exec"))
        at_once(made, *" a")
        await until(
            lambda: (
                isinstance(made.app.screen, Ask) and made.app.screen.query_one(AnswerLine).text == "type:exec a"
            ),
            pilot,
        )
        assert made.app.work.prompt.text == ""
