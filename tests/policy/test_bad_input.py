"""Input that is made to hurt: bounded time and memory, a verdict that is never allow, never an exception."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.common.errors import ConfigError
from vtcode_tui.policy import Access, Call, Command, Decision, Policy, decide, default_situation
from vtcode_tui.policy.file import parse, rules_of
from vtcode_tui.policy.load import assemble, read_text
from vtcode_tui.policy.located import load
from vtcode_tui.policy.rules import Origin, Rule

ROOT = Path("/work-that-does-not-exist/project")
SITUATION = default_situation(ROOT, Path("/home/dev"))


def rules_from(text: str) -> list[Rule]:
    located = load(text, "tool-policy.json")
    return list(rules_of(parse(located, "tool-policy.json"), located, Origin("user", "tool-policy.json", 1)))


def decision(text: str) -> Decision:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    return decide(call, Policy(), SITUATION)


HUGE = [
    "(" * 10_000,
    "(" * 10_000 + "ls" + ")" * 10_000,
    "$(" * 10_000,
    "`" * 10_001,
    "{ " * 10_000,
    "((" * 10_000,
    "${" * 10_000,
    '"$(' * 5_000,
    "<(" * 5_000,
    "if " * 10_000,
    "case x in " * 5_000,
    "ls " + "a" * 1_000_000,
    "ls; " * 30_000,
    "a|" * 30_000 + "b",
    "cat " + "*" * 90_000,
    "grep '" + "(a+)+" * 10_000 + "$' x",
    "make " + "a*" * 20_000,
    "sh -c " * 200 + "ls",
    "env " * 20_000 + "ls",
    "find . " + "-exec sh -c ls \\; " * 2_000,
    "echo {a,b}{a,b}" + "{a,b}" * 200,
    "echo " + "{" * 20_000,
    "for i in " + "a " * 40_000 + "; do ls $i; done",
    "\ud800ls",
    "ls \x00",
    "x" * 1_000_000,
    "<<a " * 5_000,
    "ls \\\n" * 20_000,
    "sed '" + "s/a/b/;" * 10_000 + "e' f",
    "awk '" + "(" * 50_000 + "'",
]


HARMLESS = ("echo ", "grep ", "cat *", "awk '(", "ls \\")
"""Long, and for all that nothing but a print or a read."""


@pytest.mark.parametrize("text", HUGE, ids=range(len(HUGE)))
def test_a_command_made_to_hurt_is_judged_in_bounded_time_and_not_allowed(text: str) -> None:
    began = time.process_time()
    found = decision(text)
    # Far above what it takes (well under a second); a loop that grows with the square would not end here.
    assert time.process_time() - began < 20
    assert found.mode != "allow" or text.startswith(HARMLESS)


@given(st.text(max_size=200))
@settings(max_examples=examples(100, 5_000))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert decision(text).mode in {"allow", "prompt", "deny"}


SHELLISH = st.lists(
    st.sampled_from(
        [
            "ls",
            "cat",
            "rm",
            "$(",
            ")",
            "`",
            "'",
            '"',
            ";",
            "&&",
            "||",
            "|",
            ">",
            "<",
            ">>",
            "{",
            "}",
            "(",
            ")",
            "$x",
            "${x}",
            "*",
            "?",
            "[",
            "]",
            "\\",
            "\n",
            "#",
            "if",
            "then",
            "fi",
            "for",
            "in",
            "do",
            "done",
            "while",
            "case",
            "esac",
            "function",
            "time",
            "!",
            "[[",
            "]]",
            "((",
            "))",
            "<<",
            "EOF",
            "<<<",
            ">(",
            "<(",
            "&",
            "sudo",
            "sh",
            "-c",
            "git",
            "find",
            "-exec",
            "{}",
            "+",
            "xargs",
            "a=b",
            "x[1]=2",
            "$'\\x'",
            "--",
            "-",
            "~",
            "{a,b}",
            "/etc/shadow",
            "..",
            "../x",
            "/tmp",
            "export",
            "declare",
            "-n",
            "eval",
            "trap",
        ]
    ),
    max_size=14,
).map(" ".join)


@given(SHELLISH)
@settings(max_examples=examples(100, 5_000))
def test_any_heap_of_shell_syntax_gets_a_verdict(text: str) -> None:
    found = decision(text)
    assert found.mode in {"allow", "prompt", "deny"}
    if "sudo" in text.split() and found.mode == "allow":
        assert text.split()[0] != "sudo"


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=6))
@settings(max_examples=examples(100, 5_000))
def test_any_argument_vector_gets_a_verdict(words: list[str]) -> None:
    call = Call("1", "run_command", {"command": words}, Access(command=Command(argv=tuple(words))), ROOT)
    assert decide(call, Policy(), SITUATION).mode in {"allow", "prompt", "deny"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "version",
                    "policies",
                    "commands",
                    "paths",
                    "network",
                    "mcp",
                    "command",
                    "verdict",
                    "x",
                    "read",
                    "pattern",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=examples(100, 5_000))
def test_any_json_is_loaded_or_refused_with_a_configuration_error(value: object) -> None:
    import json

    try:
        read_text(json.dumps(value).encode(), Path("tool-policy.json"), "user")
    except ConfigError as error:
        assert "tool-policy.json:" in str(error)


@given(st.binary(max_size=80))
@settings(max_examples=examples(100, 5_000))
def test_any_bytes_are_loaded_or_refused_with_a_configuration_error(raw: bytes) -> None:
    try:
        read_text(raw, Path("tool-policy.json"), "user")
    except ConfigError as error:
        assert error.file == "tool-policy.json"


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "b", "[ab]*" * 60, "?*" * 80 + "!", "**/" * 60 + "x", "(a+)+" * 60]
)
def test_a_pattern_made_to_hurt_decides_in_bounded_time(pattern: str) -> None:
    """A path, a host, a tool and a server may each be a pattern of somebody else's file."""
    content: object = {
        "paths": [{"pattern": pattern, "read": "deny"}],
        "network": [{"host": pattern.replace("/", ""), "verdict": "deny"}],
        "policies": {pattern: "prompt"},
        "mcp": {"providers": {pattern: {"default": "deny"}}},
    }
    policy = assemble(rules_from(json.dumps(content)))
    began = time.process_time()
    long = "a" * 2000
    for text in (f"cat {long}", f"cat {'a/' * 500}x", f"curl https://{long}.example/", f"rsync x {long}:y"):
        call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
        assert decide(call, policy, SITUATION).mode in {"allow", "prompt", "deny"}
    asked = Call("1", f"mcp__{long}__x", {}, Access(), ROOT)
    assert decide(asked, policy, SITUATION).mode in {"prompt", "deny"}
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"version": NaN}',
        '{"version": 1e999}',
        '{"version":1}x',
        "",
        "nul",
        '"\\ud800"',
        "1" * 100_000,
    ],
)
def test_json_made_to_hurt_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(load(text, "tool-policy.json"), "tool-policy.json")
