"""The spawner of macOS: each run behind `sandbox-exec`, seen through by a process of its own outside the sandbox.

Experimental: no Mac was at hand. The profile is checked by golden files and by reading it back; what happens around
it (streams, PTY, limits, guard, the end of every process) is tested on Linux behind a stand-in for `sandbox-exec`
which enforces nothing; calls that exist on macOS only (`libproc`, `sandbox_check`) were never made.
Whether the tier holds is decided on the machine itself, by `seatbelt_trial`, each time the program starts.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.common.home import Home
from vtcode_tui.sandbox import seatbelt
from vtcode_tui.sandbox.lone_spawner import LoneSpawner, Place
from vtcode_tui.sandbox.profile import Profile, Tier


class SeatbeltSpawner(LoneSpawner):
    """Starts grants under Seatbelt; used through `Spawner.start()`, as everywhere."""

    tiers: ClassVar[frozenset[Tier]] = frozenset({"seatbelt"})
    tier_of_all = "seatbelt"

    def __init__(self, *, scratch: Path, home: Path, own: Home, program: str = seatbelt.PROGRAM) -> None:
        """`program` is another `sandbox-exec`, for tests."""
        self.program = program
        super().__init__(scratch=scratch, home=home, own=own)

    def _revive(self) -> None:
        super()._revive()
        if not Path(self.program).is_file():
            raise SandboxError(f"{self.program} is missing: macOS offers no other sandbox", step="sandbox-exec")

    def _check(self, profile: Profile) -> None:
        super()._check(profile)
        for root in profile.writable:
            if root.resolve() not in (root, Path(seatbelt.canonical(root))):
                raise SandboxError(
                    f"{root} is reached through a link: name the folder itself", step="granted folders"
                )

    def _enclose(self, words: tuple[str, ...], profile: Profile, place: Place) -> tuple[str, ...]:
        opened = replace(profile, writable=(*profile.writable, place.caches), readable=place.readable)
        belt = seatbelt.generate(
            opened,
            home=place.folder / "home",
            tmp=place.folder / "tmp",
            terminal=place.terminal,
            proxy_port=place.proxy_port,
        )
        (place.folder / "profile.sb").write_text(belt.text)
        return tuple(belt.command_from(place.folder / "profile.sb", words, program=self.program))
