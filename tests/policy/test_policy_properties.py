"""What must hold for every command: quotes, wrappers and added words never loosen, order is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.common.home import Home
from vtcode_tui.policy import Access, Call, Command, Mode, Policy, decide, default_situation, load_policy
from vtcode_tui.policy.catalogue import FOLDER, describe
from vtcode_tui.policy.description import Description
from vtcode_tui.policy.load import assemble
from vtcode_tui.policy.rules import CommandRule, HostRule, Origin, PathRule, Rule, ToolRule
from vtcode_tui.policy.shell import parse
from vtcode_tui.policy.types import STRICTNESS

ROOT = Path("/work-that-does-not-exist/project")
SITUATION = default_situation(ROOT, Path("/home/dev"))
TABLE = [
    line.partition("\t")[2] for line in (Path(__file__).parent / "tables" / "everyday.tsv").read_text().splitlines()
] + [json.loads(line)[1] for line in (FOLDER.parent / "adversarial.jsonl").read_text().splitlines()]
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+ ")
KEYWORDS = (
    "if",
    "for",
    "while",
    "cd",
    "case",
    ".",
    "time",
    "coproc",
    "export",
    "declare",
    "unset",
    "select",
    "function",
)
CHANGING = ("until", "alias", "trap", "exec")
SIMPLE = [
    c for c in TABLE if PLAIN.issuperset(c) and "=" not in c.split()[0] and c.split()[0] not in KEYWORDS + CHANGING
]

command = st.sampled_from(SIMPLE)


def verdict(text: str, policy: Policy | None = None) -> Mode:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    return decide(call, policy or Policy(), SITUATION, scopes=False).mode


def test_there_are_many_plain_commands_to_try() -> None:
    assert len(SIMPLE) > 1000


@given(command, st.integers(0, 20), st.sampled_from(["'{}'", '"{}"', '""{}', "{}''", "\\{}", "$'{}'"]))
@settings(max_examples=examples(250, 5_000))
def test_a_quote_never_loosens_a_verdict(text: str, place: int, quote: str) -> None:
    words = text.split()
    at = place % len(words)
    words[at] = quote.format(words[at])
    assert STRICTNESS[verdict(" ".join(words))] >= STRICTNESS[verdict(text)], words


WRAPPERS = [
    "timeout 5 {}",
    "env {}",
    "env CI=1 {}",
    "nice -n 5 {}",
    "nohup {}",
    "setsid {}",
    "stdbuf -oL {}",
    "command {}",
    "exec {}",
    "time {}",
    "busybox {}",
    "xargs {}",
    "flock .lock {}",
    "ionice -c 2 {}",
    "taskset 1 {}",
    "sh -c '{}'",
    'bash -lc "{}"',
    "ls && {}",
    "ls; {}",
    "ls | {}",
    "({})",
    "{{ {}; }}",
    "! {}",
    "if {}; then ls; fi",
    "CI=1 {}",
    "for i in a; do {}; done",
    "while {}; do ls; done",
    "echo $({})",
    "cat <({})",
    "find . -exec {} \\;",
    "eval '{}'",
    "f() {{ {}; }}; f",
    "case a in a) {};; esac",
    "sh <<'EOF'\n{}\nEOF",
    "watch '{}'",
    "npx {}",
    "poetry run {}",
    "uv run {}",
    "bundle exec {}",
    "{} > /dev/null",
    "{} 2>&1",
    "{} &",
    "trap '{}' EXIT",
]


@given(command, st.sampled_from(WRAPPERS), st.sampled_from(WRAPPERS))
@settings(max_examples=examples(250, 5_000))
def test_no_wrapper_loosens_a_verdict(text: str, wrapper: str, outer: str) -> None:
    bare = STRICTNESS[verdict(text)]
    wrapped = wrapper.format(text)
    # A standard input that a wrapper provides answers the question what the bare command would have read.
    reads_input = text.split()[-1].rpartition("/")[2] in {
        "sh",
        "bash",
        "python",
        "node",
        "ruby",
        "perl",
        "dash",
        "zsh",
        "ksh",
    }
    assert STRICTNESS[verdict(wrapped)] >= bare or reads_input, wrapped
    if wrapper.endswith(" {}") and PLAIN.issuperset(wrapper.removesuffix("{}")):
        twice = outer.format(wrapped)
        assert STRICTNESS[verdict(twice)] >= bare or reads_input, twice


def loosening(text: str) -> set[str]:
    """The words that the program's own file says make it harmless, or that name another sub-command."""
    found: set[str] = set()
    for name in text.split():
        described = describe(name.rpartition("/")[2])
        if described is not None:
            _collect(described, found)
    return found


def last_is_special(text: str) -> bool:
    """Whether one of the programs treats its last argument in a way of its own."""
    described = [describe(w.rpartition("/")[2]) for w in text.split()]
    return any(d and len(d.arguments) > 1 and any(s.repeats for s in d.arguments[:-1]) for d in described)


def _collect(described: Description, found: set[str]) -> None:
    found.update(n for n, o in described.options.items() if o.harmless)
    for case in described.cases:
        found.update(case.when)
    for slot in described.arguments:
        found.update(slot.unless | slot.when)
    found.update(described.stdin_unless)
    for name, sub in described.subs.items():
        found.add(name)
        _collect(sub, found)


@given(
    command,
    st.sampled_from(["x", "-x", "--foo", "../x", "-v", "-n", "a/b", "--", "-c", "*", "$x", "--verbose", "1"]),
)
@settings(max_examples=examples(250, 5_000))
def test_an_added_word_loosens_only_where_the_file_says_so(text: str, extra: str) -> None:
    longer = f"{text} {extra}"
    if STRICTNESS[verdict(longer)] < STRICTNESS[verdict(text)]:
        # A program that would have read its input as code, or had nothing to do, was given something.
        # The last word of `cp a b` is written; of `cp a b c` it is read, which its description says as well.
        few = len(text.split()) == 1 or text.split()[-1].startswith("-")
        assert extra in loosening(text) or few or last_is_special(text), longer


RULES: list[Rule] = [
    CommandRule(("git", "push"), "allow", Origin("user"), "exact"),
    CommandRule(("git", "push"), "deny", Origin("managed"), "prefix"),
    CommandRule(("npm",), "prompt", Origin("workspace"), "prefix"),
    CommandRule(("make", "deploy"), "allow", Origin("user"), "exact"),
    PathRule("secret/", "deny", "deny", Origin("user")),
    PathRule("docs/", None, "prompt", Origin("user")),
    HostRule("*.example.com", "deny", Origin("managed")),
    ToolRule("run_command", "allow", Origin("user")),
    ToolRule("run_*", "prompt", Origin("workspace")),
]


@given(
    st.permutations(RULES),
    st.sampled_from(["git push", "npm test", "make deploy", "cat secret/a", "touch docs/a", "ls"]),
)
@settings(max_examples=examples(100, 5_000))
def test_the_order_of_rules_is_irrelevant(order: list[Rule], text: str) -> None:
    assert verdict(text, assemble(order)) == verdict(text, assemble(RULES))
    assert assemble(order).sha256 == assemble(RULES).sha256


@given(
    st.lists(
        st.sampled_from(["a b", "a'b", "$x", "*", "`id`", "a\\b", "é", ";", "&&", "", "-x", "~/x", "{a,b}", "\n"]),
        max_size=5,
    )
)
@settings(max_examples=examples(150, 5_000))
def test_words_that_were_quoted_by_shlex_come_back_as_they_were(words: list[str]) -> None:
    import shlex

    text = shlex.join(["echo", *words])
    script = parse(text, ("/",), "/home/dev")
    assert not script.troubles
    assert [w.value for w in script.commands[0].words] == ["echo", *words]


@pytest.mark.parametrize(
    "text", ["rm a.txt", "git merge main", "truncate -s 0 a.txt", "python x.py", "npm install x", "git push"]
)
def test_an_offered_rule_allows_this_very_call_and_nothing_of_the_table_beyond_it(text: str) -> None:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    shipped = load_policy(
        Home.from_environment({"VTCODE_HOME": "/does-not-exist"}), None, managed=Path("/does-not-exist")
    )
    decision = decide(call, shipped, SITUATION)
    assert decision.scopes
    assert decision.scopes[0].name == "exact"
    for scope in decision.scopes:
        policy = shipped.with_rules([scope.rule])
        assert verdict(text, policy) == "allow"
        assert scope.still_prompts
        for example in scope.still_prompts:
            assert verdict(example, policy) != "allow"
        for example in scope.also_allows:
            assert verdict(example, policy) == "allow"
        if scope.name == "exact":
            continue
        for hostile in (json.loads(x)[1] for x in (FOLDER.parent / "adversarial.jsonl").read_text().splitlines()):
            if text.split()[0] in hostile:
                assert verdict(hostile, policy) != "allow", hostile


@pytest.mark.parametrize(
    "text", ["python x.py", "curl https://x", "npm install", "sh -c 'rm x'", "node -e 1", "ssh h ls", "xargs rm"]
)
def test_what_runs_code_or_reaches_the_network_is_never_generalised(text: str) -> None:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    assert [s.name for s in decide(call, Policy(), SITUATION).scopes] == ["exact"]


@pytest.mark.parametrize("text", ["sudo ls", "rm -rf /", "cat ~/.ssh/id_rsa", "ls \u202ex"])
def test_no_rule_is_offered_for_what_is_denied_or_disguised(text: str) -> None:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    assert decide(call, Policy(), SITUATION).scopes == ()
