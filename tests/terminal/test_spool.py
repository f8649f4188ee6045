from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.terminal import Spool


def test_a_short_output_is_given_whole(tmp_path: Path) -> None:
    with Spool(tmp_path / "out") as spool:
        assert spool.write(b"one\n") == 0
        assert spool.write(b"two\n") == 4
        excerpt = spool.head_tail(100, 100)
        assert (excerpt.text, excerpt.truncated) == ("one\ntwo\n", False)
        assert spool.sha256 == sha256(b"one\ntwo\n").hexdigest()
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_a_long_output_is_cut_at_line_ends_and_says_so(tmp_path: Path) -> None:
    with Spool(tmp_path / "call.out") as spool:
        spool.write(b"".join(b"line %d\n" % number for number in range(1000)))
        excerpt = spool.head_tail(30, 30)
    head, sentence, tail = excerpt.text.partition("[8,8")
    assert head == "line 0\nline 1\nline 2\nline 3\n"
    assert tail.endswith("\nline 997\nline 998\nline 999\n")
    assert "bytes left out here; all of it is in call.out]" in sentence + tail
    assert excerpt.left_out == excerpt.total - 28 - 27


def test_past_the_limit_the_end_is_kept_and_the_middle_is_counted(tmp_path: Path) -> None:
    with Spool(tmp_path / "out", limit=100, tail=50) as spool:
        for number in range(100):
            spool.write(b"%09d\n" % number)
        assert spool.total == 1000
        assert spool.dropped == 850
        excerpt = spool.head_tail(20, 20)
        assert excerpt.text.startswith(
            "000000000\n000000001\n[960 of 1,000 bytes left out here; the first 100 are in out]"
        )
        assert excerpt.text.endswith("\n000000098\n000000099\n")
    kept = (tmp_path / "out").read_bytes()
    assert kept.startswith(b"000000000\n")
    assert b"\n[850 of 1,000 bytes were not kept]\n" in kept
    assert kept.endswith(b"000000099\n")


def test_an_existing_file_or_link_is_never_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "out").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        Spool(tmp_path / "out")
    assert (tmp_path / "victim").read_text() == "mine"


@settings(max_examples=examples(75), deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda text: text.encode())), max_size=30),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(20, 300),
)
def test_head_and_tail_are_pieces_of_the_output(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], head: int, tail: int, limit: int
) -> None:
    whole = b"".join(pieces)
    with Spool(tmp_path_factory.mktemp("spool") / "out", limit=limit, tail=100) as spool:
        for piece in pieces:
            spool.write(piece)
        excerpt = spool.head_tail(head, tail)
        assert excerpt.total == spool.total == len(whole)
        assert spool.sha256 == sha256(whole).hexdigest()
        if not excerpt.truncated:
            assert excerpt.text == whole.decode("utf-8", "replace")
        else:
            assert excerpt.left_out >= len(whole) - head - tail
            assert excerpt.left_out > 0


def test_letters_are_not_cut_in_the_middle(tmp_path: Path) -> None:
    with Spool(tmp_path / "out") as spool:
        spool.write("漢".encode() * 100)
        excerpt = spool.head_tail(10, 10)
    assert excerpt.text.startswith("漢漢漢\n[")
    assert excerpt.text.endswith("]\n漢漢漢")
