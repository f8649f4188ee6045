"""What the app shows over the work when it is asked for: settings, the doctor, a picture of the screen."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import ConfigError, VtcodeError
from vtcode_tui.tui.base import BaseApp

if TYPE_CHECKING:
    from vtcode_tui.agent.port import Core
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import Loaded
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.tui.screens.doctor import Diagnosis
    from vtcode_tui.tui.screens.setup import Chosen
    from vtcode_tui.tui.screens.work import WorkScreen

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

    work: WorkScreen

    def go_on_with(self, folder: Path) -> None:
        """Leave this session and open another one in its place."""
        raise NotImplementedError

    def look_as(self, settings: Settings) -> None:
        """Take what of the settings is only about the look and the keys."""
        raise NotImplementedError

    def action_settings(self) -> None:
        """Change the person's own vtcode.toml."""
        from vtcode_tui.common.home import Home
        from vtcode_tui.tui.screens.settings import SettingsScreen  # only when asked for

        self.push_screen(SettingsScreen(Home.from_environment(), self.root, self.theme_names(), self._set))

    def _set(self, loaded: Loaded, key: str, before: str) -> None:
        from vtcode_tui.config.describe import told

        self._note_setting(key, before, told(loaded.settings, key))
        if key in LOOKS:
            # Everything else is on record as it was when the session began, and stays so to its end.
            self.look_as(loaded.settings)
            self.tell(f"{key} is changed", "info")
        else:
            self.tell(f"{key} is changed: it counts from the next session on", "info")

    def _note_setting(self, key: str, before: str, after: str) -> None:
        """Have a change of the person's own vtcode.toml on record."""
        from vtcode_tui.common.home import Home

        self.work.intents.note_setting(key, before, after, str(Home.from_environment().settings_file))

    def action_setup(self) -> None:
        """Choose provider and model, and keep the choice in the person's own vtcode.toml."""
        from vtcode_tui.common.home import Home
        from vtcode_tui.config import load
        from vtcode_tui.tui.screens.setup import Setup  # only when asked for

        home = Home.from_environment()
        try:
            loaded = load(home, self.root)
        except VtcodeError as error:
            self.tell(str(error), "error")
            return

        def take(chosen: Chosen | None) -> None:
            if chosen is not None:
                self.run_worker(self._take_model(chosen, loaded, home), exit_on_error=True)

        settings = loaded.settings
        screen = Setup(
            self.work.intents.models,
            os.environ,
            allow=settings.providers.allow,
            taken=frozenset(settings.providers.tables),
            file=str(home.settings_file),
        )
        self.push_screen(screen, take)

    async def _take_model(self, chosen: Chosen, loaded: Loaded, home: Home) -> None:
        """Write the choice, put it on record, and let it answer: at once, or in the session opened anew with it."""
        from vtcode_tui.config.describe import told
        from vtcode_tui.config.writing import set_values

        values, core = chosen.values(), self.core
        locked = [key for key in values if key in loaded.locked]
        try:
            if locked:
                raise ConfigError(f"it is locked by {loaded.source(locked[0])}", key=locked[0])
            set_values(home.settings_file, values)
        except VtcodeError as error:
            self.tell(str(error), "error")
            return
        for key, value in values.items():
            self._note_setting(key, told(loaded.settings, key), str(value))
        if chosen.table is None:
            self.work.intents.set_model(chosen.provider, chosen.model)
        elif core is not None:
            # Its key is to be redacted and its address on record from the first event on: the session begins anew.
            self.go_on_with(core.folder)

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

        file = Home.from_environment().state / "exports" / f"screen-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.svg"
        try:
            write_atomically(file, svg_of(self))
        except OSError as error:
            self.tell(f"not written: {error.strerror}", "error")
            return
        self.tell(f"a picture of the screen is in {file}", "info")
