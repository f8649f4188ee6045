"""Reads a Seatbelt profile back and says what it decides: the check that what we generate means what we meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Form = str | list["Form"]

_TOKEN = re.compile(r'\s*(?:;[^\n]*\n\s*)*(\(|\)|"(?:[^"\\]|\\.)*"|[^\s()"]+)')


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: allow or deny, for these operations, where every filter matches."""

    allow: bool
    operations: tuple[str, ...]
    filters: tuple[tuple[str, str], ...]


def parse(text: str) -> list[Form]:
    """The forms of a profile; raises ValueError where it is not well-formed."""
    stack: list[list[Form]] = [[]]
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = _TOKEN.match(stripped, at)
        if found is None:
            raise ValueError(f"not a profile at {stripped[at : at + 20]!r}")
        at = found.end()
        token = found.group(1)
        if token == "(":
            stack.append([])
        elif token == ")":
            if len(stack) == 1:
                raise ValueError("a parenthesis is closed that was not opened")
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    if len(stack) != 1:
        raise ValueError("a parenthesis is not closed")
    return stack[0]


def rules(text: str, parameters: Mapping[str, str]) -> list[Rule]:
    """The rules of a profile in order."""
    made = []
    for form in parse(text):
        if not isinstance(form, list) or not form or form[0] not in ("allow", "deny"):
            continue
        operations = tuple(word for word in form[1:] if isinstance(word, str))
        filters = tuple(_filter(part, parameters) for part in form[1:] if isinstance(part, list))
        made.append(Rule(form[0] == "allow", operations, filters))
    return made


def decides(made: list[Rule], operation: str, path: str = "", *, remote: str = "") -> bool:
    """Whether an operation is allowed: the last rule that matches decides."""
    verdict = False
    for rule in made:
        if any(_covers(pattern, operation) for pattern in rule.operations) and all(
            _matches(kind, value, path, remote) for kind, value in rule.filters
        ):
            verdict = rule.allow
    return verdict


def _filter(form: list[Form], parameters: Mapping[str, str]) -> tuple[str, str]:
    kind, *values = form
    value = values[-1] if values else ""
    if isinstance(value, list):
        return str(kind), parameters[_unquoted(str(value[1]))]
    return str(kind), _unquoted(value)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _covers(pattern: str, operation: str) -> bool:
    return pattern in ("default", operation) or (pattern.endswith("*") and operation.startswith(pattern[:-1]))


def _matches(kind: str, value: str, path: str, remote: str) -> bool:
    if kind == "literal":
        return path == value
    if kind == "subpath":
        return path == value or path.startswith(value.rstrip("/") + "/")
    if kind == "remote":
        return remote == value
    return False
