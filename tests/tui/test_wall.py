"""Nothing that a terminal obeys leaves in the text of a strip."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from tests.tui.device import Terminal
from vtcode_tui.tui.wall import Wall

BLACK = Color(0, 0, 0)


def through(text: str, style: Style | None = None) -> Segment:
    return Wall().apply([Segment(text, style)], BLACK)[0]


@given(st.text())
def test_no_control_or_bidirectional_character_passes(text: str) -> None:
    passed = through(text).text
    bad = {c for c in passed if unicodedata.category(c) in {"Cc", "Zl", "Zp"} or unicodedata.bidirectional(c) in {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}}  # fmt: skip
    assert not bad


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_honest_text_is_left_as_it_is(text: str) -> None:
    segments = [Segment(text, Style(bold=True))]
    assert Wall().apply(segments, BLACK) is segments


@given(st.text(max_size=40))
def test_a_row_never_grows(text: str) -> None:
    assert cell_len(through(text).text) <= max(1, cell_len(text))


def test_a_hostile_link_is_dropped_and_an_honest_one_kept() -> None:
    assert through("x", Style(link="http://x/\x1b\\\x1b]52;c;AAAA\x07")).style == Style()
    assert through("x", Style(link="javascript:alert(1)")).style == Style()
    kept = through("x", Style(link="https://example.org/a?b=c")).style
    assert kept is not None and kept.link == "https://example.org/a?b=c"


ESC, UP, DOWN, TAB, ENTER = b"\x1b", b"\x1b[A", b"\x1b[B", b"\t", b"\r"
F2, F3, F4, F9 = b"\x1bOQ", b"\x1bOR", b"\x1bOS", b"\x1b[20~"


def test_no_hostile_byte_leaves_the_diff_the_prompt_an_edit_that_waits_or_going_back(
    terminal: Callable[..., Terminal],
) -> None:
    term = terminal("hostile-review", columns=140, rows=44)
    term.until(term.shows("1 of 1"))
    # The edit that waits: unfolded, its rule, the editor of the rule, a reason.
    term.press(F4, b"\x1bs", b"\x1br", ESC, b"\x1bn", ESC, b"\x1b[1;5B", b"\x1b[1;5B", F4)
    # The diff: conflicts, both layouts, unwrapped and sideways, the tree, an edit that is refused, a comment.
    term.press(F3, b"n", b"m", b"s", b"w", b"l", b"s", F9, b"T", b"T", b"n", b"e", b"E", b"c", ESC, F9)
    # The prompt: completions, a queue, the search in the history.
    term.press(ESC, b"x", ENTER, b"\x1b[200~\x1b]52;c;aGk=\x07\xe2\x80\xae\x1b[201~", ENTER, b"@", DOWN, TAB)
    term.press(ENTER, b"\x12", ESC, UP)
    # Going back: the preview and its diff; what a fence names; then everything opened.
    term.press(b"\x03", F2, b"R", TAB, b" ", DOWN, ESC, b"c", ESC, b"z")
    assert term.hostile_left() == []
    assert not term.ended()
