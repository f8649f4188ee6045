"""What the app, the viewer and the picker share: styles, themes, the wall, the device, the clock of keys."""

from __future__ import annotations

import os
import traceback
import weakref
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.filter import Monochrome, NoColor

from vtcode_tui.common.home import Home
from vtcode_tui.common.shipped import shipped
from vtcode_tui.tui.device import Device
from vtcode_tui.tui.echo import rests
from vtcode_tui.tui.own_keys import keymap
from vtcode_tui.tui.own_themes import no_theme, own_themes
from vtcode_tui.tui.panes.heading import Heading
from vtcode_tui.tui.sweep import Sweep
from vtcode_tui.tui.themes import TERMINAL_DARK, TERMINAL_LIGHT, THEMES
from vtcode_tui.tui.type_ahead import TypeAhead, Typed, is_text
from vtcode_tui.tui.wall import Wall
from vtcode_tui.tui.writing import Writing

STYLES = ("app", "chat", "diff", "approval", "terminal", "events", "prompt", "screens", "replay")
ALONE_SECONDS = 0.03
"""A chord within this time of another key is part of a paste or of a burst, and answers nothing."""


@runtime_checkable
class Paned(Protocol):
    """A screen of panes, with a status bar that tells of keys."""

    def tell_keys(self) -> None:
        """Say them anew."""
        ...

    def home(self) -> None:
        """Give the keys to where they belong when no pane has them."""
        ...


class BaseApp(App[int]):
    """What the app and the viewer share: styles, themes, the wall, the clock of keys."""

    CSS_PATH: ClassVar[Any] = [shipped("styles") / f"{name}.tcss" for name in STYLES]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[Any] = [Binding("ctrl+q", "leave", show=False, priority=True, id="quit")]
    TITLE = "vtcode"

    def __init__(self) -> None:
        super().__init__(driver_class=Device)
        # Textual's greys are colours too: those of the terminal, which it does not know, became black on black.
        self._filters = [NoColor() if isinstance(one, Monochrome) else one for one in self._filters]
        self._filters.append(Wall())
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "vtcode-ansi" if self.no_color else "vtcode-dark"
        self.ansi_theme_dark, self.ansi_theme_light = TERMINAL_DARK, TERMINAL_LIGHT
        self.animation_level = "none"
        # The styles are parsed once, with the colours of this theme: Textual would begin with those of its own.
        self._parsed_for = self.get_css_variables()
        self.stylesheet.set_variables(self._parsed_for)
        self.own_theme_names: tuple[str, ...] = ()
        self.chosen_keys: dict[str, str] = {}
        self._first_keys: set[str] = set()
        self._looked_up_at: tuple[Callable[[], object], ...] = ()
        self._looked_up_with: object = None
        self.pressed = 0.0
        self._ahead = TypeAhead(self, self._take_typed)
        self.sweep = Sweep(self._later, lambda: self.pressed)
        self.typed_alone = True
        self.report = ""
        """What is left to say when the app broke; printed once the terminal is restored."""

    def refresh_css(self, animate: bool = True) -> None:
        """Parse the styles anew, unless nothing that they are made of has changed (Textual asks twice at start)."""
        variables = self.get_css_variables()
        if variables == self._parsed_for:
            return
        self._parsed_for = variables
        super().refresh_css(animate)

    def watch_app_focus(self, focus: bool) -> None:
        """Who looks here again types where they would have, also where a dialog came and went meanwhile."""
        screen = self.screen
        if focus and screen.focused is None and isinstance(screen, Paned):
            screen.home()

    async def on_event(self, event: events.Event) -> None:
        """Take each key in its turn."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            if not self._ahead.holds(event):
                await self._take_typed(event)
            return
        if isinstance(event, events.MouseDown) and not event.is_forwarded:
            self._note(event)
        await super().on_event(event)

    async def _take_typed(self, event: Typed) -> None:
        if isinstance(event, events.Key):
            self._note(event)
        else:
            # As a key does: a file that is dropped on a window makes it no active one, and is meant for it.
            self.app_focus = True
        target = self.focused or self.screen
        await super().on_event(event)
        if not is_text(event, target):
            self._ahead.follow(target)

    def _note(self, event: events.Event) -> None:
        """When a key was pressed: by the clock of its reading, not of its handling."""
        self.typed_alone = event.time - self.pressed >= ALONE_SECONDS
        self.pressed = event.time

    def type_at_once(self, key: events.Key) -> bool:
        """Give a letter to the text that has the keys, in the turn that read it; False where it has to queue.

        Only when all that would have passed it on rests: what was pressed before has been answered then.
        """
        text = self.focused
        if (
            self._ahead.busy
            or not isinstance(text, Writing)
            or not self.app_focus
            or not all(map(rests, (self, self.screen, text)))
            or self._comes_first(key.key)
            or not text.check_message_enabled(key)
        ):
            return False
        try:
            with text._context():
                taken = text.type(key)
        except Exception as error:  # noqa: BLE001  # an edge: Textual reports what a handler raises in this way
            self._handle_exception(error)
            return True
        if taken:
            self._note(key)
        return taken

    def _comes_first(self, key: str) -> bool:
        """Whether a key has priority anywhere: known from the last one, not found out anew."""
        here = (self.screen, self.focused or self.screen)
        known = tuple(ref() for ref in self._looked_up_at)
        if known != here or self._looked_up_with is not self._keymap:
            # Weakly: a screen that was closed with this key would stay until the next one.
            self._looked_up_at = tuple(map(weakref.ref, here))
            self._looked_up_with = self._keymap
            self._first_keys = {
                name
                for _, bindings in self.screen._binding_chain
                for name, found in bindings.key_to_bindings.items()
                if any(binding.priority for binding in found)
            }
        return key in self._first_keys

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Look a key up, unless it has no priority where that is asked for."""
        if priority and not self._comes_first(key):
            return False
        return await super()._check_bindings(key, priority)

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        if (loop := self._loop) is not None:
            loop.call_soon_threadsafe(loop.call_later, seconds, act)

    async def on_unmount(self) -> None:
        """Garbage is Python's to collect again."""
        self.sweep.end()

    def _fatal_error(self) -> None:
        # Textual would print every local variable: secrets and hostile bytes among them.
        self.report = traceback.format_exc()
        self._close_messages_no_wait()

    def _handle_exception(self, error: Exception) -> None:
        self.report = "".join(traceback.format_exception(error))
        super()._handle_exception(error)

    def take_own_themes(self) -> list[str]:
        """Know the themes of the person's own; one sentence for each file that is none."""
        made, wrong = own_themes(Home.from_environment().config / "themes")
        for theme in made:
            self.register_theme(theme)
        self.own_theme_names = tuple(theme.name for theme in made)
        return wrong

    def theme_names(self) -> tuple[str, ...]:
        """Every theme that can be chosen."""
        return (*(theme.name for theme in THEMES), *self.own_theme_names)

    def take_theme(self, name: str) -> list[str]:
        """Use a theme by its name in the settings; NO_COLOR wins. One sentence where there is none of that name."""
        if unknown := no_theme(name, self.own_theme_names):
            return [unknown]
        if not self.no_color:
            self.theme = name
        return []

    def take_keys(self, wanted: Mapping[str, str]) -> list[str]:
        """Take the person's own keys, and have every heading say them; a sentence for each that cannot be."""
        self.chosen_keys, wrong = keymap(dict(wanted))
        self.set_keymap(self.chosen_keys)
        for screen in self.screen_stack:
            for heading in screen.query(Heading):
                heading.again()
            if isinstance(screen, Paned):
                screen.tell_keys()
        return wrong

    def action_press(self, key: str) -> None:
        """Do what a key does: its word was clicked."""
        self.simulate_key(key)

    def action_suspend_process(self) -> None:
        """Stop until the shell goes on with it; where there is none, nobody could take the terminal back."""
        if os.getpgrp() == os.getsid(0):
            self.tell("no shell waits behind vtcode that could bring it back: it is not suspended", "warning")
        else:
            super().action_suspend_process()

    def action_leave(self) -> None:
        """Leave."""
        self.exit(0)

    def tell(self, text: str, severity: str = "info") -> None:
        """One sentence for the person."""
        names: dict[str, Any] = {"info": "information", "warning": "warning", "error": "error"}
        self.notify(text, severity=names.get(severity, "information"), markup=False, timeout=6)
