"""The rules that an approval may become: attacked with the neighbours of what was approved."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests.policy.test_tables import RULES, SITUATION, everyday
from vtcode_tui.policy import Access, Call, Command, Mode, Policy, Scope, decide

ELSEWHERE = [
    "-x", "-rf", "--help=x", "--output=../x", "-o../x", "--exec=x", "-s ./x", "../x", "/etc/passwd", "/etc/shadow",
    "~/.ssh/id_rsa", '"$(id)"', "$x", "*", ".env", "id_rsa", "$'-x'", "'-x'", '"-"x', "{-x,y}", "x{,/../../y}",
]  # fmt: skip
"""Words that are neither an ordinary file of the workspace nor a described option."""
PROTECTED = [".git/config", ".git/hooks/x", "tool-policy.json", "vtcode.toml", ".vt-workspace-trust", ".git", "."]
APPENDED = [
    "&& rm -rf src",
    "; ./x",
    "> ../x",
    "| sh",
    "--exec=x",
    "-exec id ;",
    "<(./x)",
    "& ./x",
    "2> ~/.x",
    "$(./x)",
]
BEFORE = ["LD_PRELOAD=x", "PATH=.", "sudo", "PAGER=x", "env A=b sh -c", "xargs", "timeout 5 sudo"]


def call(text: str) -> Call:
    return Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), SITUATION.root)


def mode(text: str, policy: Policy) -> Mode:
    return decide(call(text), policy, SITUATION, scopes=False).mode


def neighbours(text: str, scope: Scope) -> Iterator[str]:
    words = list(scope.rule.get("command", ()))
    for hostile in ELSEWHERE + PROTECTED * ("{file}" in words):
        if "{file}" in words:
            yield " ".join(hostile if w == "{file}" else shlex.quote(w) for w in words)
        if hostile not in PROTECTED:
            yield f"{text} {hostile}"
        if scope.name == "described":
            yield f"{shlex.join(words)} {hostile}"
    yield from (f"{text} {more}" for more in APPENDED)
    yield from (f"{before} {text}" for before in BEFORE)


ASKED = [text for verdict, text in everyday() if verdict == "prompt"] + [
    "truncate -s 0 a.txt", "truncate -s 0 a.txt b.txt", "git merge main", "chown user a", "git merge --no-ff topic",
]  # fmt: skip


def test_no_rule_that_is_offered_allows_a_neighbour_that_would_surprise() -> None:
    wider = 0
    surprising: list[str] = []
    for number, text in enumerate(ASKED):
        decision = decide(call(text), RULES, SITUATION)
        for scope in decision.scopes if decision.mode == "prompt" else ():
            policy = RULES.with_rules([scope.rule])
            assert mode(text, policy) == "allow", text
            wider += scope.name != "exact"
            for neighbour in neighbours(text, scope) if scope.name != "exact" or not number % 12 else ():
                if mode(neighbour, policy) == "allow" and mode(neighbour, RULES) != "allow":
                    surprising.append(f"{dict(scope.rule)} allows {neighbour}")
    assert len(ASKED) > 200 and wider >= 4
    assert not surprising, "\n".join(surprising)


@pytest.mark.parametrize(
    "text",
    [
        "rsync -av src/ host:/srv/",
        "sqlite3 app.db 'drop table users'",
        "less +'!sh' a",
        "bat --pager='sh -c id' a",
        "g++ -fmodule-mapper='|./x' a.cpp",
        "pylint --init-hook='import os' a",
        "tar -cf a b --checkpoint=1 --checkpoint-action='exec=sh x'",
        "zip -T --unzip-command='sh -c id' x a",
        "sed -i'../*' s/a/b/ a",
        "split -l1 a ~/.x",
        "unzip -o a.zip -d ~",
        "touch -r ../x a",
        "cat ~/notes.txt",
        "grep --not-described x a",
    ],
)
def test_what_an_option_or_a_word_asks_about_is_kept_as_the_exact_command_only(text: str) -> None:
    decision = decide(call(text), RULES, SITUATION)
    assert decision.mode == "prompt"
    assert [scope.name for scope in decision.scopes] == ["exact"]


def test_a_rule_about_files_does_not_reach_a_word_that_asks_by_itself() -> None:
    policy = RULES.with_rules(
        [{"command": ["rsync", "-av", "{file}", "{file}"], "extent": "files", "verdict": "allow"}]
    )
    assert mode("rsync -av src/ host:/srv/", policy) == "prompt"
    assert mode("rsync -av src/ ../x", policy) == "prompt"


def test_the_first_example_of_a_sub_command_is_another_argument() -> None:
    scopes = {scope.name: scope for scope in decide(call("git merge main"), RULES, SITUATION).scopes}
    assert scopes["described"].also_allows[0] == "git merge main-2"
