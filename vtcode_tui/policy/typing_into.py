"""Who reads the text that is typed into a running command: a shell, what obeys keys or code, or neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from vtcode_tui.policy.arguments import Reading, read
from vtcode_tui.policy.catalogue import describe
from vtcode_tui.policy.context import Context
from vtcode_tui.policy.judge import judge, program_name
from vtcode_tui.policy.script import Simple
from vtcode_tui.policy.words import literal

Kind: TypeAlias = Literal["data", "code", "shell"]
"""Strictest last. `shell`: judged like a command; also whatever cannot be told."""

_KINDS: tuple[Kind, ...] = ("data", "code", "shell")


def reading_of(argv: tuple[str, ...], folder: str, context: Context) -> tuple[Kind, str]:
    """The strictest reader among a command's programs, and its name; errs on the side of a shell."""
    if not argv:
        return "shell", "a program that nobody knows"
    words = tuple(literal(word) for word in argv)
    report = judge(Simple(words, folders=(folder,), text=" ".join(argv)), replace(context, budget=[2000]))
    kind: Kind = "data"
    name = argv[0]
    for each in report.every():
        found = _of(each.simple, context, wraps=bool(each.inner))
        if any(f.name == "shell" for f in each.findings):
            return "shell", name
        if _KINDS.index(found) > _KINDS.index(kind):
            kind, name = found, each.simple.words[0].text if each.simple.words else name
    return kind, name


def _obeys(reading: Reading) -> bool:
    """Whether a program may do by what is typed more than it was started for: pagers, editors, shells of databases.

    A program that asks by itself is not understood well enough to say that it does not.
    """
    if any(o.why and o.verdict != "allow" for o in reading.used.values()):
        return True
    layer: Reading | None = reading
    while layer is not None:
        if layer.description.keys:
            return True
        layer = layer.outer
    return reading.description.verdict != "allow"


def _of(simple: Simple, context: Context, *, wraps: bool) -> Kind:
    if not simple.words:
        return "data"
    word = simple.words[0]
    described = describe(program_name(word, simple.folders, context)[0]) if word.value else None
    if described is None:
        return "shell"
    reading = read(simple.words[1:], described)
    if wraps:
        return "data"
    stdin = reading.description.stdin or described.stdin
    if not stdin:
        return "code" if _obeys(reading) else "data"
    given = len(reading.arguments) >= described.stdin_arguments or any(
        v.slot.role in {"code", "module", "script"} for v in reading.values
    )
    started = given and "-s" not in reading.used and "-i" not in reading.used
    return "data" if started and stdin == "code" else stdin
