"""What is on the screen, at every size and for every wish."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.rig import Rig, until
from vtcode_tui.tui.keys import KEYS
from vtcode_tui.tui.layout import PANES, SIDE, Choice, Pane, arrange
from vtcode_tui.tui.panes.heading import Keys
from vtcode_tui.tui.screens.help import help_rows
from vtcode_tui.tui.screens.no_model import NoModel
from vtcode_tui.tui.screens.question import Question
from vtcode_tui.tui.screens.trust import Trust

panes: st.SearchStrategy[Pane] = st.sampled_from(PANES)
sides: st.SearchStrategy[Pane] = st.sampled_from(SIDE)
choices = st.builds(
    Choice,
    selected=panes,
    side=sides,
    zoomed=st.booleans(),
    hidden=st.frozensets(panes),
    waiting=st.booleans(),
)


@given(st.integers(1, 400), st.integers(1, 120), choices)
def test_something_is_always_shown_and_what_waits_is_never_hidden(width: int, height: int, choice: Choice) -> None:
    shown = arrange(width, height, choice).visible
    assert shown - {"approvals"}
    assert "approvals" in shown or not choice.waiting


def test_all_five_panes_fit_at_160_by_48() -> None:
    assert arrange(160, 48, Choice()).visible == frozenset(PANES)


def test_one_pane_at_a_time_at_80_by_24_and_each_is_one_wish_away() -> None:
    assert arrange(80, 24, Choice()).visible == {"chat"}
    for pane in SIDE:
        assert arrange(80, 24, Choice(selected=pane, side=pane)).visible == {pane}


def test_the_chat_and_one_pane_stand_side_by_side_in_between() -> None:
    assert arrange(120, 30, Choice(side="terminal")).visible == {"chat", "terminal"}


def test_a_tall_narrow_screen_stacks() -> None:
    arrangement = arrange(80, 50, Choice(side="diff"))
    assert arrangement.stacked
    assert arrangement.visible == {"chat", "diff"}


@given(st.integers(1, 400), st.integers(1, 120), sides)
def test_zoom_shows_one_pane(width: int, height: int, pane: Pane) -> None:
    shown = arrange(width, height, Choice(selected=pane, side=pane, zoomed=True)).visible
    assert shown - {"approvals"} == {pane}


def _laid(screen: Question) -> bool:
    return any(keys.size.height for keys in screen.query(Keys))


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_every_answer_of_a_question_is_on_the_smallest_screen_and_can_be_clicked(
    rig: Callable[..., Rig], size: tuple[int, int]
) -> None:
    app = rig()
    async with app.app.run_test(size=size) as pilot:
        await app.ready(pilot)
        for screen in (Trust(Path("/work/project")), NoModel(())):
            await app.app.push_screen(screen)
            await until(partial(_laid, screen), pilot)
            keys = screen.query_one(Keys)
            shown = " ".join(keys.render_line(y).text for y in range(keys.size.height))
            assert all(answer.words in shown for answer in screen.ANSWERS) and "^Q leave" in shown
            assert keys.region.bottom <= size[1]
            app.app.pop_screen()


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_word_of_help_is_cut(width: int) -> None:
    rows = help_rows({}, width)
    assert all(sum(len(span.text) for span in row.spans) <= width for row in rows)
    text = " ".join(" ".join(row.text.split()) for row in rows)
    assert all(" ".join(key.text.split()) in text for key in KEYS)
