"""Runs that nothing contains: only where no tier is reached and the user's own configuration says so.

What needs no kernel feature stays: a grant for each run, a clean environment, a private home and temp folder,
limits that are watched, pinned files, the guard over protected paths, and the end of everything that a run started
(by a subreaper on Linux, by descent on macOS). Files, network, other processes and secrets are open to it.
"""

from __future__ import annotations

import sys
from typing import ClassVar

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.lone_spawner import LoneSpawner, Place
from vtcode_tui.sandbox.profile import Profile, Tier


class UncontainedSpawner(LoneSpawner):
    """Starts grants without a sandbox; reached through `Spawner.allow_uncontained` alone."""

    tiers: ClassVar[frozenset[Tier]] = frozenset({"none"})
    reaps = sys.platform == "linux"

    def _check(self, profile: Profile) -> None:
        super()._check(profile)
        for path in profile.hidden:
            if path.exists():
                raise SandboxError(
                    f"nothing runs here while {path} is masked: without a sandbox nothing can hide it from a run. "
                    "Move the file out of the workspace, or leave it out of `mask` under [sandbox] in vtcode.toml",
                    step="masked files",
                )

    def _enclose(self, words: tuple[str, ...], profile: Profile, place: Place) -> tuple[str, ...]:
        return words
