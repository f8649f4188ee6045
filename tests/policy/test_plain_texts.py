"""A plain command is read without the parser, and exactly as the parser reads it."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.policy.catalogue import FOLDER
from vtcode_tui.policy.shell import parse, parsed
from vtcode_tui.policy.shell_plain import plain_words

PLACE = (("/work/project",), "/home/dev")
TABLE = [
    line.partition("\t")[2] for line in (Path(__file__).parent / "tables" / "everyday.tsv").read_text().splitlines()
] + [json.loads(line)[1] for line in (FOLDER.parent / "adversarial.jsonl").read_text().splitlines()]


def test_every_plain_command_of_the_tables_is_what_the_parser_says() -> None:
    plain = [text for text in TABLE if plain_words(text) is not None]
    assert len(plain) > len(TABLE) / 3
    for text in plain:
        assert parse(text, *PLACE) == parsed(text, *PLACE), text


BARE = """
if for in time ! [[ ]] { } let trap cd . select export a=b case esac do done then fi coproc function declare
local readonly unset a#b a==b --x=y - -- @(a) 2>x a^b & 1 -1 +x #x ~ =a %1 \\
"""
WORDS = st.one_of(
    st.text("abzAZ019_-./:=,@%+^#~!{}[]()*?$`\\<>|&;'\" \t\n\r\0é", min_size=1, max_size=8),
    st.sampled_from(BARE.split()),
    st.sampled_from(["'a b'", '"a b"', "''", '""', '"a$b"', "'a\"b'", '"a\'b"', "a'b'"]),
)


@given(st.lists(WORDS, min_size=1, max_size=5).map(" ".join))
@settings(max_examples=examples(250, 5_000))
@example("let a=1")
@example("time ls")
@example("ls 'a\\' b")
@example("echo \"#x\" '$(id)'")
@example("2 ls")
def test_whatever_is_read_as_plain_is_what_the_parser_says(text: str) -> None:
    if plain_words(text) is not None:
        assert parse(text, *PLACE) == parsed(text, *PLACE)
