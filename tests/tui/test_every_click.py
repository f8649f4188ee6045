"""Everything on the screen that looks as if it could be clicked or scrolled can be, and does what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from tests.tui.rig import Rig, staged, until
from tests.tui.scenes import begin, respond, run, work
from tests.tui.test_every_key import (
    Walk,
    at_work,
    back_to_work,
    in_the_list,
    in_the_viewer,
    over_the_work,
)
from vtcode_tui.agent.rewinding import RewindPreview
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Settings
from vtcode_tui.render import Line, Span
from vtcode_tui.sessions import Interrupted, Listed, Meta
from vtcode_tui.tui.keys import KEYS
from vtcode_tui.tui.panes.heading import Row
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.doctor import Doctor
from vtcode_tui.tui.screens.help import Help
from vtcode_tui.tui.screens.no_model import NoModel
from vtcode_tui.tui.screens.pick import Pick
from vtcode_tui.tui.screens.recover import Recover
from vtcode_tui.tui.screens.rewind import Rewind
from vtcode_tui.tui.screens.rewrite import Rewrite
from vtcode_tui.tui.screens.trust import Trust
from vtcode_tui.tui.sheet import Sheet

LEAVES = {"^Q leave"}
"""What would end the app, and with it the walk: see test_every_key.py."""

_NUMBER = re.compile(r"\d+(?= more row)")

Shown = Callable[[], Awaitable[None]]
KEY = {key.id: key for key in KEYS}


def words_on(app: Any) -> list[tuple[Row, str, int, int]]:
    """Every word of a row on the screen that acts on a click: its row, the word, where it stands."""
    rows = [strip.text for strip in app.screen._compositor.render_strips()]
    found = []
    for row in app.screen.query(Row):
        for text, action in row.clicks.items():
            if action.startswith("screen.run_tab"):  # one of them is in front already: see test_real_programs.py
                continue
            for y in range(row.region.y, min(row.region.bottom, len(rows))):
                x = rows[y].find(text, row.region.x)
                if 0 <= x < row.region.right and row.is_on_screen:
                    found.append((row, text, x + (len(text) - len(text.lstrip())), y))
                    break
    return found


async def click_all(walk: Walk, show: Shown, done: Set[str] = frozenset()) -> tuple[set[str], list[str]]:
    """Click on each that is not `done`, on a fresh screen; which were clicked, and which did nothing."""
    await show()
    texts = [text for _, text, _, _ in words_on(walk.app) if text.strip() not in LEAVES | done]
    clicked, idle = set[str](), list[str]()
    for number, text in enumerate(texts):
        if number:
            await show()
        here = words_on(walk.app)
        place = next(((x, y) for _, one, x, y in here if _NUMBER.sub("", one) == _NUMBER.sub("", text)), None)
        if place is None:  # there was no room for it this time
            continue
        clicked.add(text.strip())
        before = walk.seen()
        await walk.pilot.click(offset=place)
        try:
            await until(lambda before=before: walk.seen() != before, walk.pilot, seconds=30)  # type: ignore[misc]
        except TimeoutError:
            idle.append(text)
    return clicked, idle


ANSWERS = {"^Y approve once", "^N deny", "alt+n why", "alt+e edit", "alt+s scope", "F1 help", "^P commands"}
WORK = {
    "scope": ANSWERS,
    "diff.accept": {"a accept", "f file", "A all", "x reject"},
    "terminal.kill": {"enter take over"},
    "events.open": {"/ filter", "o show"},
}
"""By the key whose preparation is shown: the words that must be among those that act on a click."""


async def test_every_word_of_the_work_that_names_a_key_does_what_the_key_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    done: set[str] = set()
    async with at_work(tmp_path, (160, 48)) as walk:
        for key, expected in WORK.items():
            words, idle = await click_all(walk, lambda key=key: walk.reset(KEY[key]), done)  # type: ignore[misc]
            done |= words
            assert expected <= words
            assert not idle


@pytest.mark.parametrize("stage", [in_the_list, over_the_work, in_the_viewer])
async def test_every_word_of_lists_settings_and_viewer_that_names_a_key_does_what_the_key_does(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    expected = {
        in_the_list: [("sessions.next", {"esc leaves", "enter resume", "^R replay", "^F fork", "^D delete"})],
        over_the_work: [
            ("settings.next", {"esc leaves", "enter change", "^R as built in"}),
            ("setup.again", {"esc leaves", "enter takes it", "^R look again"}),
        ],
        in_the_viewer: [("replay.step", {"❚❚", "2×", "space play", "→ step", "F1 help"})],
    }[stage]
    async with stage(tmp_path) as walk:
        for key, wanted in expected:
            words, idle = await click_all(walk, lambda key=key: walk.reset(KEY[key]))  # type: ignore[misc]
            assert wanted <= words
            assert not idle


async def test_every_dialog_is_answered_and_left_with_the_mouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    listed = Listed(tmp_path, Meta(id="1", workspace="/w", started="2026-11-22T20:00:00Z", title="t"))
    rows = [Line((Span(f" row {number}"),)) for number in range(40)]
    dialogs: dict[str, Callable[[], Screen[Any]]] = {
        "ask": lambda: Ask("why", "because", hint="a word"),
        "pick": lambda: Pick("one of them", rows),
        "help": lambda: Help({}),
        "doctor": lambda: Doctor(lambda: []),
        "rewrite": lambda: Rewrite("a hunk", "text\n", hint="accepts it so"),
        "rewind": lambda: Rewind(RewindPreview(1, "the prompt", 2, files=staged())),
        "trust": lambda: Trust(tmp_path),
        "no model": lambda: NoModel(()),
        "recover": lambda: Recover(Interrupted(listed, frozenset())),
    }
    bare = Rig(Settings.model_validate({"interface": {"bell": False}}))
    async with bare.app.run_test(size=(80, 24)) as pilot:
        walk = Walk(bare.app, pilot, lambda key: back_to_work(bare, pilot), await bare.ready(pilot))
        for name, make in dialogs.items():

            async def show(make: Callable[[], Screen[Any]] = make) -> None:
                while len(walk.app.screen_stack) > 1:
                    walk.app.pop_screen()
                screen = make()
                walk.app.push_screen(screen)
                await until(lambda: walk.app.screen is screen and bool(words_on(walk.app)), walk.pilot)

            words, idle = await click_all(walk, show)
            assert len(words) >= 1, name
            assert not idle, name
        while len(walk.app.screen_stack) > 1:
            walk.app.pop_screen()


@asynccontextmanager
async def wide() -> AsyncIterator[tuple[Rig, Pilot[Any]]]:
    app = Rig(Settings.model_validate({"interface": {"bell": False}, "approvals": {"grace_ms": 0}}))
    async with app.app.run_test(size=(160, 48)) as pilot:
        work(await app.ready(pilot))
        app.core.waiting = staged()
        app.app.work.files_changed()
        await until(lambda: bool(app.app.work.diff.changes.files), pilot)
        await pilot.pause()
        yield app, pilot
        await back_to_work(app, pilot)


async def test_a_click_on_a_heading_gives_its_pane_the_keys() -> None:
    async with wide() as (app, pilot):
        for name in ("diff", "terminal", "events", "chat"):
            await pilot.click(app.app.work.headings[name], offset=(1, 0))
            await until(lambda name=name: app.app.focused is app.app.work.pane_view(name), pilot)  # type: ignore[misc]
        app.core.asked.append(app.core.ask("make"))
        await until(lambda: app.app.queue.current is not None, pilot)
        pane = app.app.work.approvals
        for unfolded in (True, False):
            await pilot.click(pane.heading, offset=(1, 0))
            await until(lambda unfolded=unfolded: pane.unfolded is unfolded, pilot)  # type: ignore[misc]


async def test_a_click_puts_the_cursor_on_a_row_and_a_second_one_opens_an_event() -> None:
    async with wide() as (app, pilot):
        log = app.app.work.events
        await pilot.click(log, offset=(5, 3))
        await until(lambda: log.cursor == 3 + int(log.scroll_offset.y), pilot)
        rows = log.row_count()
        await pilot.click(log, offset=(5, 3), times=2)
        await until(lambda: log.row_count() > rows, pilot)
        diff = app.app.work.diff
        await pilot.click(diff, offset=(5, 6))
        await until(lambda: diff.cursor == 6 + int(diff.scroll_offset.y), pilot)
        place = diff.place()
        assert place is not None and place.path == "src/calc.py"
        _, _, x, y = next(one for one in words_on(app.app) if one[1] == "a accept")
        await pilot.click(offset=(x, y))
        await until(lambda: any(told[0] == "accept" for told in app.core.told), pilot)


async def test_a_click_takes_a_completion() -> None:
    async with wide() as (app, pilot):
        await pilot.press("escape", *"see @app")
        offered = app.app.work.suggestions
        await until(lambda: len(offered.choices) == 2, pilot)
        await pilot.click(offered, offset=(6, 1))
        await until(lambda: app.app.work.prompt.text == "see @src/apple.py ", pilot)
        assert app.app.focused is app.app.work.prompt


async def test_what_is_new_below_is_reached_with_a_click() -> None:
    async with wide() as (app, pilot):
        chat = app.app.work.chat
        for number in range(60):
            app.core.say(respond(f"answer {number}"))
        await until(lambda: chat.max_scroll_y > 40 and not chat._pending, pilot)
        chat.scroll_to(y=0, animate=False, immediate=True)
        await until(lambda: not chat.following and not chat._pending, pilot)
        app.core.say(respond("the newest"))
        await until(lambda: any("new" in one[1] for one in words_on(app.app)) and not chat._pending, pilot)
        _, _, x, y = next(one for one in words_on(app.app) if "new" in one[1])
        await pilot.click(offset=(x, y))
        await until(lambda: chat.following and chat.scroll_offset.y == chat.max_scroll_y, pilot)


async def test_a_box_of_what_would_be_taken_back_is_ticked_with_the_mouse() -> None:
    async with wide() as (app, pilot):
        screen = Rewind(RewindPreview(1, "the prompt", 2, files=staged()))
        app.app.push_screen(screen)
        await until(lambda: app.app.screen is screen and bool(screen.preview.boxes), pilot)
        place = next(y for y, (_, box) in enumerate(screen.preview.boxes) if box)
        files = screen.preview.files
        await pilot.click(screen.preview, offset=(4, place))
        await until(lambda: screen.preview.files is not files, pilot)


@pytest.mark.parametrize("stage", [at_work, in_the_list, over_the_work, in_the_viewer])
async def test_the_wheel_scrolls_whatever_is_longer_than_its_place(
    stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    Home.from_environment()
    scrolled = set()
    async with stage(tmp_path) as walk:
        keys = {at_work: ("pane.approvals", "diff.accept", "terminal.find", "events.open", "chat.fold")}.get(
            stage, {over_the_work: ("settings.next",), in_the_list: ("sessions.next",)}.get(stage, ("replay.end",))
        )
        for key in keys:
            await walk.reset(KEY[key])
            for sheet in walk.app.screen.query(Sheet):
                if not sheet.is_on_screen or not sheet.max_scroll_y or sheet in scrolled:
                    continue
                up = sheet.scroll_offset.y > 0
                turn = events.MouseScrollUp if up else events.MouseScrollDown
                before = sheet.scroll_offset.y
                await walk.pilot._post_mouse_events([turn], sheet, offset=(1, 0))
                await until(
                    lambda sheet=sheet, before=before: sheet.scroll_offset.y != before,  # type: ignore[misc]
                    walk.pilot,
                )
                scrolled.add(sheet)
    wanted = {at_work: {"chat", "diff", "terminal", "events"}, over_the_work: {"pick-rows"}}.get(stage, set())
    assert wanted <= {sheet.id for sheet in scrolled}


async def test_words_that_are_clicked_never_type_into_the_run_that_was_taken_over() -> None:
    app = Rig(Settings.model_validate({"interface": {"bell": False}}))
    async with app.app.run_test(size=(60, 20)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        for number in range(5):
            run(core, f"c{number}", f"python3 -q part-{number}.py", b">>> ", ends=number < 4)
        pane = app.app.work.terminal
        await pilot.press("f8")
        await until(
            lambda: pane.taken and any(word == "F8 give back" for _, word, _, _ in words_on(app.app)), pilot
        )
        for word in ("F8 give back", "F1 help"):
            pane.take_over()
            await until(lambda: pane.taken, pilot)
            _, _, x, y = next(one for one in words_on(app.app) if one[1] == word)
            await pilot.click(offset=(x, y))
            await until(lambda: not pane.taken, pilot)
        await until(lambda: isinstance(app.app.screen, Help), pilot)
        await pilot.press("escape")
        pane.take_over()
        await pilot.click(app.app.work.headings["terminal"], offset=(1, 0))
        await until(lambda: not pane.taken, pilot)
        assert not [told for told in core.told if told[0] == "type_into"]
