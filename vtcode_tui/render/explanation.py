"""The policy's explanation of a decision as a tree of rows: each command with its verdict, what decided it, its
rule file, the role of every word, and what would change the verdict.

`Decision.explanation` (and the same object in a `policy.decided` event) goes in; the approval widget, the session
in lines and `vtcode policy explain` draw what comes out. Long words are cut here and say so: the whole text stands
above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from vtcode_tui.render.safety import spans_of, visible
from vtcode_tui.render.types import MUTED, Line, Span, Style, StyleName
from vtcode_tui.render.wrap import fold

Node: TypeAlias = tuple[int, ...]
"""A command's place in the tree: its number among its brothers, at each level."""
Explanation: TypeAlias = Mapping[str, Any]

LONGEST_WORD = 160
MOST_COMMANDS = 100
MOST_ARGUMENTS = 30
_LOOKS: Mapping[str, tuple[str, StyleName]] = {
    "allow": ("✓", "good"),
    "prompt": ("?", "caution"),
    "deny": ("✗", "bad"),
}
_EFFECTS = {"read": "reads", "write": "writes", "run": "runs code", "network": "reaches the network"}


class Branch(NamedTuple):
    """A row of the tree and the command that it belongs to."""

    line: Line
    node: Node


class Walked(NamedTuple):
    """A command of the tree, and where it stands."""

    node: Node
    command: Mapping[str, Any]


def commands_of(explanation: Explanation | None) -> Iterator[Walked]:
    """Every command, the outer one before what it runs."""
    yield from _below((explanation or {}).get("commands", ()), ())


def _below(commands: Any, place: Node) -> Iterator[Walked]:
    for number, command in enumerate(commands):
        here = (*place, number)
        yield Walked(here, command)
        yield from _below(command["runs"], here)


def _said(text: str) -> str:
    """Foreign text in one line, every byte of it visible, cut where it is long."""
    left = len(text) - LONGEST_WORD
    shown = visible(text[:LONGEST_WORD]).replace("\n", "␊")
    return f"{shown}… ({left:,} more characters)" if left > 0 else shown


def _look(verdict: str, *, bold: bool = False) -> Style:
    return Style(_LOOKS.get(verdict, ("?", "caution"))[1], bold=bold)


def outline(explanation: Explanation) -> tuple[Span, ...]:
    """The tree in one line: how many commands ask, then each program with its mark, `›` before what it runs."""
    every = list(commands_of(explanation))
    spans: list[Span] = []
    if len(every) > 1:
        counts = {verdict: sum(w.command["verdict"] == verdict for w in every) for verdict in _LOOKS}
        asking = [(f"{counts['prompt']} ask", "prompt"), (f"{counts['deny']} denied", "deny")]
        spans.append(Span(f"{len(every)} commands"))
        for text, verdict in asking:
            if counts[verdict]:
                spans += [Span(", "), Span(text, _look(verdict))]
        spans.append(Span(": ", MUTED))
    for number, (node, command) in enumerate(every[:MOST_COMMANDS]):
        if number:
            spans.append(Span(" › " if len(node) > 1 and node[-1] == 0 else "  ", MUTED))
        mark, _ = _LOOKS.get(command["verdict"], ("?", ""))
        spans.append(Span(f"{mark} ", _look(command["verdict"], bold=True)))
        spans += spans_of(_said(command["program"] or _first_word(command)))
    return tuple(spans)


def _first_word(command: Mapping[str, Any]) -> str:
    return (str(command["command"]).split() or ["nothing"])[0]


def branches(
    explanation: Explanation, cells: int, *, opened: Callable[[Node], bool] = lambda node: True
) -> list[Branch]:
    """Every command as a row, what is not allowed beneath it, and the role of each word where it is opened."""
    rows: list[Branch] = []
    for number, (node, command) in enumerate(commands_of(explanation)):
        if number == MOST_COMMANDS:
            more = sum(1 for _ in commands_of(explanation)) - MOST_COMMANDS
            rows.append(Branch(Line((Span(f"and {more} commands more", MUTED),)), ()))
            break
        rows += [Branch(line, node) for line in _command_rows(command, node, cells, opened(node))]
    return rows


def _command_rows(command: Mapping[str, Any], node: Node, cells: int, opened: bool) -> Iterator[Line]:
    pad = "  " * min(len(node) - 1, 8)
    verdict = str(command["verdict"])
    head = (
        Span(f"{pad}{'▾' if opened else '▸'} ", MUTED),
        Span(f"{verdict:<6} ", _look(verdict, bold=True)),
    )
    under = Span(pad + " " * 4)
    known = f"{_said(command['program'])} by {_said(command['described_in'])}" if command["described_in"] else ""
    effect = _EFFECTS.get(command["effect"], command["effect"])
    spans = spans_of(_said(command["command"]), Style("code"))
    if opened or not known:
        spans += (Span(f"   {known or 'not described'}, {effect}", MUTED),)
    yield from fold(spans, cells, first=head, rest=(under,))
    words = command["arguments"] if opened else ()
    for argument in words[:MOST_ARGUMENTS]:
        yield from fold(_argument(argument), cells, first=(under,), rest=(under, Span("  ")))
    if len(words) > MOST_ARGUMENTS:
        yield Line((under, Span(f"and {len(words) - MOST_ARGUMENTS} words more", MUTED)))
    told = {(argument["verdict"], argument["detail"]) for argument in words[:MOST_ARGUMENTS]}
    for finding in command["findings"]:
        if (finding["verdict"], finding["detail"]) not in told:
            yield from fold(_reason(finding), cells, first=(under,), rest=(under, Span("  ")))
    if command["rule"]:
        rule = f"settled by the rule at {_said(command['rule'])}"
        yield from fold(spans_of(rule, Style("accent")), cells, first=(under,), rest=(under,))


def _argument(argument: Mapping[str, Any]) -> tuple[Span, ...]:
    label, role = _said(argument["as"]), str(argument["role"])
    spans = (
        *spans_of(_said(argument["word"]), Style("code")),
        Span(f"   {label}" + (f", {role}" if role != label else ""), MUTED),
    )
    if argument["verdict"] == "allow":
        return spans
    return (*spans, Span("   "), *_reason(argument))


def _reason(found: Mapping[str, Any]) -> tuple[Span, ...]:
    detail = _said(found["detail"])
    said = Span(f"{found['verdict']}{': ' if detail else ''}", _look(found["verdict"]))
    return (said, *spans_of(detail))


def notes_of(explanation: Explanation | None) -> list[str]:
    """What there is to say of the text as a whole besides the reason of the verdict, safe to draw."""
    found = explanation or {}
    return [_said(note) for note in found.get("notes", ()) if note != found.get("reason")]


def changes_of(explanation: Explanation | None) -> list[str]:
    """What would change the verdict, safe to draw."""
    return [_said(change) for change in (explanation or {}).get("changes", ())]


def details_of(explanation: Explanation | None) -> frozenset[str]:
    """Every detail that the rows tell whether opened or not, so that nobody tells it twice."""
    told = {str(f["detail"]) for walked in commands_of(explanation) for f in walked.command["findings"]}
    return frozenset(told | set((explanation or {}).get("notes", ())))


def lines_of_explanation(explanation: Explanation | None, cells: int = 1_000_000) -> Iterator[Line]:
    """All of it, opened: notes, tree, and what would change the verdict."""
    for note in notes_of(explanation):
        yield from fold((Span("! ", Style("caution")), *spans_of(note)), cells)
    yield from (branch.line for branch in branches(explanation or {}, cells))
    for change in changes_of(explanation):
        yield from fold(spans_of(f"what would change it: {change}"), cells)
