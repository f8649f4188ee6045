from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.terminal import Cursor, Pen, Run, Screen


def shown(data: bytes, columns: int = 20, rows: int = 5) -> list[str]:
    screen = Screen(columns, rows)
    screen.feed(data)
    return [screen.text(screen.history + row) for row in range(rows)]


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            *(
                b"\x1b[",
                b"\x1b]52;c;",
                b"\x1bP",
                b"\x1b\\",
                b"\x9b",
                b"\x07",
                b"\x18",
                b"\x1b[?1049h",
                b"\x1b[?1049l",
            ),
            *(b"\x1b[2J", b"\x1b[3;4r", b"\x1b[?6h", b"\x1b[4h", b"\x1b[?7l", b"\x1b(0", b"\x1b[999999999999999C"),
            *(
                "漢字".encode(),
                "e\u0301".encode(),
                "👩\u200d🚀".encode(),
                b"\xe2\x80\x8d",
                b"\r\n",
                b"\x1b[38;2;1;2;3m",
            ),
            *(
                b"\x1b[L",
                b"\x1b[M",
                b"\x1b[P",
                b"\x1b[@",
                b"\x1b[9S",
                b"\x1b[9T",
                b"\x1bM",
                b"\x1bc",
                b"\x1b[b",
                b"\x1b[0J",
            ),
        ]
    ),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
)
STREAMS = st.lists(PIECES, max_size=60).map(b"".join)


@settings(max_examples=examples(60, 5_000), deadline=None)
@given(STREAMS, st.integers(1, 30), st.integers(1, 8))
def test_any_bytes_are_fine_and_every_row_keeps_its_width(data: bytes, columns: int, rows: int) -> None:
    screen = Screen(columns, rows, history=50)
    screen.feed(data)
    cursor = screen.cursor
    assert 0 <= cursor.row < rows
    assert 0 <= cursor.column < columns
    for row in range(screen.height):
        text, pens, _ = screen.cells(row)
        assert len(text) == len(pens) <= columns
        drawn = "".join(run.text for run in screen.runs(row))
        assert not any(char < " " or "\x7f" <= char < "\xa0" for char in drawn)


@settings(max_examples=examples(30, 5_000), deadline=None)
@given(STREAMS, st.data())
def test_it_does_not_matter_how_the_bytes_are_cut(data: bytes, draw: st.DataObject) -> None:
    whole, pieces = Screen(20, 5), Screen(20, 5)
    whole.feed(data)
    at = 0
    while at < len(data):
        size = draw.draw(st.integers(1, 7))
        pieces.feed(data[at : at + size])
        at += size
    assert [pieces.text(row) for row in range(pieces.height)] == [whole.text(row) for row in range(whole.height)]
    assert pieces.cursor == whole.cursor
    assert pieces.modes == whole.modes


@settings(max_examples=examples(30, 5_000), deadline=None)
@given(STREAMS, STREAMS, st.lists(st.tuples(st.integers(1, 40), st.integers(1, 10)), max_size=3))
def test_a_snapshot_brings_back_exactly_what_was(before: bytes, after: bytes, sizes: list[tuple[int, int]]) -> None:
    screen = Screen(20, 5)
    screen.feed(before)
    rows = [screen.runs(row) for row in range(screen.height)]
    kept = screen.snapshot()
    for size in sizes:
        screen.resize(*size)
    screen.feed(after)
    screen.restore(kept)
    assert [screen.runs(row) for row in range(screen.height)] == rows
    screen.feed(after)
    other = Screen(20, 5)
    other.feed(before)
    other.feed(after)
    assert [screen.runs(row) for row in range(screen.height)] == [other.runs(row) for row in range(other.height)]


@settings(max_examples=examples(30, 5_000), deadline=None)
@given(st.lists(st.one_of(STREAMS, st.tuples(st.integers(0, 60), st.integers(0, 20))), max_size=12))
def test_resizes_between_any_bytes_keep_the_rows_whole(steps: list[bytes | tuple[int, int]]) -> None:
    screen = Screen(20, 5, history=30)
    for step in steps:
        if isinstance(step, bytes):
            screen.feed(step)
        else:
            screen.resize(*step)
        assert screen.cursor.row < screen.rows
        assert screen.cursor.column < screen.columns
        for row in range(screen.history, screen.height):
            assert len(screen.cells(row)[0]) <= screen.columns


def test_memory_stays_within_history_times_width_whatever_comes() -> None:
    screen = Screen(80, 24, history=200)
    for number in range(60):
        colours = b"".join(b"\x1b[38;2;%d;%d;%dmx" % (number, one % 256, one // 256) for one in range(2000))
        marks = "".join(f"e{chr(0x300 + one % 112)}{chr(0x300 + number)}" for one in range(200)).encode()
        screen.feed(colours + marks + b"\x1b]0;" + b"t" * 10_000 + b"\x07" + b"\x1b[" + b"1;" * 5000 + b"\r\n")
    state = screen._state
    assert screen.history == 200
    assert state.main.size_in_cells() <= 224 * 80
    assert len(state.pens.pens) <= 0xD000
    assert sys.getsizeof(screen._pending) < 5000
    assert len(state.clusters.table) <= 4097


def test_an_unfinished_device_string_is_swallowed_and_not_kept() -> None:
    screen = Screen(20, 5)
    for _ in range(100):
        screen.feed(b"\x1bP" + b"x" * 10_000)
    assert len(screen._pending) < 10
    screen.feed(b"\x1b\\seen")
    assert screen.text(0) == "seen"


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x1b]52;c;aGVsbG8=\x07",
        b"\x1b]0;title\x1b\\",
        b"\x1b]8;;http://evil\x1b\\",
        b"\x1b]9;notify\x07",
        b"\x1b]777;notify;a;b\x07",
        b"\x1bPq#0;2;0;0;0\x1b\\",
        b"\x1b_Gpayload\x1b\\",
        b"\x1b^privacy\x1b\\",
        b"\x1bXstart\x1b\\",
    ],
)
def test_what_could_reach_beyond_the_pane_is_dropped_and_counted(hostile: bytes) -> None:
    screen = Screen(20, 5)
    screen.feed(hostile + b"ok")
    assert screen.text(0) == "ok"
    assert sum(screen.counts.values()) == 1
    assert screen.take_replies() == b""


def test_a_bell_inside_a_device_string_does_not_end_it() -> None:
    assert shown(b"\x1bPabc\x07def\x1b\\ok")[0] == "ok"


def test_a_sequence_that_is_cut_off_by_another_one_is_dropped() -> None:
    assert shown(b"\x1b[12\x1b[1mx")[0] == "x"
    assert shown(b"\x1b[12\x18y")[0] == "y"
    assert shown(b"\x1b]0;title\x1b[1mz")[0] == "z"


def test_controls_inside_a_sequence_are_obeyed_first() -> None:
    assert shown(b"ab\x1b[\r1Cx")[:1] == ["ax"]


def test_colours_and_attributes_become_pens() -> None:
    screen = Screen(40, 3)
    screen.feed(b"\x1b[1;31mred\x1b[0m \x1b[38;5;200;48;2;1;2;3mmix\x1b[38:2::9:8:7m!\x1b[4:3mu\x1b[7;9mx")
    mixed = Pen(200, (1, 2, 3))
    assert screen.runs(0) == [
        Run("red", Pen(1, bold=True)),
        Run(" ", Pen()),
        Run("mix", mixed),
        Run("!", mixed._replace(foreground=(9, 8, 7))),
        Run("u", mixed._replace(foreground=(9, 8, 7), underline=True)),
        Run("x", mixed._replace(foreground=(9, 8, 7), underline=True, reverse=True, strike=True)),
    ]


def test_erased_cells_take_the_background_in_force() -> None:
    screen = Screen(4, 2)
    screen.feed(b"\x1b[44;1m\x1b[K")
    assert screen.runs(0) == [Run("    ", Pen(background=4))]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("漢字ab", ["漢字ab"]),
        ("漢字\x1b[1;2Hx", [" x字"]),
        ("漢字\x1b[1;3H\x1b[X", ["漢"]),
        ("e\u0301x", ["e\u0301x"]),
        ("👩\u200d🚀x", ["👩\u200d🚀x"]),
        ("❤\ufe0fx", ["❤x"]),
        ("a\u200bb", ["ab"]),
        ("x" * 19 + "漢", ["x" * 19, "漢"]),
        ("\u00ad\u202ex", ["x"]),
        ("\udc80x", ["\ufffd\ufffd\ufffdx"]),
    ],
)
def test_wide_and_joined_characters_take_their_cells(data: str, rows: list[str]) -> None:
    assert shown(data.encode("utf-8", "surrogatepass"))[: len(rows)] == rows


def test_line_drawing_letters_become_lines() -> None:
    assert shown(b"\x1b(0lqk\x1b(Blqk")[0] == "┌─┐lqk"


def test_the_alternate_screen_leaves_no_trace() -> None:
    screen = Screen(20, 5)
    screen.feed(b"before\x1b[?1049hfull screen\r\n\n\n\n\n\n\nmore")
    assert (screen.alternate, screen.history) == (True, 0)
    screen.feed(b"\x1b[?1049l!")
    assert (screen.alternate, screen.text(0)) == (False, "before!")


def test_rows_leave_into_a_history_of_limited_length() -> None:
    screen = Screen(20, 3, history=4)
    screen.feed(b"".join(b"line %d\r\n" % number for number in range(10)))
    assert [screen.text(row) for row in range(screen.height)] == [f"line {n}" for n in range(4, 10)] + [""]
    assert screen.forgotten == 4


def test_questions_are_answered_and_answers_do_not_pile_up() -> None:
    screen = Screen(20, 5)
    screen.feed(b"\x1b[c\x1b[3;4H\x1b[6n\x1b[5n\x1b[?2004$p\x1b[18t")
    assert screen.take_replies() == b"\x1b[?62;22c\x1b[3;4R\x1b[0n\x1b[?2004;2$y\x1b[8;5;20t"
    screen.feed(b"\x1b[c" * 100_000)
    assert len(screen.take_replies()) <= 4096


def test_modes_are_flags_for_whoever_sends_keys() -> None:
    screen = Screen(20, 5)
    screen.feed(b"\x1b[?1;1002;1006;2004;1004;2026h\x1b=\x1b[?25l")
    modes = screen.modes
    assert modes.application_cursor
    assert modes.application_keypad
    assert modes.bracketed_paste
    assert modes.focus_events
    assert modes.synchronized
    assert (modes.mouse, modes.mouse_sgr) == ("drag", True)
    assert screen.cursor == Cursor(0, 0, False)


def test_only_rows_that_changed_are_dirty() -> None:
    screen = Screen(20, 5)
    screen.feed(b"one\r\ntwo\r\n")
    assert screen.take_dirty().rows == frozenset(range(5))
    screen.feed(b"\x1b[1;1Hone\x1b[2;1Hnew")
    dirty = screen.take_dirty()
    assert dirty.rows == {1}
    assert dirty.cursor
    assert screen.take_dirty().rows == frozenset()
    screen.feed(b"\x1b[5;1H\n\n")
    assert screen.take_dirty().scrolled == 2


def test_a_smaller_screen_keeps_what_is_above_in_the_history_and_gives_it_back() -> None:
    screen = Screen(20, 4)
    screen.feed(b"a\r\nb\r\nc\r\nd")
    screen.resize(20, 2)
    assert [screen.text(row) for row in range(screen.height)] == ["a", "b", "c", "d"]
    assert screen.cursor.row == 1
    screen.resize(20, 4)
    assert screen.history == 0
    assert [screen.text(row) for row in range(4)] == ["a", "b", "c", "d"]


def test_a_cleared_picture_can_still_be_scrolled_to() -> None:
    screen = Screen(20, 4)
    screen.feed(b"precious\r\nrows\x1b[2J\x1b[H")
    assert [screen.text(row) for row in range(screen.history)] == ["precious", "rows"]
