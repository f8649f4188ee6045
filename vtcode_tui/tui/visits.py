"""What the app shows over the work when it is asked for: settings, the doctor, a picture of the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.tui.base import BaseApp

if TYPE_CHECKING:
    from vtcode_tui.agent.port import Core
    from vtcode_tui.config import Loaded
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.tui.screens.doctor import Diagnosis

LOOKS = frozenset({"interface.theme", "interface.diff", "interface.keys", "interface.vim"})
"""Settings that a running session takes at once."""


@dataclass(frozen=True, slots=True)
class Sandboxing:
    """One thing that the doctor says about the sandbox."""

    name: str
    state: str
    detail: str
    remedy: str = ""


class Visits(BaseApp):
    """Screens over the work screen."""

    root: Path
    core: Core | None
    doctor: Callable[[], Sequence[Diagnosis]]

    def look_as(self, settings: Settings) -> None:
        """Take what of the settings is only about the look and the keys."""
        raise NotImplementedError

    def action_settings(self) -> None:
        """Change the person's own vtcode.toml."""
        from vtcode_tui.common.home import Home
        from vtcode_tui.tui.screens.settings import SettingsScreen  # only when asked for

        self.push_screen(SettingsScreen(Home.from_environment(), self.root, self.theme_names(), self._set))

    def _set(self, loaded: Loaded, key: str) -> None:
        if key in LOOKS:
            # Everything else is on record as it was when the session began, and stays so to its end.
            self.look_as(loaded.settings)
            self.tell(f"{key} is changed", "info")
        else:
            self.tell(f"{key} is changed: it counts from the next session on", "info")

    def action_doctor(self) -> None:
        """What this machine and this configuration can do."""
        from vtcode_tui.tui.screens.doctor import Doctor  # only when asked for

        self.push_screen(Doctor(self._diagnose))

    def _diagnose(self) -> list[Diagnosis]:
        tier = self.core.capability.tier if self.core is not None else "none"
        enforced = self.core.capability.findings if self.core is not None else ()
        found: list[Diagnosis] = [Sandboxing("sandbox tier", "ok" if tier != "none" else "missing", tier)]
        if self.core is not None and self.core.capability.uncontained:
            found.append(Sandboxing("sandbox.allow_unsandboxed", "note", self.core.capability.degraded[0]))
        found += [
            Sandboxing(f"sandbox {one.name}", "ok" if one.works else "note", one.detail, one.remedy)
            for one in enforced
        ]
        return [*found, *self.doctor()]

    def action_picture(self) -> None:
        """Keep a picture of the screen."""
        from vtcode_tui.common.files import write_atomically
        from vtcode_tui.common.home import Home
        from vtcode_tui.tui.picture import svg_of  # only when asked for

        file = Home.from_environment().state / "exports" / f"screen-{datetime.now(UTC):%Y%m%d-%H%M%S}.svg"
        try:
            write_atomically(file, svg_of(self))
        except OSError as error:
            self.tell(f"not written: {error.strerror}", "error")
            return
        self.tell(f"a picture of the screen is in {file}", "info")
