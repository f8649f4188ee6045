"""What a session was doing when it stopped: read from its journal, so that nothing runs a second time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vtcode_tui.config.settings import DataClass
from vtcode_tui.events import Event, read_events
from vtcode_tui.events.types import (
    ApprovalGranted,
    ExecFinished,
    ExecStarted,
    ModelRequested,
    ModelResponded,
    PolicyDecided,
    PromptSubmitted,
    SessionForked,
    ToolFinished,
    ToolRequested,
)
from vtcode_tui.llm.messages import ToolResult, ToolUse, Usage
from vtcode_tui.policy.tools import READS

_WITHOUT_RUN = frozenset({"write_stdin", "delegate"})
"""Calls that act as soon as they are permitted, without a run of their own that would be seen to begin."""
_NUMBER = re.compile(r"[a-z](\d{1,9})\Z")

UNKNOWN = (
    "[The outcome of this call is unknown: vtcode was stopped while it ran. It is not run again by itself. "
    "Look at what is there, and ask the person before you repeat it.]"
)
STOPPED = "[This call was stopped before it answered. It only reads, so it may be made again.]"
NEVER_RAN = "[This call never ran: the session was stopped before it began.]"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a session had come: the last turn and call number, and what is known of each call."""

    turn: int = 0
    number: int = 0
    last_seq: int = -1
    finished: dict[str, ToolFinished] = field(default_factory=dict)
    under_way: frozenset[str] = frozenset()
    requested: dict[str, ToolRequested] = field(default_factory=dict)
    prompts: dict[int, int] = field(default_factory=dict)
    """Of each turn, the sequence number of its prompt's event."""
    ended: bool = False
    permitted: frozenset[str] = frozenset()
    """Calls that the gate let through."""
    ran: dict[str, ExecFinished] = field(default_factory=dict)
    """Of each run that was seen to end, how."""
    reach: DataClass | None = None
    """The data class that the conversation was last sent to; None where nothing was sent."""
    usage: Usage = field(default_factory=Usage)
    """What models have counted so far, summaries and sub-tasks included."""
    cost_usd: float | None = None

    @property
    def open(self) -> tuple[str, ...]:
        """Calls that were asked for and came to no result, in their order."""
        return tuple(call for call in self.requested if call not in self.finished)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Calls that may have changed something and were not seen to end."""
        return tuple(call for call in self.requested if self._acted(call))

    def _acted(self, call: str) -> bool:
        tool = self.requested[call].tool
        if tool in _WITHOUT_RUN:
            return call in self.permitted and call not in self.finished
        return call in self.under_way and tool not in READS

    def doubtful(self) -> dict[str, str]:
        """The calls of unknown outcome that no later one like them settled: digest of what was asked -> call."""
        doubts: dict[str, str] = {}
        for call, asked in self.requested.items():
            done = self.finished.get(call)
            if call in self.unknown or (done is not None and done.status == "unknown"):
                doubts[asked.subject_sha256] = call
            elif done is not None and done.status in {"ok", "error"}:
                doubts.pop(asked.subject_sha256, None)
        return doubts


def standing_of(events: Iterable[Event]) -> Standing:
    """Read a journal's events once."""
    turn = number = 0
    last = -1
    finished: dict[str, ToolFinished] = {}
    requested: dict[str, ToolRequested] = {}
    started: set[str] = set()
    permitted: set[str] = set()
    ran: dict[str, ExecFinished] = {}
    prompts: dict[int, int] = {}
    ended = False
    reach: DataClass | None = None
    usage, cost = Usage(), None
    for event in events:
        turn, last = max(turn, event.turn), event.seq
        if event.call and (found := _NUMBER.match(event.call)):
            number = max(number, int(found.group(1)))
        match event.data:
            case ToolRequested() as data if event.call:
                requested[event.call] = data
            case ToolFinished() as data if event.call:
                finished[event.call] = data
            case PolicyDecided(decision="allow") | ApprovalGranted() if event.call:
                permitted.add(event.call)
            case ExecStarted() if event.call:
                started.add(event.call)
            case ExecFinished() as data if event.call:
                started.discard(event.call)
                ran[event.call] = data
            case ModelRequested(data_class=seen) | SessionForked(data_class=seen):
                reach = seen
            case ModelResponded() as data:
                usage, cost = _counted(usage, cost, data)
            case PromptSubmitted() as data if data.origin != "steer":
                prompts[event.turn] = event.seq
            case _:
                pass
        ended = event.type == "session.ended" or (ended and event.type.startswith("log."))
    return Standing(
        turn,
        number,
        last,
        finished,
        frozenset(started),
        requested,
        prompts,
        ended,
        frozenset(permitted),
        ran,
        reach,
        usage,
        cost,
    )


def _counted(usage: Usage, cost: float | None, answer: ModelResponded) -> tuple[Usage, float | None]:
    """The sums with one more answer."""
    known = answer.cost_usd
    return Usage(
        usage.input + answer.input_tokens,
        usage.output + answer.output_tokens,
        usage.cache_read + answer.cache_read_tokens,
        usage.cache_write + answer.cache_write_tokens,
        usage.reasoning + answer.reasoning_tokens,
    ), cost if known is None else (cost or 0.0) + known


def standing_in(folder: Path) -> Standing:
    """The standing of the session in a folder."""
    return standing_of(read_events(folder / "journal.jsonl"))


def settled(uses: Iterable[ToolUse], standing: Standing) -> list[ToolResult]:
    """A result for every call that has none in the conversation."""
    results: list[ToolResult] = []
    for use in uses:
        done = standing.finished.get(use.id)
        if done is not None:
            results.append(ToolResult(use.id, done.result, done.status != "ok"))
        else:
            results.append(ToolResult(use.id, said_of(use.id, standing), True))
    return results


def said_of(call: str, standing: Standing) -> str:
    """What is said of a call that came to no result."""
    if call in standing.unknown:
        return UNKNOWN
    if (end := standing.ran.get(call)) is not None:
        how = f"signal {end.signal}" if end.signal else f"exit status {end.exit_code}"
        return (
            f"[This call ran to its end before vtcode was stopped: {end.killed or end.limit or how}. What it "
            f"changed stands. {end.output_bytes:,} bytes of output: read_output with call {call!r}.]"
        )
    asked = standing.requested.get(call)
    reading = asked is not None and asked.tool in READS and call in standing.permitted
    return STOPPED if reading else NEVER_RAN
