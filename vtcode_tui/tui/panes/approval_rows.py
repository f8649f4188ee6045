"""A request for approval as rows: the exact bytes, then what policy and sandbox say, then what a yes would mean."""

from __future__ import annotations

import json

from vtcode_tui.render import MUTED, Line, Span, Style, StyleName, fold, hard_fold, spans_of, visible
from vtcode_tui.tui.queue import Rung, Waiting
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Hunk

RISKS: dict[str, StyleName] = {"low": "good", "medium": "caution", "high": "bad"}
LABELS = 9


def exact_rows(shown: str, cells: int) -> list[Line]:
    """The signed text, cut only where a row is full; nothing is added but the edge."""
    rows: list[Line] = []
    for text in shown.split("\n"):
        for row in _folded(spans_of(text, Style("text", "code", bold=True)), max(1, cells - 4)):
            edge = Span(" ↪ " if row.joined else " ▌ ", Style("muted") if row.joined else Style("caution"))
            rows.append(Line((edge, *row.spans), joined=row.joined, fill="code"))
    return rows


def _folded(spans: tuple[Span, ...], cells: int) -> list[Line]:
    """Rows of a width. Blanks at a break are dots, as `visible` shows them at an end: none can hide."""
    rows = hard_fold(spans, cells)
    return [*map(_dotted, rows[:-1]), *rows[-1:]]


def _dotted(row: Line) -> Line:
    text = row.text
    count = len(text) - len(text.rstrip(" "))
    if not count:
        return row
    kept: list[Span] = []
    left = len(text) - count
    for span in row.spans:
        kept.append(span._replace(text=span.text[:left]))
        left = max(0, left - len(span.text))
    style = row.spans[-1].style._replace(name="escape")
    return row._replace(spans=(*(span for span in kept if span.text), Span("·" * count, style)))


def labelled(label: str, *spans: Span) -> tuple[Span, ...]:
    """The beginning of a row beneath the exact content: a quiet label, or none, in a column of its own."""
    return (Span(f"   {label:<{LABELS}} ", MUTED), *spans)


def marked(text: str) -> str:
    """What is said about the content, in one line: words of it stand there as they do in the content."""
    return visible(text).replace("\n", "␊")


def fact_rows(item: Waiting, cells: int, told: frozenset[str] = frozenset()) -> list[Line]:
    """Where it runs and why the policy asks; beneath the exact content. `told` is what other rows say."""
    request = item.request
    decision = request.decision
    rows: list[Line] = []

    def fact(label: str, *spans: Span) -> None:
        rows.extend(fold(spans, cells - 1, first=labelled(label), rest=labelled("")))

    if str(request.call.cwd) not in request.shown:
        fact("in", *spans_of(marked(str(request.call.cwd)), Style("code")))
    fact(
        "why",
        Span(f"{decision.risk} risk", Style(RISKS.get(decision.risk, "caution"), bold=True)),
        Span(", rule ", MUTED),
        *spans_of(marked(decision.rule), Style("accent")),
        Span(": ", MUTED),
        *spans_of(marked(decision.reason)),
    )
    for check in decision.checks:
        if check.result in {"prompt", "deny"} and check.detail not in {"", decision.reason, *told}:
            text = f"{check.name}: {check.detail}"
            fact("", *spans_of(marked(text), MUTED))
    return rows


def sandbox_rows(item: Waiting, cells: int) -> list[Line]:
    """What the kernel will let it do."""
    spans: list[Span] = []
    for text in item.request.sandbox:
        spans += [Span(" · ", MUTED)] * bool(spans)
        spans += spans_of(marked(text))
    return fold(tuple(spans), cells - 1, first=labelled("sandbox"), rest=labelled("")) if spans else []


def scope_rows(item: Waiting, cells: int) -> list[Line]:
    """How long a yes would hold, and the rule that it would write."""

    def name(rung: Rung) -> str:
        scope = {"once": "once", "session": "this session", "always": "always"}[rung.scope]
        return scope if rung.rule is None else f"{scope}: {marked(rung.rule.name)}"

    rows: list[Line] = []
    spans: list[Span] = []
    for index, rung in enumerate(item.rungs):
        chosen = index == item.rung
        spans.append(Span("● " if chosen else "○ ", Style("accent") if chosen else MUTED))
        spans += spans_of(name(rung), Style("text", bold=True) if chosen else MUTED)
        spans.append(Span("   "))
    rows += fold(spans, cells - 1, first=labelled("scope"), rest=labelled(""))
    rule = item.chosen.rule
    if rule is None:
        return rows
    text = json.dumps(dict(rule.rule), ensure_ascii=True, default=str)
    rows += hard_fold(labelled("rule", *spans_of(text, Style("code", "code"))), cells - 1)
    if rule.text and text not in rule.text:
        rows += fold(spans_of(marked(rule.text)), cells - 1, first=labelled(""), rest=labelled(""))
    for label, examples in (("also", rule.also_allows), ("not", rule.still_prompts)):
        if examples:
            words = ", ".join(marked(example) for example in examples)
            style = Style("caution" if label == "also" else "muted")
            rows += fold(spans_of(words, style), cells - 1, first=labelled(label), rest=labelled(""))
    return rows


def change_rows(changes: ChangeSet, cells: int) -> list[Line]:
    """What an edit would do, to the byte: shown where changes cannot be staged and reviewed afterwards."""
    rows: list[Line] = []
    for file in changes.files:
        rows += exact_rows(f"{file.op} {visible(file.path)}", cells)
        for note in _notes(file):
            rows += fold((Span(note, Style("caution")),), cells - 1, first=(Span("   "),), rest=(Span("   "),))
        for hunk in file.hunks:
            rows += _hunk_rows(hunk, cells)
    return rows


def _notes(file: FileChange) -> list[str]:
    """What there is to a change besides its lines."""
    notes: list[str] = []
    if file.renamed_from:
        notes.append(f"renamed from {visible(file.renamed_from)}")
    if file.kind == "symlink":
        notes.append(f"a symbolic link to {visible(file.target)}")
    if file.after_mode is not None and file.before_mode != file.after_mode:
        before = f"{file.before_mode & 0o7777:04o}" if file.before_mode is not None else "none"
        notes.append(f"mode {before} → {file.after_mode & 0o7777:04o}")
    if file.protected:
        notes.append("protected: something else may run it by itself later")
    if file.conflict:
        notes.append(f"conflict: {visible(file.conflict)}")
    if not file.hunks and file.kind == "file" and file.op in {"create", "update"}:
        what = "binary" if file.binary else "no lines shown"
        notes.append(f"{what}: {file.size:,} bytes, sha256 {file.after_sha256 or 'unknown'}")
    return notes


def _hunk_rows(hunk: Hunk, cells: int) -> list[Line]:
    rows = [Line((Span(f"   line {max(1, hunk.old_start)}", Style("hunk")),))]
    for sign, style, lines in (
        ("-", Style("removed", "removed"), hunk.old_lines),
        ("+", Style("added", "added"), hunk.new_lines),
    ):
        for raw in lines:
            text = visible(raw.removesuffix(b"\n").decode("utf-8", "surrogateescape"))
            for row in _folded(spans_of(text, style), max(1, cells - 6)):
                edge = "   ↪ " if row.joined else f"   {sign} "
                rows.append(Line((Span(edge, style), *row.spans), joined=row.joined, fill=style.ground))
            if not raw.endswith(b"\n"):
                rows.append(Line((Span("     no line end", MUTED),)))
    return rows
