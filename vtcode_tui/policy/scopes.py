"""The ladder of rules that an approval may become, narrowest first; each proven before it is offered.

A rule is offered only if it would have allowed this very call, and (beyond the exact command) allows nothing of the
adversarial table. What runs programs, evaluates code or reaches the network is never generalised.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from vtcode_tui.policy.catalogue import describe
from vtcode_tui.policy.description import Description
from vtcode_tui.policy.disguise import disguises
from vtcode_tui.policy.report import Report
from vtcode_tui.policy.rules import Policy
from vtcode_tui.policy.rules_match import FILE, FILES, asks_as_a_whole
from vtcode_tui.policy.situation import Situation
from vtcode_tui.policy.types import Access, Call, Command, Decision, Scope

Decide: TypeAlias = Callable[[Call, Policy, Situation], Decision]
LONGEST = 4000
"""A command that nobody can take in at a glance is approved once."""
_FILES = ("README.md", "src/example.txt", "docs/notes.md")


def ladder(
    call: Call, reports: list[Report], policy: Policy, situation: Situation, decide: Decide
) -> tuple[Scope, ...]:
    """Every rule that may be offered for a call that prompts."""
    command = call.access.command
    if command is None or len(command.text or "") > LONGEST or sum(map(len, command.argv)) > LONGEST:
        return ()
    if disguises(command.text or "\n".join(command.argv), words=True):
        return ()
    if any(f.verdict == "deny" for top in reports for r in top.every() for f in r.findings):
        return ()
    found: list[Scope] = []
    for name, rule, text in _candidates(command, reports, situation):
        extended = policy.with_rules([rule])
        if decide(call, extended, situation).mode != "allow":
            continue
        if name != "exact" and _reaches_the_table(rule, extended, policy, situation, decide):
            continue
        found.append(_scope(name, rule, text, call, reports, (policy, extended, situation), decide))
    return tuple(found)


def _candidates(
    command: Command, reports: list[Report], situation: Situation
) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    where = {"verdict": "allow", "workspace": str(situation.root)}
    exact: dict[str, Any] = {"text": command.text} if command.text is not None else {"command": list(command.argv)}
    yield "exact", {**exact, **where}, "exactly this command, in this workspace"
    if len(reports) != 1:
        return
    report = reports[0]
    simple = report.simple
    if report.inner or report.values is None or simple.assignments or simple.redirections:
        return
    if not asks_as_a_whole(report):
        # What an option or a word asks about may run something: another file beside it is another question.
        return
    files = [
        a.text for a in report.arguments if a.role in {"stat", "read", "write"} and not a.label.startswith("-")
    ]
    words = [FILE if w in files else w for w in report.values]
    if FILE in words and len(set(files)) == len(files):
        text = f"{_shown(words)}, for any file of the workspace"
        yield "files", {"command": words, "extent": "files", **where}, text
    described = _described(report)
    if described is not None and all(a.role != "any" for a in report.arguments):
        words = list(report.chain)
        if report.values[: len(words)] == tuple(words):
            text = f"{_shown(words)}, with its safe options"
            yield "described", {"command": words, "extent": "described", **where}, text


def _described(report: Report) -> Description | None:
    found = describe(report.chain[0]) if report.chain else None
    for name in report.chain[1:]:
        found = found.subs.get(name) if found else None
    return found if found is not None and found.style != "plain" and found.options else None


def _shown(words: list[str]) -> str:
    return " ".join(w if w == FILE else shlex.quote(w) for w in words)


@lru_cache(maxsize=1)
def table() -> tuple[str, ...]:
    """The adversarial commands that no rule on offer may allow."""
    lines = (Path(__file__).parent / "adversarial.jsonl").read_text().splitlines()
    return tuple(json.loads(line)[1] for line in lines)


@lru_cache(maxsize=256)
def _about(words: tuple[str, ...]) -> tuple[str, ...]:
    """What a rule that begins with these words could speak about: a word that is hidden prompts anyway."""
    bare = [word.translate(_QUOTES) for word in words]
    return tuple(text for text, plain in zip(table(), _bare(), strict=True) if all(word in plain for word in bare))


_QUOTES = dict.fromkeys(map(ord, "'\"\\"))


@lru_cache(maxsize=1)
def _bare() -> tuple[str, ...]:
    """The table without quotes: a word may be written in many ways."""
    return tuple(text.translate(_QUOTES) for text in table())


def _asked(text: str, situation: Situation) -> Call:
    return Call("scope", "run_command", {"command": text}, Access(command=Command(text=text)), situation.root)


def _reaches_the_table(
    rule: Mapping[str, Any], extended: Policy, policy: Policy, situation: Situation, decide: Decide
) -> bool:
    words = tuple(str(word) for word in rule["command"] if word not in {FILE, FILES})
    for text in _about(words):
        asked = _asked(text, situation)
        if decide(asked, extended, situation).mode == "allow" and decide(asked, policy, situation).mode != "allow":
            return True
    return False


def _scope(
    name: str,
    rule: Mapping[str, Any],
    text: str,
    call: Call,
    reports: list[Report],
    setting: tuple[Policy, Policy, Situation],
    decide: Decide,
) -> Scope:
    policy, extended, situation = setting
    command = call.access.command
    this = command.text if command and command.text is not None else shlex.join(command.argv if command else ())
    allows: list[str] = []
    prompts: list[str] = []
    for example in _examples(name, rule, this, reports):
        asked = _asked(example, situation)
        if decide(asked, extended, situation).mode != "allow":
            prompts.append(example)
        elif example != this and decide(asked, policy, situation).mode != "allow":
            allows.append(example)
    return Scope(name, dict(rule), text, tuple(dict.fromkeys(allows))[:2], tuple(dict.fromkeys(prompts))[:1])


def _examples(name: str, rule: Mapping[str, Any], this: str, reports: list[Report]) -> Iterator[str]:
    words = list(rule.get("command", ()))
    if name == "files":
        for file in _FILES:
            yield " ".join(file if w == FILE else shlex.quote(w) for w in words)
        yield " ".join("../outside.txt" if w == FILE else shlex.quote(w) for w in words)
    elif name == "described":
        described = _described(reports[0])
        arguments = [a.text for a in reports[0].arguments if not a.label.startswith("-")]
        options = described.options if described else {}
        if arguments:
            yield shlex.join([*words, *(f"{a}-2" for a in arguments)])
        for option in [o for o, d in options.items() if d.verdict == "allow" and not d.slots and not d.harmless][
            :4
        ]:
            yield shlex.join([*words, option, *arguments])
        yield shlex.join([*words, "--not-described", *arguments])
    yield f"{this} another-word"
    yield f"{this} && rm -r src"
