"""What is on the screen, at every size and for every wish."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.tui.layout import PANES, SIDE, Choice, Pane, arrange

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
