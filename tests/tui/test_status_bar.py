"""What the status bar says where there is little room."""

from __future__ import annotations

from dataclasses import replace

from vtcode_tui.tui.keys import Hint
from vtcode_tui.tui.panes.status import Status, spans_for

RUNNING = Status(
    workspace="/home/somebody/project",
    title="a session with a title",
    tier="full",
    staged=1,
    model="local/scripted",
    used=2_600,
    window=20_000,
    cost=0.25,
    journal="120 events sealed",
    state="running",
    runs=1,
    keys=(Hint("esc", "stop", "escape"), Hint("F8", "type into it", "f8"), Hint("x", "third", "x")),
)
FIRST_TO_GO = (
    ("events sealed", "$0.25"),
    ("a session",),
    ("third",),
    ("local/scripted",),
    ("type into it",),
    ("2.6k/20.0k",),
    ("esc stop",),
    ("sandbox full",),
)
STAY = ("running", "to review", "F1 help")


def text_at(status: Status, cells: int) -> str:
    """The bar as a row draws it: two cells stand between its sides."""
    left, right = ("".join(span.text for span in side) for side in spans_for(status, cells))
    return f"{left}  {right}"


def test_with_less_room_the_less_important_goes_first_and_nothing_comes_back() -> None:
    gone = 0
    for cells in range(200, 41, -1):
        text = text_at(RUNNING, cells)
        assert len(text) <= cells
        assert all(word in text for word in STAY)
        shown = [all(word in text for word in words) for words in FIRST_TO_GO]
        assert shown == sorted(shown), (cells, text)  # what stays is the end of the list
        assert shown.count(False) >= gone, (cells, text)
        gone = shown.count(False)
    assert gone >= len(FIRST_TO_GO) - 1


def test_at_80_columns_the_key_that_stops_and_the_context_are_both_said_while_something_runs() -> None:
    text = text_at(RUNNING, 80)
    assert "esc stop" in text
    assert "2.6k/20.0k 13%" in text


def test_a_run_that_is_announced_and_has_no_terminal_yet_is_not_counted_as_less_than_none() -> None:
    assert "going on" not in text_at(replace(RUNNING, runs=0), 200)
    assert "1 run going on" in text_at(replace(RUNNING, runs=2), 200)
