from __future__ import annotations

from vtcode_tui.terminal import Found, Screen, search


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
