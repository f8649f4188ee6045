"""The viewer as a program of its own: `vtcode replay`. It loads nothing that could run a tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.screens.help import Help
from vtcode_tui.tui.screens.replay import ReplayScreen

if TYPE_CHECKING:
    from textual.screen import Screen

    from vtcode_tui.config.settings import Settings


class ViewerApp(BaseApp):
    """A recorded session on the screen."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.shown = ReplayScreen(folder)
        self._wrong = (*self.take_own_themes(), *self.take_theme(settings.interface.theme))

    def get_default_screen(self) -> Screen[Any]:
        """The viewer is the only screen."""
        return self.shown

    def on_mount(self) -> None:
        """The person's own keys."""
        for text in (*self._wrong, *self.take_keys(self._settings.interface.keys)):
            self.notify(text, severity="warning", markup=False)

    def action_help(self) -> None:
        """Every key."""
        self.push_screen(Help(dict(self._settings.interface.keys)))
