"""A decision as lines for people: the tree of commands, each argument's role, and what would change the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vtcode_tui.policy.types import Decision


def lines(decision: Decision) -> Iterator[str]:
    """The explanation of a decision, one line after the other."""
    yield f"{decision.mode}: {decision.reason}"
    tree = decision.explanation or {}
    for note in tree.get("notes", ()):
        yield f"  ! {note}"
    for command in tree.get("commands", ()):
        yield from _command(command, 1)
    for change in changes(decision):
        yield f"what would change it: {change}"
    for scope in decision.scopes:
        yield f"may be remembered as: {scope.text}"


def _command(command: Mapping[str, Any], depth: int) -> Iterator[str]:
    pad = "  " * depth
    known = f" by {command['described_in']}" if command["described_in"] else ""
    what = f"{command['program'] or 'unknown'}{known}; {command['effect']}"
    yield f"{pad}{command['verdict']:<7} {command['command']}   ({what})"
    for argument in command["arguments"]:
        detail = f": {argument['detail']}" if argument["verdict"] != "allow" else ""
        yield f"{pad}    {argument['word']}   {argument['as']} = {argument['role']}, {argument['verdict']}{detail}"
    for finding in command["findings"]:
        yield f"{pad}    {finding['verdict']}: {finding['detail']}"
    if command["rule"]:
        yield f"{pad}    settled by the rule at {command['rule']}"
    for inner in command["runs"]:
        yield from _command(inner, depth + 1)


def changes(decision: Decision) -> list[str]:
    """What a person or the model could change so that the verdict would be another one."""
    if decision.mode == "allow":
        return []
    found: dict[str, None] = {}
    for check in decision.checks:
        if check.result == decision.mode:
            found.setdefault(_ADVICE.get(check.name, "without this: ") + check.detail)
    return list(found)[:8]


_ADVICE: Mapping[str, str] = {
    "uncertain": "write the value out: ",
    "disguise": "write it plainly: ",
    "characters": "leave the character out: ",
    "outside": "stay inside the workspace: ",
    "undescribed": "leave it out, or describe it in the program's data file: ",
    "abbreviated": "write the option out: ",
    "network": "a person may open the host: ",
    "masked": "unmask it in your own vtcode.toml: ",
    "protected": "a person may allow the protected path: ",
    "deletes": "a person may allow the removal: ",
}
