from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.terminal import Found, Screen, search, selected, word_at


def screen_with(text: str, columns: int = 10, rows: int = 4) -> Screen:
    screen = Screen(columns, rows)
    screen.feed(text.replace("\n", "\r\n").encode())
    return screen


def test_a_match_is_found_in_history_and_screen_with_its_cells() -> None:
    screen = screen_with("error one\nfine\nError two\nx\ny\nz error")
    assert search(screen, "error") == [Found(0, 0, 5), Found(2, 0, 5), Found(5, 2, 7)]
    assert search(screen, "error", case=True) == [Found(0, 0, 5), Found(5, 2, 7)]
    assert search(screen, r"^\w\b", regex=True) == [Found(3, 0, 1), Found(4, 0, 1), Found(5, 0, 1)]
    assert search(screen, "") == []


def test_a_match_may_go_on_in_the_next_row() -> None:
    assert search(screen_with("12345678needle"), "needle") == [Found(0, 8, 10), Found(1, 0, 4)]


def test_wide_characters_count_two_cells() -> None:
    assert search(screen_with("漢字x漢"), "x漢") == [Found(0, 4, 7)]


def test_a_selection_joins_wrapped_rows_and_keeps_line_ends() -> None:
    screen = screen_with("a long line that wraps\nshort\nlast")
    assert selected(screen, (0, 2), (3, 5)) == "long line that wraps\nshort"
    assert selected(screen, (3, 5), (0, 2)) == "long line that wraps\nshort"
    assert selected(screen_with("漢字x"), (0, 2), (0, 5)) == "字x"


def test_a_double_click_takes_the_word() -> None:
    screen = screen_with("see (a/b.py)", columns=20)
    assert word_at(screen, 0, 6) == (5, 11)
    assert word_at(screen, 0, 4) == (4, 5)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80))
def test_selecting_everything_gives_the_text_back(text: str) -> None:
    screen = screen_with(text, columns=10, rows=12)
    assert selected(screen, (0, 0), (screen.height, 0)).rstrip("\n") == text
