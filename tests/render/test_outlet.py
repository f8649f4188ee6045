"""Text of others on its way to a terminal, through real pseudo-terminals."""

from __future__ import annotations

import io
import json
import os
import re
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.render import Outlet, json_for, text_for

HOSTILE = "a\x1b]52;c;eA==\x07b\x9b2Jc\u202ed\u200be\x7ff"
ACTING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


class Terminal(io.BytesIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def shown(*pieces: bytes) -> str:
    stream = Terminal()
    outlet = Outlet(cast("BinaryIO", stream))
    for piece in pieces:
        outlet.write(piece)
    outlet.write(b"", final=True)
    return stream.getvalue().decode()


def test_a_file_gets_every_byte_as_it_is() -> None:
    stream = io.BytesIO()
    raw = HOSTILE.encode() + b"\xff\r\n"
    Outlet(stream).write(raw)
    assert stream.getvalue() == raw
    assert text_for(stream, HOSTILE) == HOSTILE
    assert json_for(stream, raw) == raw


def test_a_terminal_gets_colours_and_lines_and_nothing_else_to_obey() -> None:
    assert shown(b"\x1b[1;31mred\x1b[0m\r\n\ttab\n") == "\x1b[1;31mred\x1b[0m\n        tab\n"
    assert not ACTING.search(shown(HOSTILE.encode()))
    assert not ACTING.search(text_for(Terminal(), HOSTILE))
    assert "\x1b" not in shown(b"\x1b[2J\x1b[?1049h\x1b[6n\x1bP$qm\x1b\\\x1b[1;1R")


@given(st.lists(st.sampled_from(["\x1b[31m", "\x1b]0;t\x07", "\x1b[", "é", "\r\n", "\x9b", "31m", "text", "\x1b"])))
def test_however_it_is_cut_the_same_is_shown_and_no_more(words: list[str]) -> None:
    raw = "".join(words).encode()
    whole = shown(raw)
    assert not ACTING.search(re.sub(r"\x1b\[[0-9;:]*m", "", whole))
    assert shown(*(raw[n : n + 1] for n in range(len(raw)))) == whole


def test_json_stays_equal_when_it_is_parsed() -> None:
    raw = json.dumps({"text": HOSTILE + "é漢"}, ensure_ascii=False).encode()
    on_terminal = json_for(Terminal(), raw)
    assert json.loads(on_terminal) == json.loads(raw)
    assert not ACTING.search(on_terminal.decode())
    assert "é漢" in on_terminal.decode()


@pytest.mark.parametrize("binary", [True, False])
def test_a_real_terminal_is_recognised(binary: bool) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as screen, os.fdopen(follower, "wb" if binary else "w") as stream:
        assert "\x1b" not in text_for(stream, HOSTILE)
        del screen
