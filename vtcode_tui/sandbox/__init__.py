"""Kernel-enforced isolation: the only room that starts processes, and it starts nothing but grants.

`Spawner.start()` comes first in the program; `probe` says what this machine can enforce; `Spawner.run(grant)` is
the only way to run anything. Loaded lazily: the fork server imports `sandbox.inner` and must not pay for the rest.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vtcode_tui.sandbox.capability import Capability, Finding
    from vtcode_tui.sandbox.copied import beside
    from vtcode_tui.sandbox.grant import Execute, Grant, Invoke, Pin, Work
    from vtcode_tui.sandbox.profile import Limits, Network, Profile, Staging, Tier
    from vtcode_tui.sandbox.run import Denial, Outcome, Run, TerminalSize
    from vtcode_tui.sandbox.spawner import Spawner
    from vtcode_tui.sandbox.trial import probe

_PLACES = {
    "beside": "copied",
    "Capability": "capability",
    "Finding": "capability",
    "Execute": "grant",
    "Grant": "grant",
    "Invoke": "grant",
    "Pin": "grant",
    "Work": "grant",
    "Limits": "profile",
    "Network": "profile",
    "Profile": "profile",
    "Staging": "profile",
    "Tier": "profile",
    "probe": "trial",
    "Denial": "run",
    "Outcome": "run",
    "Run": "run",
    "TerminalSize": "run",
    "Spawner": "spawner",
}

__all__ = [
    "Capability",
    "Denial",
    "Execute",
    "Finding",
    "Grant",
    "Invoke",
    "Limits",
    "Network",
    "Outcome",
    "Pin",
    "Profile",
    "Run",
    "Spawner",
    "Staging",
    "TerminalSize",
    "Tier",
    "Work",
    "beside",
    "probe",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
