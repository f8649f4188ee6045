"""A journal as lines for a person: when, who, what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vtcode_tui.events import types as t
from vtcode_tui.events.types import Event


def line(event: Event) -> str:
    """`12 21:04:05.120 human alice  prompt.submitted  "..."`, without control characters."""
    who = event.actor.kind if event.actor.kind == "system" else f"{event.actor.kind} {event.actor.id}"
    mark = "!" if event.severity in {"high", "critical"} else " "
    return f"{event.seq:>5} {event.time[11:23]} {mark} {visible(who):<18} {event.type:<20} {visible(what(event))}"


def visible(text: str, width: int = 200) -> str:
    """One line of a text with everything that could act on a terminal spelled out, cut with a mark."""
    short = text if len(text) <= width else f"{text[:width]}… ({len(text)} characters)"
    return "".join(
        letter if letter.isprintable() else {"\n": "⏎", "\t": " "}.get(letter, f"\\u{ord(letter):04x}")
        for letter in short
    )


_SAYINGS: dict[type[t.Payload], Callable[[Any], str]] = {
    t.SessionStarted: lambda d: f"{d.user}@{d.host} in {d.workspace}, sandbox {d.tier}, model {d.model or 'none'}",
    t.SessionResumed: lambda d: f"continues {d.from_session} from event {d.from_seq}",
    t.SessionEnded: lambda d: f"{d.reason}: turns {d.turns}, calls {d.tools}, denied {d.denied}",
    t.PromptSubmitted: lambda d: d.text,
    t.ModelRequested: lambda d: (
        f"{d.provider}/{d.model}, {d.messages} messages" + (", for a summary" if d.purpose == "summary" else "")
    ),
    t.ModelReasoning: lambda d: d.text if d.visible else "(not shown by the provider)",
    t.ModelResponded: lambda d: (
        f"{d.text or ('(a summary)' if d.purpose == 'summary' else '(calls only)')} "
        f"[{d.input_tokens} in, {d.output_tokens} out]"
    ),
    t.ModelPartial: lambda d: f"{d.text or '(reasoning only)'} [{d.reason}]",
    t.ModelFailed: lambda d: f"{d.provider}/{d.model}: {d.kind}: {d.message}",
    t.ModelFailover: lambda d: f"{d.from_provider}/{d.from_model} to {d.to_provider}/{d.to_model}: {d.reason}",
    t.ToolRequested: lambda d: f"{d.tool} {d.arguments}",
    t.ToolFinished: lambda d: f"{d.tool}: {d.status}: {d.summary}",
    t.PolicyDecided: lambda d: f"{d.decision} by {d.rule or 'default'}: {d.reason}",
    t.ApprovalRequested: lambda d: f"{d.risk}: {d.shown}",
    t.ApprovalGranted: lambda d: f"{d.scope}, after {d.wait_ms} ms, by {d.via}{' (signed)' if d.signature else ''}",
    t.ApprovalDenied: lambda d: f"{d.outcome}{': ' + d.reason if d.reason else ''}",
    t.SandboxApplied: lambda d: f"{d.tier}, {d.profile}, network {d.network}{', staged' if d.staged else ''}",
    t.ExecStarted: lambda d: " ".join(d.argv),
    t.ExecOutput: lambda d: f"{d.size} bytes: {d.text}",
    t.ExecFinished: lambda d: (
        f"exit {d.exit_code if d.signal is None else f'by signal {d.signal}'}, {d.duration_ms} ms"
    ),
    t.FileChanged: lambda d: f"{d.op} {d.path} +{d.added} -{d.removed}{' (staged)' if d.staged else ''}",
    t.ChangesReviewed: lambda d: f"{d.decision}: {', '.join(d.paths)}",
    t.ChangesFailed: lambda d: f"not {d.decision}: {'; '.join(f'{path}: {why}' for path, why in d.failed.items())}",
    t.NetworkBlocked: lambda d: f"{d.protocol} {d.host}:{d.port} by {d.layer}",
    t.NetworkAllowed: lambda d: f"{d.protocol} {d.host}:{d.port}",
    t.ViolationDetected: lambda d: f"{d.kind} {d.action} by {d.layer}: {d.detail} {d.technique}".rstrip(),
    t.ContextCompacted: lambda d: f"{d.method}: {d.before_tokens} to {d.after_tokens} tokens",
    t.ConfigChanged: lambda d: f"{d.what}: {d.before} to {d.after}",
    t.SecretRedacted: lambda d: f"{sum(d.rules.values())} in {d.where}: {', '.join(d.rules)}",
    t.Checkpoint: lambda d: f"{d.kind}, {d.size} events, head {d.head[:16]}",
    t.LogRecovered: lambda d: f"{d.size} torn bytes set aside in {d.file}",
    t.LogFailed: lambda d: d.reason,
}


def what(event: Event) -> str:
    """What an event says, in a few words."""
    saying = _SAYINGS.get(type(event.data))
    if saying is None:
        return event.data.model_dump_json(exclude_defaults=True)
    return saying(event.data)
