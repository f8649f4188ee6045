"""An account of a session for a reviewer: who approved what, what ran and changed, what was blocked.

One list of blocks, written as Markdown or as HTML. Everything in it came from a journal and may be hostile: no text
is taken for markup in either.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from vtcode_tui.events import types as t
from vtcode_tui.events.controls import CONTROLS
from vtcode_tui.events.timeline import visible
from vtcode_tui.events.types import Event
from vtcode_tui.events.verdict import Report


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the document's."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


Block: TypeAlias = Heading | Paragraph | Table


def account(verdict: Report, events: Sequence[Event]) -> list[Block]:
    """The whole account, in order."""
    blocks: list[Block] = [Heading(1, f"Session {verdict.session}"), *_summary(verdict, events)]
    blocks += [Heading(2, "Requests of the human"), _table(("event", "time", "text"), _prompts(events))]
    blocks += [
        Heading(2, "Approvals"),
        _table(("event", "call", "what was shown", "answer", "by", "level"), _approvals(events)),
    ]
    blocks += [Heading(2, "What ran"), _table(("event", "call", "command", "sandbox", "end"), _runs(events))]
    blocks += [
        Heading(2, "What changed"),
        _table(("event", "file", "change", "before", "after", "by"), _changes(events)),
    ]
    blocks += [Heading(2, "What was blocked"), _table(("event", "what", "by", "technique"), _blocked(events))]
    blocks += [Heading(2, "Evidence for controls"), _controls(events)]
    blocks.append(
        Paragraph("The records support an assessment of these controls. They do not state that any of them is met.")
    )
    return blocks


def _summary(verdict: Report, events: Sequence[Event]) -> Iterable[Block]:
    started = next((event for event in events if isinstance(event.data, t.SessionStarted)), None)
    rows = [
        ("journal", f"{verdict.state}{', anchored' if verdict.anchored else ''}; {verdict.events} events"),
        ("head", verdict.head),
    ]
    if started is not None and isinstance(started.data, t.SessionStarted):
        data = started.data
        rows += [
            ("started", started.time),
            ("user", f"{data.user} ({data.uid}) on {data.host}"),
            ("workspace", f"{data.workspace}{'' if data.trusted else ' (not trusted)'}"),
            ("model", data.model or "none"),
            ("sandbox", data.tier),
            ("policy", data.policy_sha256),
        ]
    if events:
        rows.append(("last event", events[-1].time))
    yield Table(("", ""), rows)
    for problem in verdict.problems:
        yield Paragraph(f"TAMPERED [{problem.layer}] {problem.text}")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Block:
    return Table(header, rows) if rows else Paragraph("None.")


def _prompts(events: Sequence[Event]) -> list[list[str]]:
    return [[str(e.seq), e.time, e.data.text] for e in events if isinstance(e.data, t.PromptSubmitted)]


def _approvals(events: Sequence[Event]) -> list[list[str]]:
    shown: dict[str | None, str] = {}
    rows = []
    for event in events:
        match event.data:
            case t.ApprovalRequested(shown=text):
                shown[event.call] = text
            case t.ApprovalGranted(scope=scope, signature=signature):
                level = f"{event.actor.auth or 'os-user'}{', signed' if signature else ''}"
                rows.append(
                    [
                        str(event.seq),
                        event.call or "",
                        shown.get(event.call, "(typed)"),
                        f"granted: {scope}",
                        event.actor.id,
                        level,
                    ]
                )
            case t.ApprovalDenied(outcome=outcome, reason=reason):
                rows.append(
                    [
                        str(event.seq),
                        event.call or "",
                        shown.get(event.call, ""),
                        f"{outcome}: {reason}",
                        event.actor.id,
                        event.actor.auth or "",
                    ]
                )
    return rows


def _runs(events: Sequence[Event]) -> list[list[str]]:
    sandboxes: dict[str | None, str] = {}
    ends: dict[str | None, str] = {}
    for event in events:
        match event.data:
            case t.SandboxApplied(tier=tier, network=network):
                sandboxes[event.call] = f"{tier}, network {network}"
            case t.ExecFinished(exit_code=code, signal=signal, killed=killed):
                ends[event.call] = killed or (f"signal {signal}" if signal else f"exit {code}")
    return [
        [str(e.seq), e.call or "", " ".join(e.data.argv), sandboxes.get(e.call, "?"), ends.get(e.call, "unknown")]
        for e in events
        if isinstance(e.data, t.ExecStarted)
    ]


def _changes(events: Sequence[Event]) -> list[list[str]]:
    return [
        [
            str(e.seq),
            e.data.path,
            f"{e.data.op} +{e.data.added} -{e.data.removed}{' (staged)' if e.data.staged else ''}",
            e.data.before_sha256[:16],
            e.data.after_sha256[:16],
            e.data.via,
        ]
        for e in events
        if isinstance(e.data, t.FileChanged)
    ]


def _blocked(events: Sequence[Event]) -> list[list[str]]:
    rows = []
    for event in events:
        match event.data:
            case t.PolicyDecided(decision="deny", reason=reason, rule=rule):
                rows.append([str(event.seq), reason, f"policy: {rule}", ""])
            case t.NetworkBlocked(host=host, port=port, layer=layer):
                rows.append([str(event.seq), f"connection to {host}:{port}", layer, ""])
            case t.ViolationDetected() as data:
                rows.append(
                    [
                        str(event.seq),
                        f"{data.kind}: {data.detail}",
                        data.layer,
                        f"{data.technique} {data.technique_name}",
                    ]
                )
    return rows


def _controls(events: Sequence[Event]) -> Block:
    counts = Counter(event.type for event in events)

    def records(prefixes: tuple[str, ...]) -> str:
        found = [f"{kind} {number}" for kind, number in sorted(counts.items()) if kind.startswith(prefixes)]
        return ", ".join(found) or "none in this session"

    rows = [
        [framework, control, f"supports: {asks}", records(prefixes)]
        for framework, control, asks, prefixes in CONTROLS
    ]
    return Table(("framework", "control", "", "records"), rows)


def as_markdown(blocks: Iterable[Block]) -> str:
    """The account in Markdown; no text from the journal can become markup."""
    parts = []
    for block in blocks:
        match block:
            case Heading(level, text):
                parts.append(f"{'#' * level} {_plain(text)}")
            case Paragraph(text):
                parts.append(_plain(text))
            case Table(header, rows):
                lines = [_row(header), _row(["---"] * len(header), escape=False), *map(_row, rows)]
                parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _row(cells: Sequence[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(_plain(cell) if escape else cell for cell in cells)} |"


def _plain(text: str) -> str:
    shown = visible(text, 400)
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>()#+!|~&" else letter for letter in shown)


_STYLE = (
    "body{font:15px/1.5 system-ui;max-width:72em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #8884;padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    ":root{color-scheme:light dark}"
)


def as_html(blocks: Sequence[Block]) -> str:
    """The account as one HTML page without scripts and without anything from elsewhere."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Session")
    parts = []
    for block in blocks:
        match block:
            case Heading(level, text):
                parts.append(f"<h{level}>{_safe(text)}</h{level}>")
            case Paragraph(text):
                parts.append(f"<p>{_safe(text)}</p>")
            case Table(header, rows):
                head = "".join(f"<th>{_safe(cell)}</th>" for cell in header)
                body = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
                parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>")
    policy = (
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    head = f'<meta charset="utf-8">{policy}<title>{_safe(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _safe(text: str) -> str:
    return html.escape(visible(text, 400))
