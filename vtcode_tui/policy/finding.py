"""What the policy found out about one part of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from vtcode_tui.policy.types import STRICTNESS, Check, Mode

Effect: TypeAlias = Literal["read", "write", "run", "network"]
"""The most that something does: only reads, changes files, runs code of the workspace, leaves the machine."""

WEIGHT: dict[Effect, int] = {"read": 0, "write": 1, "run": 2, "network": 3}


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on one thing, and why; a firm one cannot be loosened by any rule."""

    name: str
    verdict: Mode
    detail: str = ""
    firm: bool = False

    @property
    def check(self) -> Check:
        """This finding as the decision lists it."""
        return Check(self.name, self.verdict, self.detail)


def worst(findings: list[Finding]) -> Finding | None:
    """The strictest finding, the first of its kind; None where there is none."""
    best: Finding | None = None
    for finding in findings:
        if best is None or STRICTNESS[finding.verdict] > STRICTNESS[best.verdict]:
            best = finding
    return best


ALLOW = Finding("described", "allow")
