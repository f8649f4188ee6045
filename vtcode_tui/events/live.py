"""What a screen shows while it happens and no journal keeps: each of these is summed up by a later event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the model's answer; `model.responded` carries the whole."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning; `model.reasoning` carries the whole."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class AnswerDiscarded:
    """The pieces since the last complete message are void: the stream broke and is asked again."""

    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """Bytes that a run wrote, exactly as it wrote them: hostile, for the terminal emulator only."""

    call: str
    data: bytes
    terminal: bool


@dataclass(frozen=True, slots=True)
class TurnState:
    """Where the turn is: the status bar's word."""

    turn: int
    state: Literal["idle", "thinking", "calling", "waiting", "running", "compacting"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ContextMeter:
    """How full the model's context is, in tokens, and what the session has cost so far.

    `cached` is the share of all input that came out of the provider's prompt caches, 0 to 1; None at the start.
    """

    used: int
    window: int
    cost_usd: float | None
    cached: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the person; the place for errors that belong to no call."""

    text: str
    severity: Literal["info", "warning", "error"] = "info"


Live: TypeAlias = TextDelta | ReasoningDelta | AnswerDiscarded | OutputChunk | TurnState | ContextMeter | Notice
