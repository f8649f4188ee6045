from __future__ import annotations

import functools
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.render import (
    Style,
    fold,
    hard_fold,
    invisible,
    link_target,
    plain,
    plain_bytes,
    plain_line,
    spans_of,
    visible,
    width,
)

CHARACTERS = st.one_of(
    st.characters(),
    st.characters(min_codepoint=0, max_codepoint=0x9F),
    st.sampled_from(
        "\u202e\u2066\u200b\u200d\ufeff\u00ad\U000e0041\ufe0f⟦⟧×·␛␡ аеорс\u0301\u3164‘’“”＄；\udc80\ud800🚀👩漢"
    ),
    st.characters(categories=["Cs"]),
)
HOSTILE = st.text(CHARACTERS, max_size=80)


@settings(max_examples=examples(300, 5_000))
@given(HOSTILE)
@example("⟦U+202E⟧")
@example("⟦U+0041×99999⟧")
@example("a" + " " * 300_000 + "b" + "\n" * 200_000)
@example("\x1b" * 250_000)
@example("␛ · \n·\n")
@example("rm -rf ~ ")
def test_what_is_shown_for_approval_turned_back_is_exactly_the_text(text: str) -> None:
    assert invisible(visible(text)) == text


def unsafe(char: str) -> bool:
    if char == "\n":
        return False
    bidi = unicodedata.bidirectional(char) in {
        "R",
        "AL",
        "AN",
        "RLE",
        "RLO",
        "LRE",
        "LRO",
        "PDF",
        "RLI",
        "LRI",
        "FSI",
        "PDI",
    }
    return bidi or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me", "Co", "Cn"}


@functools.cache
def everything() -> list[str]:
    """Every character that there is."""
    return [chr(code) for code in range(0x110000)]


def kept(chars: list[str]) -> set[str]:
    """Which of some characters an approval shows as they are."""
    return set(chars) & set(visible("a".join(["", *chars, ""])))


def test_nothing_invisible_reordering_or_combining_is_left_in_an_approval() -> None:
    assert not kept([char for char in everything() if unsafe(char)])


def test_every_blank_but_the_ordinary_one_is_named_in_an_approval() -> None:
    blanks = [char for char in everything()[0x80:] if char.isspace() or char in "\u2800\u3164\u115f\u1160\uffa0"]
    assert not kept(blanks)


def test_whatever_normalises_to_ascii_is_named_in_an_approval() -> None:
    similar = [char for char in everything()[0x80:] if (unicodedata.normalize("NFKC", char) or "é").isascii()]
    assert not kept(similar)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("git commit -m 'it works'", "git commit -m 'it works'"),
        ("echo Größe café naïve", "echo Größe café naïve"),
        ("echo 漢字 かな 한국어", "echo 漢字 かな 한국어"),
        ("echo Исправить ошибку", "echo Исправить ошибку"),
        ("curl pаypal.com", "curl p⟦U+0430⟧ypal.com"),
        ("сор file", "⟦U+0441⟧⟦U+043E⟧⟦U+0440⟧ file"),
        ("echo “; rm -rf ~”", "echo ⟦U+201C⟧; rm -rf ~⟦U+201D⟧"),
        ("cat /etc∕passwd", "cat /etc⟦U+2215⟧passwd"),
        ("rm ‐rf", "rm ⟦U+2010⟧rf"),
        ("a\u202eb\u202c", "a⟦U+202E⟧b⟦U+202C⟧"),
        ("echo hi\r\nrm x", "echo hi␍\nrm x"),
        ("tab\there", "tab␉here"),
        ("end  ", "end··"),
        ("end  \nnext", "end··\nnext"),
        ("true" + " " * 200 + "; rm -rf ~", "true⟦U+0020×200⟧; rm -rf ~"),
        ("true\n" + "\n" * 60 + "rm -rf ~", "true⟦U+000A×61⟧rm -rf ~"),
        ("x\x1b[2Jy", "x␛[2Jy"),
        ("\udcff", "⟦U+DCFF⟧"),
        ("e\u0301", "e⟦U+0301⟧"),
        ("שלום", "⟦U+05E9⟧⟦U+05DC⟧⟦U+05D5⟧⟦U+05DD⟧"),
        ("ﬁle", "⟦U+FB01⟧le"),
        ("🚀 ok", "🚀 ok"),
    ],
)
def test_honest_text_stays_and_the_rest_is_named(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_control_format_or_surrogate_character_survives_plain() -> None:
    hostile = [
        c for c in everything() if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in "\n\t"
    ]
    assert not set(hostile) & set(plain("a".join(["", *hostile, ""])))


@settings(max_examples=examples(200, 5_000))
@given(HOSTILE)
def test_plain_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = plain(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown.replace("\n", ""))
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c") & set(shown)
    shown.encode()
    assert "\n" not in plain_line(text)
    assert plain(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👩\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f⃣", "👩\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f⃣"),
        ("a\u200db\ufe0f", "a⟦U+200D⟧b⟦U+FE0F⟧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("un\xa0espace\u202fici", "un espace ici"),
        ("one\r\ntwo\rthree", "one\ntwo␍three"),
        ("\tindented", "    indented"),
        ("\x1b]52;c;QQ==\x07", "␛]52;c;QQ==␇"),
        ("z\u0301\u0301\u0301\u0301\u0301", "z\u0301\u0301\u0301⟦U+0301⟧⟦U+0301⟧"),
        ("\u0301x", "⟦U+0301⟧x"),
        ("a\U000e0041", "a⟦U+E0041⟧"),
    ],
)
def test_people_can_still_read_what_people_write(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_bytes_that_are_not_utf8_are_shown_as_bytes() -> None:
    assert plain_bytes(b"caf\xe9 \xff") == "caf⟦E9⟧ ⟦FF⟧"


def test_what_was_made_visible_stands_out() -> None:
    spans = spans_of(visible("a\x1bb "), Style("code"))
    assert [(span.text, span.style.name) for span in spans] == [
        ("a", "code"),
        ("␛", "escape"),
        ("b", "code"),
        ("·", "escape"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://a/\x1b\\",
        "http://a/\u202e",
        "ftp://x",
        "http://[",
        "x",
        "",
    ],
)
def test_only_harmless_targets_become_links(url: str) -> None:
    assert link_target(url) == ""
    assert link_target("https://example.org/a?b=c#d") == "https://example.org/a?b=c#d"


@pytest.mark.parametrize(
    "text", [" " * 1_000_000, "a \n" * 300_000, "\x1b\u202e" * 300_000, "аa" * 300_000, "\u0301" * 500_000]
)
def test_a_megabyte_of_anything_is_made_safe(text: str) -> None:
    """In quadratic time this would never end."""
    assert invisible(visible(text)) == text
    assert "\x1b" not in plain(text)


@given(st.text(CHARACTERS, max_size=60), st.integers(1, 30))
def test_folding_loses_nothing_and_keeps_the_width(text: str, cells: int) -> None:
    line = plain_line(text)
    for rows in (fold(spans_of(line), cells), hard_fold(spans_of(line), cells)):
        assert "".join(row.text for row in rows) == line
        assert [row.joined for row in rows] == [False] + [True] * (len(rows) - 1)
        for row in rows:
            assert width(row.text) <= cells or len(row.text) == 1 or cells == 1
