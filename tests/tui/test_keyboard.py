"""Keys, pastes and mouse mean the same however the line cut them into pieces, and however long the rest takes."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from vtcode_tui.tui.keyboard import ESCAPE_SECONDS, PASTE_SECONDS, SEQUENCE_SECONDS, Keyboard
from vtcode_tui.tui.keys import KEYS

TYPED = (
    b"a\xc3\xa9\x1b[A\x1b[1;5B\x1bOP\x1b[<0;12;7M\x1b[<0;12;7m\x1b[<64;3;4M\x19\x1bn"
    b"\x1b[200~one\rtwo \xe2\x82\xac\x1b[31m red\x1b[201~\x1b[?2026;2$yz"
)


def told(messages: Iterator[Message]) -> list[str]:
    def one(message: Message) -> str:
        match message:
            case events.Key():
                return f"key {message.key}"
            case events.Paste():
                return f"paste {message.text!r}"
            case events.MouseEvent():
                return f"{type(message).__name__} {message.x:g},{message.y:g}"
            case _:
                return type(message).__name__

    return [one(message) for message in messages]


WHOLE = told(Keyboard().feed(TYPED))


def test_what_is_typed_is_understood() -> None:
    assert WHOLE == [
        "key a", "key é", "key up", "key ctrl+down", "key f1", "MouseDown 11,6", "MouseUp 11,6",
        "MouseScrollUp 2,3", "key ctrl+y", "key alt+n", "paste 'one\\rtwo €\\x1b[31m red'",
        "TerminalSupportsSynchronizedOutput", "key z",
    ]  # fmt: skip


@given(st.sets(st.integers(1, len(TYPED) - 1)))
def test_pieces_of_any_size_are_the_same_keys(cuts: set[int]) -> None:
    keyboard, seen, begin = Keyboard(), list[str](), 0
    for end in (*sorted(cuts), len(TYPED)):
        seen += told(keyboard.feed(TYPED[begin:end]))
        begin = end
    assert seen == WHOLE


def test_the_rest_of_a_sequence_or_of_a_paste_is_waited_for_longer_than_that_of_an_escape() -> None:
    for begun, seconds in (
        (b"\x1b", ESCAPE_SECONDS),
        (b"\x1b[1;", SEQUENCE_SECONDS),
        (b"\x1b[<0;12", SEQUENCE_SECONDS),
        (b"\x1b[200~text\x1b", PASTE_SECONDS),
        (b"\x1b[200~text\x1b[201~", None),
        (b"\x1b[A", None),
        (b"a", None),
    ):
        keyboard = Keyboard()
        list(keyboard.feed(begun))
        assert keyboard.patience == seconds, begun


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.integers(1, 7))
def test_nothing_in_a_paste_is_a_key(text: str, size: int) -> None:
    text = text.replace("\x1b[201~", "").replace("\x00", "")
    raw = b"\x1b[200~" + text.encode() + b"\x1b[201~"
    keyboard, seen = Keyboard(), list[Message]()
    for begin in range(0, len(raw), size):
        seen += keyboard.feed(raw[begin : begin + size])
    assert [type(message) for message in seen] == [events.Paste]
    assert isinstance(seen[0], events.Paste) and seen[0].text == text
    assert told(keyboard.feed(b"\r")) == ["key enter"]


def test_an_escape_in_a_paste_types_nothing_of_what_follows_it() -> None:
    hostile = "\x1b" + "x" * 40 + "\r\x19!rm -rf /\r"
    assert told(Keyboard().feed(b"\x1b[200~" + hostile.encode() + b"\x1b[201~")) == [f"paste {hostile!r}"]


@given(st.lists(st.integers(1, 9), min_size=1))
def test_the_answer_of_the_terminal_is_no_key_and_comes_in_its_place_among_them(sizes: list[int]) -> None:
    raw, heard = b"a\x1b[0n\x19\x1b[A\x1b[0n\x1b[0nb\x1b[1;5B", list[str]()
    keyboard = Keyboard(answered=lambda: heard.append("answer"))
    while raw:
        size, *sizes = (*sizes, 1)
        for message in keyboard.feed(raw[:size]):
            heard += told(iter([message]))
        raw = raw[size:]
    keys = ["key a", "answer", "key ctrl+y", "key up", "answer", "answer", "key b", "key ctrl+down"]
    assert heard == keys


def test_what_is_held_back_as_the_beginning_of_an_answer_is_a_key_when_nothing_follows() -> None:
    for typed, keys in ((b"\x1b", ["key escape"]), (b"\x1b[", ["key alt+left_square_bracket"])):
        keyboard = Keyboard()
        assert told(keyboard.feed(typed)) == []
        assert told(keyboard.lapse()) == keys
        assert told(keyboard.feed(b"x")) == ["key x"]


def test_a_paste_that_lost_its_end_is_a_paste_and_the_keys_come_back() -> None:
    keyboard = Keyboard()
    assert told(keyboard.feed(b"\x1b[200~half of i")) == []
    assert told(keyboard.lapse()) == ["paste 'half of i'"]
    assert told(keyboard.feed(b"\x1b[Bx")) == ["key down", "key x"]


def test_every_alt_key_of_the_table_is_that_key_at_a_terminal_without_extensions() -> None:
    names = {one: key.id for key in KEYS for one in key.keys.split(",") if one.startswith("alt+")}
    spelled = {"equals_sign": "=", "plus": "+", "minus": "-", "enter": "\r"}
    typed = {one: spelled.get(one[4:], one[4:]) for one in names if one[4:] not in {"up", "down", "left", "right"}}
    assert {"alt+1", "alt+0", "alt+minus", "alt+enter", "alt+a"} <= typed.keys()
    for name, character in typed.items():
        assert told(Keyboard().feed(b"\x1b" + character.encode() + b"x")) == [f"key {name}", "key x"]
    assert told(Keyboard().feed(b"\x1b[1;3C\x1b[1;3A")) == ["key alt+right", "key alt+up"]


def test_words_are_moved_over_by_the_sequences_of_editing_keys() -> None:
    assert told(Keyboard().feed(b"\x1bfa\x1bba\x1b\x7fa")) == [
        "key ctrl+right", "key a", "key ctrl+left", "key a", "key ctrl+w", "key a"
    ]  # fmt: skip
