"""What this machine can enforce, found out by trying."""

from __future__ import annotations

from dataclasses import dataclass

from vtcode_tui.sandbox.profile import Tier

NO_SANDBOX = (
    "NO SANDBOX: nothing contains runs here, they can do whatever you can (sandbox.allow_unsandboxed is on)"
)
"""Said wherever runs without containment are allowed: log, screen, doctor, each approval."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mechanism: whether it holds here, how that was shown, and the remedy where it does not."""

    name: str
    works: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Capability:
    """The tier this machine reaches, and why not more."""

    tier: Tier
    findings: tuple[Finding, ...]
    landlock_abi: int = 0
    staging: bool = False
    uncontained: bool = False
    """No tier is reached, and the user's own configuration lets runs happen all the same."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """One sentence for each mechanism that is missing."""
        missing = tuple(f"{f.name}: {f.detail}" for f in self.findings if not f.works)
        return (NO_SANDBOX, *missing) if self.uncontained else missing
