"""Every type of event in words: who did what, in one sentence, and the text that belongs to it.

The texts come from models, files and tools and are not yet safe to draw; `chronicle` makes them so. A test holds
that no type of event is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from vtcode_tui.events import types as t
from vtcode_tui.render.types import StyleName

Weight: TypeAlias = Literal["story", "detail"]


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words. `story` is what a person wants to read of a session; `detail` is for looking closer."""

    who: str
    text: str
    style: StyleName = "text"
    body: str = ""
    markdown: bool = False
    weight: Weight = "story"


Teller: TypeAlias = Callable[[Any, t.Event], Told]


def told(event: t.Event) -> Told:
    """The event in words."""
    return TELLERS[type(event.data)](event.data, event)


def plural(count: int, word: str) -> str:
    """`1 file`, `2 files`."""
    ending = "" if count == 1 else "es" if word.endswith("s") else "s"
    return f"{count:,} {word}{ending}"


def seconds(milliseconds: int) -> str:
    """A duration as people say it."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, rest = divmod(milliseconds // 1000, 60)
    return f"{minutes} min {rest} s"


def _started(data: t.SessionStarted, event: t.Event) -> Told:
    trust = "trusted" if data.trusted else "not trusted"
    text = f"session begins in {data.workspace} ({trust}), tier {data.tier}, vtcode {data.vtcode}"
    return Told("session", f"{text}, model {data.model}" if data.model else text, "muted")


def _resumed(data: t.SessionResumed, event: t.Event) -> Told:
    edited = "; its session.md was edited by hand" if data.modified else ""
    return Told("session", f"continues {data.from_session} from event {data.from_seq}{edited}", "muted")


def _forked(data: t.SessionForked, event: t.Event) -> Told:
    return Told("session", f"a copy of {data.from_session} up to event {data.from_seq}", "muted")


def _rewound(data: t.SessionRewound, event: t.Event) -> Told:
    files = ", files too" if data.snapshot else ""
    return Told("session", f"went back to event {data.to_seq}{files}", "caution")


def _ended(data: t.SessionEnded, event: t.Event) -> Told:
    parts = [plural(data.turns, "turn"), plural(data.tools, "call"), f"{data.denied} denied"]
    parts.append(f"{plural(data.files_changed, 'file')} changed")
    if data.cost_usd is not None:
        parts.append(f"${data.cost_usd:.4f}")
    return Told("session", f"ends: {data.reason}; {', '.join(parts)}", "muted")


def _prompt(data: t.PromptSubmitted, event: t.Event) -> Told:
    how = {"steer": " during the turn", "queue": " from the queue"}.get(data.origin, "")
    more = f", with {plural(len(data.attachments), 'attachment')}" if data.attachments else ""
    return Told("you", f"asked{how}{more}", "human", data.text)


def _requested(data: t.ModelRequested, event: t.Event) -> Told:
    again = f", attempt {data.attempt}" if data.attempt > 1 else ""
    text = f"{data.provider}/{data.model} is asked with {plural(data.messages, 'message')}{again}"
    return Told("model", text, "muted", weight="detail")


def _reasoning(data: t.ModelReasoning, event: t.Event) -> Told:
    return Told("model", "reasons" if data.visible else "reasons, unseen", "thought", data.text, weight="detail")


def _responded(data: t.ModelResponded, event: t.Event) -> Told:
    tokens = f"{data.input_tokens:,} tokens in, {data.output_tokens:,} out, {seconds(data.duration_ms)}"
    calls = f", wants {plural(len(data.tool_calls), 'call')}" if data.tool_calls else ""
    weight: Weight = "story" if data.text else "detail"
    verb = "sums up" if data.purpose == "summary" else "answers"
    return Told("model", f"{verb} ({tokens}{calls})", "text", data.text, markdown=True, weight=weight)


def _partial(data: t.ModelPartial, event: t.Event) -> Told:
    text = data.text or data.reasoning
    return Told("model", f"had said so far ({data.reason})", "text", text, markdown=bool(data.text))


def _model_failed(data: t.ModelFailed, event: t.Event) -> Told:
    return Told("model", f"{data.provider}/{data.model} failed ({data.kind}): {data.message}", "bad")


def _failover(data: t.ModelFailover, event: t.Event) -> Told:
    before, after = f"{data.from_provider}/{data.from_model}", f"{data.to_provider}/{data.to_model}"
    said = f"{after} takes over from {before}" if after != before else f"{after} is asked again"
    return Told("model", f"{said}: {data.reason}", "caution")


def _compacted(data: t.ContextCompacted, event: t.Event) -> Told:
    what = "older output masked" if data.method == "mask" else "older messages summarised"
    text = f"{what}: {data.before_tokens:,} → {data.after_tokens:,} tokens"
    return Told("context", text, "muted", data.summary)


def _config(data: t.ConfigChanged, event: t.Event) -> Told:
    return Told("config", f"{data.what}: {data.before or '–'} → {data.after or '–'}", "muted")


def subject(arguments: Mapping[str, Any]) -> str:
    """What a call is about, in one line: its command, path or pattern, else its arguments."""
    for name in ("command", "argv", "path", "pattern", "query", "question", "task", "file", "url"):
        match arguments.get(name):
            case str(text) if text:
                return text
            case [*words] if words:
                return " ".join(map(str, words))
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def _tool(data: t.ToolRequested, event: t.Event) -> Told:
    source = "" if data.source == "builtin" else f" ({data.source})"
    return Told("call", f"{data.tool}{source}: {subject(data.arguments)}", "accent")


def _tool_finished(data: t.ToolFinished, event: t.Event) -> Told:
    styles: dict[str, StyleName] = {"ok": "good", "error": "bad", "invalid": "bad"}
    text = f"{data.status}: {data.summary}" if data.summary else data.status
    # Tools end their result with how it went, or say nothing else: once is enough.
    result = data.result.rstrip("\n").removesuffix(f"[{data.summary}]") if data.summary else data.result
    body = "" if result.strip() in {"", data.summary} else result
    return Told("result", f"{text} ({seconds(data.duration_ms)})", styles.get(data.status, "caution"), body)


def _decided(data: t.PolicyDecided, event: t.Event) -> Told:
    styles: dict[str, StyleName] = {"allow": "good", "prompt": "caution", "deny": "bad"}
    text = f"{data.decision} by {data.rule}: {data.reason}"
    body = "\n".join(f"{check.result:6} {check.name}: {check.detail}" for check in data.checks)
    return Told(
        "policy", text, styles[data.decision], body, weight="detail" if data.decision == "allow" else "story"
    )


def _asked(data: t.ApprovalRequested, event: t.Event) -> Told:
    return Told("approval", f"waits for you, risk {data.risk}: {data.reason}", "caution", data.shown)


def _granted(data: t.ApprovalGranted, event: t.Event) -> Told:
    rule = f", rule {data.rule}" if data.rule else ""
    signed = ", signed" if data.signature else ""
    who = "you" if event.actor.kind == "human" else event.actor.id
    return Told(who, f"approved {data.scope}{rule} via {data.via} after {seconds(data.wait_ms)}{signed}", "good")


def _not_granted(data: t.ApprovalDenied, event: t.Event) -> Told:
    text = {
        "denied": "denied",
        "expired": "nobody answered in time",
        "unattended": "nobody was there to ask",
        "void": "void: it changed while it was read",
    }[data.outcome]
    who = "you" if data.outcome == "denied" else "approval"
    return Told(who, f"{text}: {data.reason}" if data.reason else text, "bad")


def _contained(data: t.SandboxApplied, event: t.Event) -> Told:
    lacking = f"; this machine lacks {', '.join(data.degraded)}" if data.degraded else ""
    hosts = f" ({', '.join(data.hosts)})" if data.hosts else ""
    text = f"tier {data.tier}, profile {data.profile}, network {data.network}{hosts}{lacking}"
    return Told("sandbox", text, "caution" if data.degraded else "muted", weight="detail")


def _exec_started(data: t.ExecStarted, event: t.Event) -> Told:
    return Told("run", f"starts {' '.join(data.argv)} in {data.cwd}", "muted", weight="detail")


def _exec_output(data: t.ExecOutput, event: t.Event) -> Told:
    return Told("output", f"{plural(data.size, 'byte')} from {data.offset:,}", "muted", data.text, weight="detail")


def _exec_finished(data: t.ExecFinished, event: t.Event) -> Told:
    if data.killed:
        ending = f"killed: {data.killed}"
    elif data.limit:
        ending = f"ended by its limit of {data.limit}"
    elif data.signal:
        ending = f"ended by signal {data.signal}"
    else:
        ending = f"exit {data.exit_code}"
    rest = f", {plural(data.survivors, 'process')} had to be killed after it" if data.survivors else ""
    good = data.exit_code == 0 and not data.killed
    text = f"{ending} after {seconds(data.duration_ms)}, {plural(data.output_bytes, 'byte')}{rest}"
    return Told("run", text, "good" if good else "bad")


def _file(data: t.FileChanged, event: t.Event) -> Told:
    where = "staged" if data.staged else "real"
    how = {
        "accept": ", accepted",
        "rollback": ", rolled back",
        "rewind": ", taken back",
        "human": ", by you",
        "fork": ", brought along",
    }.get(data.via, "")
    source = f" from {data.renamed_from}" if data.renamed_from else ""
    text = f"{data.op} {data.path}{source}  +{data.added} -{data.removed} ({where}{how})"
    return Told("file", text, "caution" if data.via in {"rollback", "rewind"} else "text", data.diff)


def _reviewed(data: t.ChangesReviewed, event: t.Event) -> Told:
    style: StyleName = "good" if data.decision == "accepted" else "caution"
    return Told(
        "you", f"{data.decision} changes of {plural(len(data.paths), 'file')}", style, "\n".join(data.paths)
    )


def _not_done(data: t.ChangesFailed, event: t.Event) -> Told:
    count = plural(len(data.failed), "file")
    reasons = "\n".join(f"{path}: {why}" for path, why in data.failed.items())
    return Told("you", f"changes of {count} could not be {data.decision}", "bad", reasons)


def _net_blocked(data: t.NetworkBlocked, event: t.Event) -> Told:
    port = f":{data.port}" if data.port else ""
    by = f" for {data.process}" if data.process else ""
    return Told("network", f"blocked {data.protocol} {data.host or data.address}{port}{by} by {data.layer}", "bad")


def _net_allowed(data: t.NetworkAllowed, event: t.Event) -> Told:
    return Told("network", f"let through {data.protocol} {data.host}:{data.port}", "muted")


def _violation(data: t.ViolationDetected, event: t.Event) -> Told:
    technique = f" ({data.technique} {data.technique_name})" if data.technique else ""
    remedy = f"; {data.remedy}" if data.remedy else ""
    return Told("violation", f"{data.action} by {data.layer}: {data.detail}{technique}{remedy}", "bad")


def _redacted(data: t.SecretRedacted, event: t.Event) -> Told:
    rules = ", ".join(data.rules)
    return Told(
        "secret", f"{plural(sum(data.rules.values()), 'secret')} kept out of {data.where} ({rules})", "caution"
    )


def _checkpoint(data: t.Checkpoint, event: t.Event) -> Told:
    return Told(
        "journal", f"{plural(data.size, 'event')} sealed ({data.kind})", "muted", data.note, weight="detail"
    )


def _recovered(data: t.LogRecovered, event: t.Event) -> Told:
    return Told("journal", f"a torn last line of {plural(data.size, 'byte')} was set aside", "caution")


def _log_failed(data: t.LogFailed, event: t.Event) -> Told:
    lost = f"; lost: {data.lost}" if data.lost else ""
    return Told("journal", f"could not be written: {data.reason}{lost}. Nothing ran after this.", "bad")


def _unrecognised(data: t.Unrecognised, event: t.Event) -> Told:
    return Told("unknown", f"an event that this version does not know: {event.type}", "caution")


TELLERS: dict[type[t.Payload], Teller] = {
    t.SessionStarted: _started,
    t.SessionResumed: _resumed,
    t.SessionForked: _forked,
    t.SessionRewound: _rewound,
    t.SessionEnded: _ended,
    t.PromptSubmitted: _prompt,
    t.ModelRequested: _requested,
    t.ModelReasoning: _reasoning,
    t.ModelResponded: _responded,
    t.ModelPartial: _partial,
    t.ModelFailed: _model_failed,
    t.ModelFailover: _failover,
    t.ContextCompacted: _compacted,
    t.ConfigChanged: _config,
    t.ToolRequested: _tool,
    t.ToolFinished: _tool_finished,
    t.PolicyDecided: _decided,
    t.ApprovalRequested: _asked,
    t.ApprovalGranted: _granted,
    t.ApprovalDenied: _not_granted,
    t.SandboxApplied: _contained,
    t.ExecStarted: _exec_started,
    t.ExecOutput: _exec_output,
    t.ExecFinished: _exec_finished,
    t.FileChanged: _file,
    t.ChangesReviewed: _reviewed,
    t.ChangesFailed: _not_done,
    t.NetworkBlocked: _net_blocked,
    t.NetworkAllowed: _net_allowed,
    t.ViolationDetected: _violation,
    t.SecretRedacted: _redacted,
    t.Checkpoint: _checkpoint,
    t.LogRecovered: _recovered,
    t.LogFailed: _log_failed,
    t.Unrecognised: _unrecognised,
}
"""Every type of event and how it is told."""
