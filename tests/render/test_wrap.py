"""Texts in few cells: what is cut says so, once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.render import Span, cut, cut_spans, width


@given(st.text("ab 漢…", max_size=30), st.integers(1, 30), st.integers(0, 12), st.integers(0, 12))
def test_what_was_cut_before_is_cut_with_one_ellipsis(text: str, first: int, second: int, cells: int) -> None:
    text = text.replace("……", "…")
    once = cut(text, first)
    twice = cut(once, second)
    spans = cut_spans((Span(" "), Span(once), Span(text.replace("…", ""))), cells)
    row = "".join(span.text for span in spans)
    assert "……" not in once
    assert "……" not in twice
    assert "……" not in row
    assert width(once) <= first
    assert width(twice) <= second
    assert width(row) <= cells
