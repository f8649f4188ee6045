"""Known values that are wrapped, coloured, escaped or coded: found all the same, whole and cut anywhere."""

from __future__ import annotations

import base64
import functools
import html
import itertools
import json
import random
import re
import string
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.events import RedactingStream, Redactor
from vtcode_tui.events.redaction import Shapes

NONE = Shapes([], [], [])
LONG = "sk-ant-api03-" + "".join(random.Random(3).choices(string.ascii_letters + string.digits + "-_", k=95))
VALUES = {"SHORT": "hunter2hunter2x9", "LONG": LONG, "ODD": 'p"a\\s/s w&+%é=#ß{}<>'}
BEFORE, AFTER = b"here it is: ", b" and that was it"


def wrapped(coded: bytes, width: int, end: bytes = b"\n") -> bytes:
    return end.join(coded[at : at + width] for at in range(0, len(coded), width))


def disguises(value: str) -> Iterator[tuple[str, bytes]]:
    """How other programs write the same value."""
    raw = value.encode()
    for shift, behind in itertools.product(range(3), (b"", b"q", b"qq")):
        coded = base64.b64encode(b"xyz"[:shift] + raw + behind)
        yield f"base64 {shift}+{len(behind)}", coded
        yield f"base64url {shift}+{len(behind)}", coded.replace(b"+", b"-").replace(b"/", b"_")
        yield f"base64 at 76, {shift}+{len(behind)}", wrapped(coded, 76)
        yield f"base64 at 64 with CRLF, {shift}+{len(behind)}", wrapped(coded, 64, b"\r\n")
        yield f"base64 indented, {shift}+{len(behind)}", b"  " + wrapped(coded, 30, b"\n    ")
    text = json.dumps(value)[1:-1]
    yield "JSON", text.encode()
    yield "JSON in UTF-8", json.dumps(value, ensure_ascii=False)[1:-1].encode()
    yield "JSON with escaped slashes", text.replace("/", "\\/").encode()
    yield (
        "JSON that is safe in HTML",
        text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003E").encode(),
    )
    yield "JSON in JSON", json.dumps(text)[1:-1].encode()
    yield "JSON, all escaped", "".join(f"\\u{ord(c):04x}" for c in value).encode()
    yield "JSON, all escaped in capitals", "".join(f"\\u{ord(c):04X}" for c in value).encode()
    yield "URL", quote(value, safe="").encode()
    yield "URL, all escaped", "".join(f"%{byte:02X}" for byte in raw).encode()
    yield "URL, all escaped in small letters", "".join(f"%{byte:02x}" for byte in raw).encode()
    yield "HTML", html.escape(value).encode()
    yield "HTML, all escaped", "".join(f"&#{ord(c)};" for c in value).encode()
    for digits in (raw.hex(), raw.hex().upper(), raw.hex(" "), raw.hex(":")):
        yield f"hex {digits[:5]}", digits.encode()
    yield "xxd -p", wrapped(raw.hex().encode(), 60)
    yield "C", "".join(f"\\x{byte:02x}" for byte in raw).encode()
    yield "octal", "".join(f"\\{byte:03o}" for byte in raw).encode()
    yield "UTF-16", value.encode("utf-16-le")
    yield "two lines", raw[: len(raw) // 2] + b"\n" + raw[len(raw) // 2 :]
    yield "a shell's continued line", raw[:9] + b"\\\n" + raw[9:]
    yield "a line break of JSON", raw[:9] + b"\\n" + raw[9:]
    yield "grep --color", raw[:3] + b"\x1b[01;31m\x1b[K" + raw[3:7] + b"\x1b[m\x1b[K" + raw[7:]


CASES = [(name, value, how, text) for name, value in VALUES.items() for how, text in disguises(value)]


@functools.cache
def redactor() -> Redactor:
    """One for all: building its automata costs more than most texts, and reading changes nothing of it."""
    return Redactor(VALUES, key=b"k" * 32, shapes=NONE)


def left_of(out: bytes) -> bytes:
    """What stands there besides the tokens and what was around them."""
    assert out.startswith(BEFORE) and out.endswith(AFTER)
    return re.sub("‹redacted:[A-Z]+:[0-9a-f]{8}›".encode(), b"", out[len(BEFORE) : -len(AFTER)])


@pytest.mark.parametrize(("name", "value", "how", "text"), CASES, ids=[f"{n} {h}" for n, _, h, _ in CASES])
def test_a_known_value_is_found_however_it_is_written(name: str, value: str, how: str, text: bytes) -> None:
    out = redactor().redact_bytes(BEFORE + text + AFTER)
    assert f"redacted:{name}:".encode() in out
    left = left_of(out)
    # A character or two at each end of a coded value depend on what stands beside it.
    assert len(left.translate(None, b" \r\n=")) <= 8, left


STREAMED = [case for case in CASES if case[0] == "LONG" and "+1" not in case[2] and "+2" not in case[2]]


@pytest.mark.parametrize(("name", "value", "how", "text"), STREAMED, ids=[h for _, _, h, _ in STREAMED])
def test_a_value_that_is_cut_in_two_anywhere_is_found_in_what_is_streamed(
    name: str, value: str, how: str, text: bytes
) -> None:
    whole = b"line\n" * 40 + BEFORE + text + AFTER + b"\nand more\n" * 200
    wanted, one = redactor().redact_bytes(whole), redactor()
    begin = whole.index(BEFORE)
    for at in range(begin, begin + len(BEFORE) + len(text) + 3, 13):
        stream = RedactingStream(one)
        assert stream.feed(whole[:at]) + stream.feed(whole[at:]) + stream.finish() == wanted, at
    stream = RedactingStream(one)
    out = b"".join(stream.feed(whole[at : at + 11]) for at in range(0, len(whole), 11)) + stream.finish()
    assert out == wanted


@given(st.text(st.sampled_from("abc%41\\u006nx&#;\n \x1b[m"), max_size=200))
@settings(max_examples=examples(150, 5_000))
def test_text_that_is_full_of_escapes_and_holds_no_value_is_left_as_it_is(text: str) -> None:
    assert redactor().redact(text).text == text


@given(
    st.lists(st.sampled_from(["\\u0041", "%41", "&#65;", "\\x41", "\n  ", "\\n", "x", "\x1b[1m"]), max_size=30),
    st.integers(0, 30),
)
@settings(max_examples=examples(150, 5_000))
def test_what_stands_around_a_value_stays_byte_for_byte(pieces: list[str], at: int) -> None:
    at = min(at, len(pieces))
    before, after = "".join(pieces[:at]) + ".", "." + "".join(pieces[at:])
    out = redactor().redact(f"{before}{LONG[:50]}\n{LONG[50:]}{after}").text
    assert out == before + redactor().redact(LONG).text + after


@pytest.mark.parametrize("piece", ["sk-ant-api03", "%73%6b", "\\u0073", "\x1b[1m", "\\n", "&#1", "hunter2h\n"])
def test_hostile_disguises_cost_no_more_than_their_length(piece: str) -> None:
    # A search that is not linear would take hours.
    assert LONG not in redactor().redact(piece * (400_000 // len(piece)) + LONG).text
