"""The policy as the gate uses it, and what the human has allowed beyond it in this session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from vtcode_tui.events.live import Live
from vtcode_tui.events.types import ApprovalGranted, Event
from vtcode_tui.policy import Policy, decide
from vtcode_tui.policy.situation import Situation
from vtcode_tui.policy.types import Call, Check, Decision, Scope

QUESTION = "continue_"
"""Names that begin so are no tools: vtcode itself asks the human whether a turn may go on."""


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


class PolicyJudge:
    """Decides by the rules and the situation of a session; both are replaced, never changed."""

    def __init__(self, policy: Policy, situation: Situation, keep: Callable[[Any], object]) -> None:
        self.policy, self.situation = policy, situation
        self._keep = keep
        self.doubtful: dict[str, str] = {}
        """Calls that a crash may have cut off after they acted: digest of what was asked -> call. Never repeated
        without the human, whatever a rule allows."""
        self._asked: dict[str, str] = {}
        self._sha256: tuple[Policy, str] | None = None

    @property
    def sha256(self) -> str:
        """The digest of every rule in force."""
        if self._sha256 is None or self._sha256[0] is not self.policy:
            self._sha256 = (self.policy, self.policy.sha256)
        return self._sha256[1]

    def decide(self, call: Call) -> Decision:
        """The verdict on one call; no tool runs where nobody has trusted the workspace."""
        return self.decided(call, self.situation)

    def decided(self, call: Call, situation: Situation) -> Decision:
        """The verdict on one call, in another situation than the session's."""
        if call.origin == "system" and call.tool.startswith(QUESTION):
            why = str(call.arguments.get("why", ""))
            return Decision("prompt", "vtcode.question", why, (Check("question", "prompt", why),))
        decision = decide(call, self.policy, situation)
        if not situation.trusted and decision.mode != "deny":
            why = "Nobody has trusted this workspace, so no tool runs in it: `vtcode trust grant`."
            return replace(decision, mode="deny", rule="trust", reason=why, scopes=())
        if decision.mode == "allow" and (before := self.doubtful.get(call.digest)) and call.origin == "model":
            why = f"vtcode was stopped while {before} did the same: it may have happened already. Once more?"
            self._asked[call.id] = call.digest
            return replace(decision, mode="prompt", rule="vtcode.unknown-outcome", reason=why, scopes=())
        return decision

    def hear(self, event: Event | Live) -> None:
        """A reader of events: what the human let happen once more is not in doubt any longer."""
        if isinstance(event, Event) and isinstance(event.data, ApprovalGranted):
            self.doubtful.pop(self._asked.pop(event.call or "", ""), None)

    async def learn(self, scope: Scope, *, always: bool) -> None:
        """Add the rule of a scope for this session, or for good in the user's own policy file."""
        if always:
            self._keep(scope.rule)
        self.policy = self.policy.with_rules([scope.rule])


class ReadingJudge:
    """Decides as another judge does, as if the session were read-only."""

    def __init__(self, judge: PolicyJudge) -> None:
        self._judge = judge

    @property
    def sha256(self) -> str:
        """The digest of every rule in force."""
        return self._judge.sha256

    def decide(self, call: Call) -> Decision:
        """The verdict on one call; nothing may change, whatever the session's mode."""
        return self._judge.decided(call, replace(self._judge.situation, mode="read-only"))

    async def learn(self, scope: Scope, *, always: bool) -> None:
        """Nothing that only reads is asked about with a scope, so nothing is learnt here."""
        await self._judge.learn(scope, always=always)


def uncontained(decision: Decision, call: Call) -> Decision:
    """A decision where nothing contains a run: no rule lets one begin, and no answer counts for more than once."""
    if decision.mode == "deny" or call.origin != "model":
        return decision
    why = "Nothing contains runs on this machine, so no rule lets one begin: it can do whatever you can."
    return replace(
        decision,
        mode="prompt",
        rule="vtcode.no-sandbox" if decision.mode == "allow" else decision.rule,
        reason=f"{decision.reason.rstrip('.')}. {why}" if decision.reason else why,
        checks=(*decision.checks, Check("containment", "prompt", why)),
        risk="high",
        scopes=(),
    )
