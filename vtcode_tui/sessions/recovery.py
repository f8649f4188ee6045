"""What a session was doing when it stopped: read from its journal, so that nothing runs a second time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vtcode_tui.events import Event, read_events
from vtcode_tui.events.types import ExecFinished, ExecStarted, PromptSubmitted, ToolFinished, ToolRequested
from vtcode_tui.llm.messages import ToolResult, ToolUse

_NUMBER = re.compile(r"[a-z](\d{1,9})\Z")

UNKNOWN = (
    "[The outcome of this call is unknown: vtcode was stopped while it ran. It is not run again by itself. "
    "Look at what is there, and ask the person before you repeat it.]"
)
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


def standing_of(events: Iterable[Event]) -> Standing:
    """Read a journal's events once."""
    turn = number = 0
    last = -1
    finished: dict[str, ToolFinished] = {}
    requested: dict[str, ToolRequested] = {}
    started: set[str] = set()
    prompts: dict[int, int] = {}
    ended = False
    for event in events:
        turn, last = max(turn, event.turn), event.seq
        if event.call and (found := _NUMBER.match(event.call)):
            number = max(number, int(found.group(1)))
        match event.data:
            case ToolRequested() as data if event.call:
                requested[event.call] = data
            case ToolFinished() as data if event.call:
                finished[event.call] = data
            case ExecStarted() if event.call:
                started.add(event.call)
            case ExecFinished() if event.call:
                started.discard(event.call)
            case PromptSubmitted() as data if data.origin != "steer":
                prompts[event.turn] = event.seq
            case _:
                pass
        ended = event.type == "session.ended" or (ended and event.type.startswith("log."))
    return Standing(turn, number, last, finished, frozenset(started), requested, prompts, ended)


def standing_in(folder: Path) -> Standing:
    """The standing of the session in a folder."""
    return standing_of(read_events(folder / "journal.jsonl"))


def settled(uses: Iterable[ToolUse], standing: Standing) -> tuple[list[ToolResult], list[str]]:
    """A result for every call that has none in the conversation, and the calls whose outcome is unknown."""
    results: list[ToolResult] = []
    unknown: list[str] = []
    for use in uses:
        if (done := standing.finished.get(use.id)) is not None:
            results.append(ToolResult(use.id, done.result, done.status != "ok"))
        elif use.id in standing.under_way:
            unknown.append(use.id)
            results.append(ToolResult(use.id, UNKNOWN, True))
        else:
            results.append(ToolResult(use.id, NEVER_RAN, True))
    return results, unknown
