"""What an edit would do, computed before it is approved, where there is no layer to review it in afterwards."""

from __future__ import annotations

from typing import Protocol

from vtcode_tui.gate.plan import Plan


class Preview(Protocol):
    """Computes the change set of an edit in a read-only worker."""

    async def __call__(self, plan: Plan, turn: int) -> Plan | str:
        """The plan with its changes, or the sentence that says why the edit cannot be made."""
        ...
