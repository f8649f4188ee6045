"""The palette has everything in it, and does it in the pane that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from textual.pilot import Pilot

from tests.tui.rig import Rig, staged, until
from tests.tui.test_every_key import back_to_work
from vtcode_tui.tui.commands import COMMANDS
from vtcode_tui.tui.keys import APPROVALS, CHAT, DIFF, EVENTS, EVERYWHERE, KEYS, PROMPT, TERMINAL
from vtcode_tui.tui.palette import entries
from vtcode_tui.tui.screens.pick import Pick

Make = Callable[..., Rig]
ANSWERS = {"approve", "alike"}
MEANINGLESS = {"palette", "interrupt", "stop", "send", "newline", "complete"}


def test_every_command_and_every_key_of_the_work_is_in_it_with_the_persons_own_key_but_no_answer() -> None:
    found = entries({"diff.accept": "f12"})
    assert {entry.name for entry in found} >= {f"/{command.name}" for command in COMMANDS}
    groups = {EVERYWHERE, APPROVALS, PROMPT, CHAT, DIFF, TERMINAL, EVENTS}
    wanted = {key.text for key in KEYS if key.group in groups and key.id not in ANSWERS | MEANINGLESS}
    assert wanted <= {entry.text for entry in found}
    assert not {entry.action for entry in found} & {"approve", "alike"}
    assert next(entry.key for entry in found if entry.text == "accept the hunk") == "F12"


CHOSEN: dict[str, Callable[[Rig], bool]] = {
    "diff accept the file": lambda rig: any(told[0] == "accept" for told in rig.core.told),
    "events filter": lambda rig: "filter events" in str(getattr(rig.app.screen, "_title", "")),
    "zoom one pane alone": lambda rig: rig.app.work.choice.zoomed,
    "prompt search the earlier": lambda rig: getattr(rig.app.screen, "_title", "") == "earlier prompts",
    "/doctor": lambda rig: type(rig.app.screen).__name__ == "Doctor",
}
"""What is typed into the palette, and what shows that it was done."""


async def choose(app: Rig, pilot: Pilot[Any], words: str) -> None:
    """Type into the palette until it is the first, and take it."""
    await pilot.press("ctrl+p")
    await until(lambda: isinstance(app.app.screen, Pick), pilot)
    screen = app.app.screen
    assert isinstance(screen, Pick)
    for word in words.replace("zoom ", "").split():
        await pilot.press(*word, "space")
    await until(lambda: len(screen._choices.shown) >= 1, pilot)
    await pilot.press("enter")


async def test_what_is_chosen_is_done(rig: Make) -> None:
    app = rig()
    app.prepare = lambda core: setattr(core, "waiting", staged())
    async with app.app.run_test(size=(120, 40)) as pilot:
        await app.ready(pilot)
        app.app.work.prompt.earlier.add("an earlier one")
        await until(lambda: bool(app.app.work.diff.changes.files), pilot)
        for words, done in CHOSEN.items():
            await back_to_work(app, pilot)
            assert not done(app), words
            await choose(app, pilot, words)
            await until(partial(done, app), pilot)


async def test_nothing_that_waits_is_approved_from_it(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await app.ready(pilot)
        core.ask("make all")
        await until(lambda: bool(app.app.queue.waiting), pilot)
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(app.app.screen, Pick), pilot)
        screen = app.app.screen
        assert isinstance(screen, Pick)
        await pilot.press(*"approve")
        await until(lambda: len(screen._choices.shown) < len(screen._choices.all), pilot)
        assert not any("approve what is shown" in row.text for row in screen._choices.all)
