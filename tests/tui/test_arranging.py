"""Panes are resized by keys and by mouse, hidden and zoomed, and are as they were left the next time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.tui.rig import Rig, until
from tests.tui.scenes import work
from vtcode_tui.tui.layout import SIDE, Choice, Pane, Shares
from vtcode_tui.tui.places import Places
from vtcode_tui.tui.screens.work import WorkScreen


def cells(screen: WorkScreen, name: str) -> tuple[int, int]:
    region = screen.query_one(f"#{name}-box").region
    return region.width, region.height


async def begun(rig: Rig, pilot: Pilot[Any]) -> WorkScreen:
    work(await rig.ready(pilot))
    await pilot.pause()
    return rig.app.work


async def test_keys_give_the_pane_that_has_them_more_room(rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(160, 48)) as pilot:
        screen = await begun(made, pilot)
        width = cells(screen, "chat")[0]
        await pilot.press("alt+right")
        await until(lambda: cells(screen, "chat")[0] > width, pilot)
        await pilot.press("f5")
        before = cells(screen, "terminal")
        await pilot.press("alt+right", "alt+equals_sign")
        await until(
            lambda: cells(screen, "terminal")[0] > before[0] and cells(screen, "terminal")[1] > before[1], pilot
        )
        await pilot.press("alt+minus", "alt+minus", "alt+minus")
        await until(lambda: cells(screen, "terminal")[1] < before[1], pilot)
        await pilot.press("alt+0")
        await until(lambda: cells(screen, "chat")[0] == width, pilot)


async def test_the_mouse_moves_the_line_between_panes(rig: Callable[..., Rig]) -> None:
    made = rig()
    async with made.app.run_test(size=(160, 48)) as pilot:
        screen = await begun(made, pilot)
        line = screen.query_one("#side").region.x
        await pilot.mouse_down(offset=(line, 10))
        await pilot.hover(offset=(50, 10))
        await pilot.mouse_up(offset=(50, 10))
        await until(lambda: abs(screen.query_one("#side").region.x - 50) <= 1, pilot)
        heading = screen.headings["terminal"].region
        await pilot.mouse_down(offset=(heading.x + 3, heading.y))
        await pilot.hover(offset=(heading.x + 3, heading.y - 6))
        await pilot.mouse_up(offset=(heading.x + 3, heading.y - 6))
        await until(lambda: abs(screen.headings["terminal"].region.y - (heading.y - 6)) <= 1, pilot)
        await pilot.hover(offset=(heading.x + 3, heading.y + 9))
        assert abs(screen.headings["terminal"].region.y - (heading.y - 6)) <= 1  # it was let go


async def test_the_screen_is_as_it_was_left_in_each_workspace(rig: Callable[..., Rig], tmp_path: Path) -> None:
    file = tmp_path / "screens.json"
    first = rig(places=Places(file, Path("/work/project")))
    async with first.app.run_test(size=(160, 48)) as pilot:
        screen = await begun(first, pilot)
        await pilot.press("alt+right", "f6", "alt+h")
        await until(lambda: not screen.query_one("#events-box").display, pilot)
        left = cells(screen, "chat")
    again = rig(places=Places(file, Path("/work/project")))
    async with again.app.run_test(size=(160, 48)) as pilot:
        screen = await begun(again, pilot)
        await until(lambda: cells(screen, "chat") == left, pilot)
        assert not screen.query_one("#events-box").display
        await pilot.press("f6")
        await until(lambda: screen.query_one("#events-box").display, pilot)
    assert Places(file, Path("/work/other")).recall() == Choice()


@pytest.mark.parametrize(
    "kept", ["", "[]", "{", '{"/w": 3}', '{"/w": {"side": "diff", "hidden": ["x"], "chat": 1, "rows": [0, 0, 0]}}']
)
def test_a_damaged_memory_is_as_good_as_none(tmp_path: Path, kept: str) -> None:
    file = tmp_path / "screens.json"
    file.write_text(kept)
    places = Places(file, Path("/w"))
    assert places.recall() == Choice()
    places.remember(Choice(shares=Shares().with_chat(70)))
    assert json.loads(file.read_text())["/w"]["chat"] == 70


sides: st.SearchStrategy[Pane] = st.sampled_from(SIDE)


@given(st.lists(st.tuples(sides, st.integers(-6, 6), st.integers(-200, 300)), max_size=30))
def test_no_pane_can_be_squeezed_to_nothing(steps: list[tuple[Pane, int, int]]) -> None:
    shares = Shares()
    for pane, grown, chat in steps:
        shares = shares.grown(pane, grown).with_chat(chat)
        assert 20 <= shares.chat <= 80
        assert min(shares.rows) * 20 >= max(1, sum(shares.rows)) / 10
