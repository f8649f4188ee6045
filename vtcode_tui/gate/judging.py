"""The policy as the gate uses it, and what the human has allowed beyond it in this session."""

from __future__ import annotations

from typing import Protocol

from vtcode_tui.policy.types import Call, Decision, Scope


class Judge(Protocol):
    """Decides on calls. Approvals with a wider scope become rules here, and rules are evaluated anew each time."""

    @property
    def sha256(self) -> str:
        """The digest of every rule in force."""
        ...

    def decide(self, call: Call) -> Decision:
        """The verdict on one call."""
        ...

    async def learn(self, scope: Scope, *, always: bool) -> None:
        """Add the rule of a scope for this session, or for good in the user's own policy file."""
        ...
