"""A call together with what it would do: what the gate is asked to let through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vtcode_tui.policy.types import Call
from vtcode_tui.sandbox.grant import Work
from vtcode_tui.workspace.changes import ChangeSet

ACCEPT = "accept_changes"
"""The human's own call: write staged changes to the real workspace."""


@dataclass(frozen=True, slots=True)
class Order:
    """When the human is asked about a call: after those that were written before it, as far as they are."""

    after: Sequence[asyncio.Event] = ()
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the human has been asked, or need not be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked (`call`), what the sandbox would do for it (`work`), and what the human needs to judge it."""

    call: Call
    work: Work | None
    """None: the call needs permission but no run of its own (typing into a run that exists)."""
    writes: bool
    """Whether the run may write the workspace."""
    changes: ChangeSet | None = None
    """What it would do to files, where that was computed beforehand."""
    revise: Callable[[str], Plan] | None = None
    """The same call with a command that the human changed; it becomes the human's own."""
    wall_seconds: float | None = None
    summary: str = ""
    """The call in one line."""
    order: Order = field(default_factory=Order)
