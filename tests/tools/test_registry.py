from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.common.errors import UsageError, VtcodeError
from vtcode_tui.sandbox.run import Denial, Outcome
from vtcode_tui.tools import builtin, plain_output
from vtcode_tui.tools.running import RunCommand, RunCommandInput

TOOLS = builtin()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(TOOLS.tools)), st.text(max_size=60) | VALUES.map(json.dumps))
def test_no_arguments_of_a_model_raise_anything_but_one_sentence(name: str, arguments: str) -> None:
    try:
        TOOLS.read(name, arguments)
    except UsageError as error:
        assert str(error)
        assert "\n" not in str(error).strip()


def test_every_tool_describes_itself_in_a_schema_without_references() -> None:
    for spec in TOOLS.specs():
        text = json.dumps(spec.schema)
        assert "$ref" not in text
        assert spec.schema["type"] == "object"
        assert spec.description.endswith(".")
    assert [spec.name for spec in TOOLS.specs()] == sorted(TOOLS.tools)


def test_an_unknown_tool_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean read_file"):
        TOOLS.get("readfile")


def test_deeply_nested_json_is_one_sentence_too() -> None:
    with pytest.raises(VtcodeError):
        TOOLS.read("read_file", "[" * 100_000)


def test_output_reaches_the_model_without_terminal_control() -> None:
    raw = b"\x1b]52;c;aGk=\x07\x1b[31mred\x1b[0m\r\nprogress 10%\rprogress 99%\r\n\x1b[2Jend\x9b31m\x00"
    text = plain_output(raw)
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "red\nprogress 99%\n" in text


@given(st.binary(max_size=200))
def test_any_output_becomes_text_without_escape_characters(raw: bytes) -> None:
    text = plain_output(raw)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in text)


def test_a_refusal_of_the_sandbox_says_what_why_and_what_would_help() -> None:
    outcome = Outcome(1, denials=(Denial("host", "example.org:443", "seccomp", "allow the host in the policy"),))
    result = RunCommand().result(RunCommandInput(command="curl example.org"), outcome, b"curl: (7)\n")
    assert result.status == "error"
    assert "example.org:443" in result.text
    assert "allow the host" in result.text
    assert "[exit status 1]" in result.text


def test_a_model_never_hears_what_only_people_may_know_of_the_outside() -> None:
    hidden = Denial(
        "path", "~/a.csv exists and is hidden from this run", "namespace", "grant it", audience="people"
    )
    unseen = Denial("path", "~/a.csv is not among the places", "namespace", "grant it", audience="model")
    result = RunCommand().result(
        RunCommandInput(command="cat a"), Outcome(1, denials=(hidden, unseen)), b"cat: ...\n"
    )
    assert "exists and is hidden" not in result.text
    assert "~/a.csv is not among the places (grant it)" in result.text
    assert "whether it exists or not" in result.text


def test_the_workers_need_nothing_but_the_standard_library() -> None:
    root = Path(__file__).resolve().parents[2]
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import vtcode_tui.tools.workers.reading, vtcode_tui.tools.workers.searching\n"
        "print('pydantic' in sys.modules or 'httpx' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
