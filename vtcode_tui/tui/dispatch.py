"""From event to panes: the one place, used live and by replay alike.

`show` takes everything that happens. Each type of event has one function in `TELLERS`; a test holds that none is
missing. What happens live and is in no journal goes through `show_live`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, assert_never

from vtcode_tui.events import types as t
from vtcode_tui.events.live import (
    AnswerDiscarded,
    ContextMeter,
    Live,
    Notice,
    OutputChunk,
    ReasoningDelta,
    TextDelta,
    TurnState,
)
from vtcode_tui.render.telling import plural
from vtcode_tui.tui.story import Story as Story

Teller: TypeAlias = Callable[[Story, t.Event, Any], None]


def show(happening: t.Event | Live, story: Story) -> None:
    """Tell the panes about something that happened."""
    if isinstance(happening, t.Event):
        story.stage.events.add(happening)
        tell(happening, story)
    else:
        show_live(happening, story)


def tell(event: t.Event, story: Story) -> None:
    """Tell the panes about an event; the conversation inside a sub-task stays folded in its call."""
    if story.task_of(event) is None or type(event.data) not in INNER:
        TELLERS[type(event.data)](story, event, event.data)


INNER = frozenset(
    {t.ModelRequested, t.ModelReasoning, t.ModelResponded, t.ModelPartial, t.ModelFailed, t.ContextCompacted}
)
"""What is told in a sub-task's own record only."""


def show_live(live: Live, story: Story) -> None:
    """Tell the panes about what no journal keeps."""
    stage = story.stage
    match live:
        case TextDelta(turn, text):
            story.answer_piece(turn, text)
        case ReasoningDelta(turn, text):
            story.reasoning_piece(turn, text)
        case AnswerDiscarded(_, reason):
            story.discard(reason)
        case OutputChunk(call, data, terminal):
            stage.terminal.feed(call, data, terminal=terminal)
        case TurnState(_, state, detail):
            stage.status.tell(state=state, detail=detail)
            if state == "idle":
                # What is still open was cut off: the model does not have it, and the next answer is another one.
                story.discard("the turn was stopped")
        case ContextMeter(used, window, cost, cached):
            stage.status.tell(used=used, window=window, cost=cost, cached=cached)
        case Notice(text, severity):
            if story.said_last(text):
                return
            styles = {"info": "muted", "warning": "caution", "error": "bad"}
            story.note(text, style=styles[severity], mark="!" if severity != "info" else "·", apart=True)  # type: ignore[arg-type]
        case _:
            assert_never(live)


# The session.


def _started(story: Story, event: t.Event, data: t.SessionStarted) -> None:
    story.stage.status.tell(workspace=data.workspace, trusted=data.trusted, tier=data.tier, model=data.model)


def _resumed(story: Story, event: t.Event, data: t.SessionResumed) -> None:
    edited = "; its session.md was edited by hand" if data.modified else ""
    story.note(f"continues session {data.from_session[:13]} from event {data.from_seq}{edited}", event)


def _forked(story: Story, event: t.Event, data: t.SessionForked) -> None:
    story.note(f"a copy of session {data.from_session[:13]} up to event {data.from_seq}", event)


def _rewound(story: Story, event: t.Event, data: t.SessionRewound) -> None:
    story.stage.chat.take_back(data.to_seq, data.turn)
    files = ", files too" if data.snapshot else ""
    real = f", and {len(data.undone)} of your own files" if data.undone else ""
    story.note(f"went back to before that prompt{files}{real}", event, style="caution")
    story.stage.files_changed()


def _ended(story: Story, event: t.Event, data: t.SessionEnded) -> None:
    story.stage.status.tell(state="idle", detail="")
    counts = f"{plural(data.turns, 'turn')}, {plural(data.tools, 'call')}, {data.denied} denied"
    story.note(f"session ended: {data.reason}; {counts}", event)


def _prompt(story: Story, event: t.Event, data: t.PromptSubmitted) -> None:
    story.prompted(event, data.text, data.origin)


def _config(story: Story, event: t.Event, data: t.ConfigChanged) -> None:
    change = f"{data.before or '–'} → {data.after or '–'}"
    story.note(f"{data.what}: {change}", event)
    if data.what == "mode":
        story.stage.status.tell(mode=data.after)
    elif data.what == "model":
        story.stage.status.answers(data.after)
    elif data.what == "trust":
        story.stage.status.tell(trusted=data.after not in {"", "none", "revoked", "untrusted"})


def _compacted(story: Story, event: t.Event, data: t.ContextCompacted) -> None:
    word = "masked older output" if data.method == "mask" else "summarised older messages"
    story.note(f"{word}: {data.before_tokens} → {data.after_tokens} tokens; the full history stays on disk", event)


# The model.


def _requested(story: Story, event: t.Event, data: t.ModelRequested) -> None:
    story.stage.status.answers(f"{data.provider}/{data.model}")


def _reasoning(story: Story, event: t.Event, data: t.ModelReasoning) -> None:
    story.reasoned(event, data.text)


def _responded(story: Story, event: t.Event, data: t.ModelResponded) -> None:
    if data.purpose == "answer":
        story.responded(event, data.text)


def _partial(story: Story, event: t.Event, data: t.ModelPartial) -> None:
    story.broke_off(event, data)


def _model_failed(story: Story, event: t.Event, data: t.ModelFailed) -> None:
    story.discard(data.kind)
    story.note(data.message, event, style="bad", mark="!", apart=True)


def _failover(story: Story, event: t.Event, data: t.ModelFailover) -> None:
    if data.partial_output_discarded and story.task_of(event) is None:
        story.discard(data.reason)
    after, before = (data.to_provider, data.to_model), (data.from_provider, data.from_model)
    then = f"{'/'.join(after)} answers" if after != before else "it is asked again"
    story.note(f"{'/'.join(before)} failed ({data.reason}): {then}", event, style="caution")
    if after != before and story.task_of(event) is None:
        why = data.reason.removeprefix(f"{data.from_provider}: ")
        story.stage.status.answers("/".join(after), f"instead of {data.from_provider}: {why}")


# Calls.


def _tool(story: Story, event: t.Event, data: t.ToolRequested) -> None:
    story.called(event, data.tool, data.arguments, data.cwd)


def _tool_finished(story: Story, event: t.Event, data: t.ToolFinished) -> None:
    story.update(event, state=data.status, summary=data.summary, result=data.result, duration_ms=data.duration_ms)


def _decided(story: Story, event: t.Event, data: t.PolicyDecided) -> None:
    story.update(event, verdict=f"{data.decision} by {data.rule}: {data.reason}")
    if data.decision == "deny":
        story.refused(event, f"denied by policy ({data.rule}): {data.reason}")


def _asked(story: Story, event: t.Event, data: t.ApprovalRequested) -> None:
    block = story.update(event, state="waiting")
    if block is not None and data.shown != block.subject:
        block.details = (*block.details, ("asked", data.shown))


def _granted(story: Story, event: t.Event, data: t.ApprovalGranted) -> None:
    rule = f" with rule {data.rule}" if data.rule else ""
    said = f"{data.scope}{rule}, after {data.wait_ms / 1000:.1f}s, via {data.via}"
    story.update(event, state="asked", approved=said, waited_ms=data.wait_ms)


def _not_granted(story: Story, event: t.Event, data: t.ApprovalDenied) -> None:
    words = {"denied": "denied by you", "expired": "nobody answered in time", "unattended": "nobody was there"}
    if data.via == "interrupt":  # a person's act, but no answer to this question
        story.update(event, state="interrupted", waited_ms=data.wait_ms)
        return
    text = words.get(data.outcome, "void: it changed while it was read")
    state = data.outcome if data.outcome != "void" else "denied"
    story.update(event, state=state, waited_ms=data.wait_ms)
    story.refused(event, f"{text}: {data.reason}" if data.reason else text)


def _contained(story: Story, event: t.Event, data: t.SandboxApplied) -> None:
    story.stage.status.tell(tier=data.tier)


def _exec_started(story: Story, event: t.Event, data: t.ExecStarted) -> None:
    block = story.update(event, state="running")
    inside = story.task_of(event) is not None
    title = block.subject if block is not None and not inside else " ".join(data.argv)
    if data.terminal or (block is not None and block.tool == "run_command"):
        story.stage.terminal.open(event.call or "", title, terminal=data.terminal)


def _exec_output(story: Story, event: t.Event, data: t.ExecOutput) -> None:
    # The bytes themselves come by themselves: live from the run, in the viewer from its recording.
    return


def _exec_finished(story: Story, event: t.Event, data: t.ExecFinished) -> None:
    ending = (
        data.killed or (f"limit {data.limit}" if data.limit else "")
        or (f"signal {data.signal}" if data.signal else f"exit {data.exit_code}")
    )  # fmt: skip
    story.stage.terminal.finished(event.call or "", ending, good=data.exit_code == 0)


_WORDS = {
    "accept": "written", "human": "changed by you", "rollback": "rolled back", "rewind": "taken back",
    "fork": "brought along",
}  # fmt: skip


def _file(story: Story, event: t.Event, data: t.FileChanged) -> None:
    block = story.call_of(event)
    counts = f"+{data.added} -{data.removed}"
    text = f"{data.op} {data.path}  {counts}"
    if block is not None:
        block.files.append(text)
        story.stage.chat.changed(block)
    elif data.via in _WORDS:
        story.note(
            f"{_WORDS[data.via]}: {data.path}  {counts}", event, style="good" if data.via == "accept" else "caution"
        )
    story.stage.files_changed()


def _reviewed(story: Story, event: t.Event, data: t.ChangesReviewed) -> None:
    count = len(data.paths)
    what = data.paths[0] if count == 1 else f"{count} files"
    story.note(f"you {data.decision} changes of {what}", event, mark="✓" if data.decision == "accepted" else "⊘")
    story.stage.files_changed()


def _not_done(story: Story, event: t.Event, data: t.ChangesFailed) -> None:
    for path, why in data.failed.items():
        story.note(f"{path} was not {data.decision}: {why}", event, style="bad", mark="✗")
    story.stage.files_changed()


# What was stopped.


def _net_blocked(story: Story, event: t.Event, data: t.NetworkBlocked) -> None:
    port = f":{data.port}" if data.port else ""
    story.refused(event, f"blocked connection to {data.host or data.address}{port} ({data.layer})")


def _net_allowed(story: Story, event: t.Event, data: t.NetworkAllowed) -> None:
    block = story.call_of(event)
    if block is not None:
        block.files.append(f"connected to {data.host}:{data.port}")


def _violation(story: Story, event: t.Event, data: t.ViolationDetected) -> None:
    remedy = f" · {data.remedy}" if data.remedy else ""
    story.refused(event, f"{data.action} by {data.layer}: {data.detail}{remedy}")


# The journal itself.


def _redacted(story: Story, event: t.Event, data: t.SecretRedacted) -> None:
    count = sum(data.rules.values())
    story.note(f"{count} secret{'s' if count != 1 else ''} kept out of {data.where}", event, style="caution")


def _checkpoint(story: Story, event: t.Event, data: t.Checkpoint) -> None:
    story.stage.status.tell(journal=f"{data.size} events sealed")


def _recovered(story: Story, event: t.Event, data: t.LogRecovered) -> None:
    story.note(f"a torn last line of {data.size} bytes was set aside in {data.file}", event, style="caution")


def _log_failed(story: Story, event: t.Event, data: t.LogFailed) -> None:
    story.stage.status.tell(journal="journal failed", journal_good=False)
    story.note(
        f"the journal cannot be written: {data.reason}. Nothing runs.", event, style="bad", mark="!", apart=True
    )


def _unrecognised(story: Story, event: t.Event, data: t.Unrecognised) -> None:
    if event.type == "unreadable":
        story.note(
            "a line of the journal here is no event: it was damaged or written by somebody else", event, style="bad"
        )
        return
    story.note(f"an event that this version does not know: {event.type}", event)


TELLERS: dict[type[t.Payload], Teller] = {
    t.SessionStarted: _started,
    t.SessionResumed: _resumed,
    t.SessionForked: _forked,
    t.SessionRewound: _rewound,
    t.SessionEnded: _ended,
    t.PromptSubmitted: _prompt,
    t.ConfigChanged: _config,
    t.ContextCompacted: _compacted,
    t.ModelRequested: _requested,
    t.ModelReasoning: _reasoning,
    t.ModelResponded: _responded,
    t.ModelPartial: _partial,
    t.ModelFailed: _model_failed,
    t.ModelFailover: _failover,
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
