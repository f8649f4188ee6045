"""What a session is put together from, and the small facts about the person and their pictures."""

from __future__ import annotations

import os
import pwd
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from vtcode_tui.agent.asking import Asking
from vtcode_tui.agent.calls import Calls
from vtcode_tui.agent.changes import Changes
from vtcode_tui.agent.context import History
from vtcode_tui.agent.instructions import Instructions
from vtcode_tui.agent.nursery import Nursery
from vtcode_tui.agent.pinned import Pinned
from vtcode_tui.agent.states import TurnTable
from vtcode_tui.agent.turn import Turn
from vtcode_tui.common.clock import Clock
from vtcode_tui.events.bus import Bus
from vtcode_tui.events.types import Actor
from vtcode_tui.gate.gate import Gate
from vtcode_tui.gate.plan import Plan
from vtcode_tui.llm.resolve import Models
from vtcode_tui.policy.types import Access, Call
from vtcode_tui.sessions.store import Store
from vtcode_tui.workspace.trust import Influence

Mode = Literal["build", "plan", "read-only"]
Origin = Literal["tui", "exec", "acp", "demo", "queue", "steer"]


class Ground(Protocol):
    """What the session stands on and may have changed under it: trust, mode, model, the paths of the workspace."""

    @property
    def policy_sha256(self) -> str:
        """The digest of the rules in force."""
        ...

    @property
    def models(self) -> Models:
        """Every provider that is configured."""
        ...

    def set_mode(self, mode: Mode) -> None:
        """Let the policy and the model know another mode."""
        ...

    async def trust(self, shown: tuple[Influence, ...]) -> Instructions:
        """Record that the human trusts the workspace, and let tools run from now on; what its AGENTS.md ask."""
        ...

    async def find(self, query: str, limit: int) -> tuple[str, ...]:
        """Fuzzy search over the paths of the workspace, best first."""
        ...

    async def finish(self) -> None:
        """Finish what had been accepted when a crash cut it off."""
        ...

    async def begin(self) -> None:
        """What is done before the first turn."""
        ...

    async def anchor(self) -> None:
        """Leave an anchor on the commits that came while the session ran."""
        ...

    async def seal(self) -> None:
        """Close the journal for good."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is put together from."""

    bus: Bus
    gate: Gate
    calls: Calls
    changes: Changes
    history: History
    asking: Asking
    turn: Turn
    table: TurnTable
    store: Store
    nursery: Nursery
    ground: Ground
    redact: Callable[[str], str]
    clock: Clock
    number: Callable[[], str]
    """Names for the human's own commands."""
    prompts: dict[int, int]
    """Of each turn, the sequence number of its prompt's event."""
    pinned: Pinned


def human() -> Actor:
    """The person at this machine, as the operating system knows them."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = "nobody-by-name"
    return Actor(kind="human", id=f"{name}:{os.getuid()}", auth="os-user")


def go_on(
    gate: Gate, root: Path, number: Callable[[], str], turn: Callable[[], int]
) -> Callable[[str, str], Awaitable[bool]]:
    """A question to the human that is no tool call: may the turn go on?"""

    async def ask(kind: str, why: str) -> bool:
        call = Call(number(), f"continue_{kind}", {"why": why}, Access(), root, "system")
        refusal = await gate.permit(Plan(call, None, writes=False, summary=why), turn=turn())
        return refusal is None

    return ask


def leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    """The errors of a group, however deep they are."""
    found: list[Exception] = []
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found += leaves(error)
        else:
            found.append(error)
    return found


def media_type(data: bytes) -> str:
    """The media type of a picture, by its first bytes."""
    if data.startswith(b"\xff\xd8"):
        return "image/jpeg"
    if data.startswith(b"GIF8"):
        return "image/gif"
    if data[8:12] == b"WEBP":
        return "image/webp"
    return "image/png"
