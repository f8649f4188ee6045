"""What every front end starts with: the fork server before anything else, and what this machine can enforce."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.common.home import Home
from vtcode_tui.sandbox import Spawner

if TYPE_CHECKING:
    # The fork server starts before the first paint: what it does not need is not loaded for it.
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.sandbox.capability import Capability

PRELOAD = (
    "vtcode_tui.tools.workers.reading",
    "vtcode_tui.tools.workers.searching",
    "vtcode_tui.workspace.edits",
    "vtcode_tui.workspace.staging",
    "vtcode_tui.workspace.tracing",
)
"""Modules of workers that the fork server imports once."""

_ORDER = ("none", "seatbelt", "kernel", "full")


def start_spawner(home: Home) -> Spawner:
    """Start the fork server; before any thread, screen or event loop exists."""
    return Spawner.start(PRELOAD, own=home)


async def capability_of(spawner: Spawner, settings: Settings) -> Capability:
    """What this machine enforces, proven by trying. Raises SandboxError where it is less than configured.

    With `sandbox.allow_unsandboxed`, which no workspace can set, runs happen without any containment where no tier
    is reached; then the gate lets none begin that a human has not approved.
    """
    from vtcode_tui.sandbox.trial import probe

    capability = await probe(spawner)
    if capability.tier == "none" and settings.sandbox.allow_unsandboxed:
        spawner.allow_uncontained()
        return replace(capability, uncontained=True)
    if _ORDER.index(capability.tier) < _ORDER.index(settings.sandbox.minimum_tier):
        missing = "; ".join(
            f"{f.name}: {f.detail}" + (f" ({f.remedy})" if f.remedy else "")
            for f in capability.findings
            if not f.works
        )
        raise SandboxError(
            f"the sandbox reaches tier {capability.tier} here and sandbox.minimum_tier is "
            f"{settings.sandbox.minimum_tier}, so nothing runs. {missing} (`vtcode sandbox doctor` shows all)",
            step="tier",
        )
    return capability
