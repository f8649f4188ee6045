"""Nothing that a terminal obeys leaves in the text of a strip."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

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
