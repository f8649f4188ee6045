"""What a crash left open is closed when its session goes on: nothing runs again, what nobody can know is asked."""

from __future__ import annotations

from vtcode_tui.agent.assembling import Opened
from vtcode_tui.agent.turn import Turn
from vtcode_tui.common.files import sha256_of
from vtcode_tui.events import Bus
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import ExecFinished, ToolFinished
from vtcode_tui.llm.messages import Message
from vtcode_tui.render import cut, plain_line
from vtcode_tui.render.telling import subject
from vtcode_tui.sessions.conversation import conversation_of, unanswered
from vtcode_tui.sessions.recovery import Standing, said_of, settled

_STOPPED = "vtcode was stopped while it ran"


async def recover(opened: Opened, turn: Turn, bus: Bus, number: int) -> None:
    """Give every call that was under way an end in conversation and journal; tell what nobody can know."""
    if opened.parsed.torn:
        bus.publish(
            Notice("The last message of the conversation was cut off by a crash and is left out.", "warning")
        )
    if opened.parsed.modified:
        bus.publish(Notice("session.md was edited by hand since it was written.", "warning"))
    standing = opened.standing
    if results := settled(unanswered(conversation_of(opened.parsed.items).messages), standing):
        turn.keep(Message("user", tuple(results)))
    await _close(standing, {result.id for result in results}, bus, number)
    for call in standing.unknown:
        bus.publish(Notice(_unknown(call, standing), "warning"))


async def _close(standing: Standing, asked: set[str], bus: Bus, number: int) -> None:
    """Record the end of every run and call that has none, those inside sub-tasks too."""
    for call in sorted(standing.under_way):
        ended = ExecFinished(exit_code=None, duration_ms=0, killed=_STOPPED)
        await bus.record(ended, turn=number, call=call, outcome="unknown")
    for call in dict.fromkeys((*standing.open, *sorted(asked - standing.finished.keys()))):
        requested, text = standing.requested.get(call), said_of(call, standing)
        finished = ToolFinished(
            tool=requested.tool if requested else "",
            status="unknown" if call in standing.unknown else "interrupted",
            summary=text.strip("[]"),
            result=text,
            result_sha256=sha256_of(text),
        )
        await bus.record(finished, turn=number, call=call, outcome="unknown")


def _unknown(call: str, standing: Standing) -> str:
    requested = standing.requested.get(call)
    what = f" ({cut(plain_line(f'{requested.tool}: {subject(requested.arguments)}'), 200)})" if requested else ""
    return f"Unknown outcome: {_STOPPED}: {call}{what}. You are asked before it is repeated."
