from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.terminal import Modes, Screen, encode, focus, mouse, paste

PLAIN = Modes()
APPLICATION = Modes(application_cursor=True)


@pytest.mark.parametrize(
    ("key", "modes", "expected"),
    [
        ("up", PLAIN, b"\x1b[A"),
        ("up", APPLICATION, b"\x1bOA"),
        ("ctrl+right", APPLICATION, b"\x1b[1;5C"),
        ("shift+alt+left", PLAIN, b"\x1b[1;4D"),
        ("home", PLAIN, b"\x1b[H"),
        ("end", APPLICATION, b"\x1bOF"),
        ("pageup", PLAIN, b"\x1b[5~"),
        ("ctrl+delete", PLAIN, b"\x1b[3;5~"),
        ("f1", PLAIN, b"\x1bOP"),
        ("shift+f1", PLAIN, b"\x1b[1;2P"),
        ("f12", PLAIN, b"\x1b[24~"),
        ("enter", PLAIN, b"\r"),
        ("tab", PLAIN, b"\t"),
        ("shift+tab", PLAIN, b"\x1b[Z"),
        ("escape", PLAIN, b"\x1b"),
        ("backspace", PLAIN, b"\x7f"),
        ("alt+backspace", PLAIN, b"\x1b\x7f"),
        ("ctrl+c", PLAIN, b"\x03"),
        ("ctrl+alt+c", PLAIN, b"\x1b\x03"),
        ("ctrl+space", PLAIN, b"\0"),
        ("ctrl+backslash", PLAIN, b"\x1c"),
        ("ctrl+underscore", PLAIN, b"\x1f"),
        ("alt+x", PLAIN, b"\x1bx"),
        ("a", PLAIN, b"a"),
        ("+", PLAIN, b"+"),
        ("ctrl+1", PLAIN, b""),
        ("nonsense", PLAIN, b""),
    ],
)
def test_keys_become_the_bytes_that_xterm_sends(key: str, modes: Modes, expected: bytes) -> None:
    assert encode(key, modes) == expected


def test_what_a_key_types_is_what_is_sent() -> None:
    assert encode("plus", PLAIN, "+") == b"+"
    assert encode("a", PLAIN, "ä") == "ä".encode()
    assert encode("upper_a", PLAIN, "A") == b"A"
    assert encode("mystery", PLAIN, "\x1b") == b""


@given(st.text())
def test_a_paste_cannot_end_its_own_brackets(text: str) -> None:
    sent = paste(text, Modes(bracketed_paste=True))
    assert sent.startswith(b"\x1b[200~")
    assert sent.endswith(b"\x1b[201~")
    assert sent.count(b"\x1b") == 2
    assert b"\x1b" not in paste(text, PLAIN)


def test_lines_of_a_paste_end_as_enter_does() -> None:
    assert paste("a\r\nb\nc", PLAIN) == b"a\rb\rc"


def test_mouse_events_are_sent_only_where_they_are_wanted() -> None:
    screen = Screen(80, 24)
    assert mouse("press", "left", 3, 4, screen.modes) == b""
    screen.feed(b"\x1b[?1000h")
    assert mouse("press", "left", 3, 4, screen.modes) == b"\x1b[M $%"
    assert mouse("release", "left", 3, 4, screen.modes) == b"\x1b[M#$%"
    assert mouse("move", "left", 3, 4, screen.modes) == b""
    screen.feed(b"\x1b[?1002;1006h")
    assert mouse("move", "left", 300, 4, screen.modes) == b"\x1b[<32;301;5M"
    assert mouse("release", "right", 3, 4, screen.modes, ctrl=True) == b"\x1b[<18;4;5m"
    assert mouse("press", "wheel-down", 0, 0, screen.modes) == b"\x1b[<65;1;1M"
    assert mouse("move", "none", 3, 4, screen.modes) == b""


def test_focus_is_told_to_programs_that_ask() -> None:
    assert focus(True, PLAIN) == b""
    assert focus(True, Modes(focus_events=True)) == b"\x1b[I"
    assert focus(False, Modes(focus_events=True)) == b"\x1b[O"
