"""The ladder of rules that an approval may become, narrowest first; each proven before it is offered."""

from __future__ import annotations

from vtcode_tui.policy.report import Report
from vtcode_tui.policy.rules import Policy
from vtcode_tui.policy.situation import Situation
from vtcode_tui.policy.types import Call, Scope


def ladder(call: Call, reports: list[Report], policy: Policy, situation: Situation) -> tuple[Scope, ...]:
    """No generalisation: once is once."""
    return ()
