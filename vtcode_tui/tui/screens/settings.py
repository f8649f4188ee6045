"""The settings screen: every key of vtcode.toml with its value, where that comes from, and what it does.

A change is written into the person's own vtcode.toml, whose comments stay. What a workspace tightened and what an
administrator locked is shown as it is, and says why it cannot be changed here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from vtcode_tui.common.errors import ConfigError, VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.config import Loaded, Settings, load, override
from vtcode_tui.config.describe import descriptions, told
from vtcode_tui.config.keys import leaf_keys, value_at
from vtcode_tui.config.writing import reset_value, set_value
from vtcode_tui.render import MUTED, TEXT, Line, Span, Style, cut, pad, plain_line, spans_of
from vtcode_tui.tui.keys import SETTINGS, bindings, key_on
from vtcode_tui.tui.own_keys import keymap
from vtcode_tui.tui.panes.heading import LEAVES, Heading, Keys, Row
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.choosing import Choosing
from vtcode_tui.tui.screens.pick import Pick

if TYPE_CHECKING:
    pass

NAME, VALUE = 32, 30


def annotation_of(key: str) -> Any:
    """The type of a dotted key of Settings."""
    model: Any = Settings
    for part in key.split("."):
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
        model = model.model_fields[part].annotation
    return model


def choices_of(key: str) -> tuple[str, ...]:
    """The values that a key may have, where these are few."""
    kind = annotation_of(key)
    if kind is bool:
        return ("true", "false")
    for one in (kind, *get_args(kind)):
        if get_origin(one) is Literal:
            return tuple(str(value) for value in get_args(one))
    return ()


class SettingsScreen(Choosing[None]):
    """Change what vtcode.toml says."""

    BINDINGS: ClassVar[list[Any]] = bindings(SETTINGS)

    def __init__(
        self, home: Home, root: Path, themes: tuple[str, ...], changed: Callable[[Loaded, str, str], None]
    ) -> None:
        super().__init__([])
        self._home, self._root, self._themes, self._changed = home, root, themes, changed
        self._keys = [key for key in leaf_keys() if not key.endswith("*")]
        self._texts = descriptions()
        self._loaded: Loaded | None = None
        self._problem = ""
        """Why there is nothing to be listed."""
        self._values: dict[str, str] = {}
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        """A heading, a line to type on, the keys, what the one under the cursor does."""
        with Vertical(id="settings"):
            yield Heading("settings", LEAVES)
            yield Input(placeholder="type to narrow", id="pick-text", compact=True, select_on_focus=False)
            yield self._choices
            yield Keys(id="settings-about")
            yield Row(id="settings-source")
            yield Keys(id="settings-keys")

    def on_mount(self) -> None:
        """Read the layers; the line has the keys."""
        line = self.query_one(Input)
        line.cursor_blink = False
        line.focus()
        self._read()

    def _read(self) -> bool:
        try:
            self._loaded = load(self._home, self._root)
        except VtcodeError as error:
            self._loaded, self._problem = None, str(error)
            self._shown, self._choices.all = [], []
            self._choices.narrow("")
            self._looked_at()
            return False
        self._values = {key: told(self._loaded.settings, key) for key in self._keys}
        self._narrow(keep=True)
        return True

    def _narrow(self, *, keep: bool = False) -> None:
        words = self.query_one(Input).value.lower().split()
        place = self._choices.cursor or 0
        self._shown = [
            key for key in self._keys if all(word in f"{key} {self._texts.get(key, '')}".lower() for word in words)
        ]
        self._choices.all = [self._row(key) for key in self._shown]
        self._choices.narrow("")
        if keep and self._shown:
            self._choices.put_cursor(min(place, len(self._shown) - 1))
        self._looked_at()

    def _row(self, key: str) -> Line:
        assert self._loaded is not None
        source = self._loaded.source(key)
        own = source.layer != "built-in"
        value = cut(plain_line(self._values[key]), VALUE)
        below = [name.removeprefix(f"{key}.") for name in self._loaded.locked_in(key) if name != key]
        words = f"  locked: {plain_line(', '.join(below))}" if below else "  locked"
        lock = (Span(words, Style("caution")),) if self._loaded.locked_in(key) else ()
        return Line(
            (
                *spans_of(f" {pad(cut(key, NAME), NAME)} ", Style("accent") if own else Style("text")),
                *spans_of(pad(value, VALUE), Style("heading") if own else MUTED),
                Span(f"  {source.layer}" if own else "", MUTED),
                *lock,
            )
        )

    def _looked_at(self) -> None:
        key = self._key()
        about, source = self.query_one("#settings-about", Keys), self.query_one("#settings-source", Row)
        if self._loaded is None:
            about.show(_in_words(self._problem, Style("bad")))
            source.show(())
        elif key is None:
            about.show((Span(" no such key", MUTED),))
            source.show(())
        else:
            choices = f"  ({' · '.join(choices_of(key))})" if choices_of(key) else ""
            about.show(_in_words(f"{self._texts.get(key, '')}{choices}"))
            source.show(spans_of(plain_line(f" {self._loaded.source(key)}"), MUTED))
        words = {
            " enter change ": "screen.take",
            f" {key_on(self.app, 'settings.reset')} as built in ": "screen.reset",
        }
        spans = tuple(Span(text, Style("accent") if number == 0 else MUTED) for number, text in enumerate(words))
        file = cut(plain_line(str(self._home.settings_file)), 60)
        self.query_one("#settings-keys", Row).show(spans, (Span(f"{file} ", MUTED),), actions=words)

    def _key(self) -> str | None:
        place = self._place()
        return None if place is None else self._shown[place]

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow."""
        event.stop()
        self._narrow()

    def action_take(self) -> None:
        """Ask for another value."""
        key = self._key()
        if key is None or self._loaded is None:
            return
        if key in self._loaded.locked:
            self.app.notify(f"{key} is locked by {self._loaded.source(key)}", markup=False, severity="warning")
            return
        choices = self._themes if key == "interface.theme" else choices_of(key)
        if choices:
            rows = [Line((Span(" "), *spans_of(plain_line(choice)))) for choice in choices]
            self.app.push_screen(Pick(key, rows), lambda i: None if i is None else self._choose(key, choices[i]))
            return
        hint = 'as in vtcode.toml: 12, true, ["a", "b"], or words'
        self.app.push_screen(
            Ask(key, self._values[key], hint=hint, take=lambda text: self._give(key, text.strip()))
        )

    def _choose(self, key: str, value: str) -> None:
        if complaint := self._give(key, value):
            self.app.notify(complaint, severity="error", markup=False)

    def _give(self, key: str, text: str) -> str:
        """Write it into the person's file; a sentence where it cannot be."""
        try:
            _, value = override(f"{key}={text}")
            if isinstance(value, dict):
                value = self._without_locked(key, value)
            if key == "interface.keys" and isinstance(value, dict) and (wrong := keymap(value)[1]):
                return wrong[0]
            set_value(self._home.settings_file, key, value)
        except VtcodeError as error:
            return str(error)
        self._told(key)
        return ""

    def _without_locked(self, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """What is the person's own of a table. Raises ConfigError where it changes what is locked."""
        assert self._loaded is not None
        locked = {name.removeprefix(f"{key}."): name for name in self._loaded.locked_in(key)}
        inforce = self._loaded.settings.model_dump(mode="json")
        for short, name in locked.items():
            if wanted.get(short) != value_at(inforce, name):
                raise ConfigError(f"{name} is locked by {self._loaded.source(name)}", key=name)
        return {short: value for short, value in wanted.items() if short not in locked}

    def action_reset(self) -> None:
        """Take the key out of the person's file."""
        key = self._key()
        if key is None:
            return
        try:
            reset_value(self._home.settings_file, key)
        except VtcodeError as error:
            self.app.notify(str(error), severity="error", markup=False)
            return
        self._told(key)

    def _told(self, key: str) -> None:
        before = self._values[key]
        if self._read() and self._loaded is not None:
            self._changed(self._loaded, key, before)

    def action_leave(self) -> None:
        """Back to the work."""
        self.dismiss(None)


def _in_words(text: str, style: Style = TEXT) -> tuple[Span, ...]:
    """A sentence that goes on in another row where there is no room."""
    return (Span(" "), *(Span(f"{word} ", style) for word in plain_line(text).split()))
