"""Themes of the person's own: one TOML file each in the folder `themes` beside their vtcode.toml.

dark = true
primary = "#7cc4c8"        any of Textual's names: secondary, accent, warning, error, success, foreground,
background = "#101010"     background, surface, panel, boost
[text]                     what a meaning looks like: muted, accent, code, good, caution, bad, added, ...
muted = "italic #808080"
[ground]                   what it stands on: code, added, removed, added-word, removed-word, match, human, ...
added = "on #17281d"
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.errors import StyleSyntaxError
from rich.style import Style as RichStyle
from textual.color import Color, ColorParseError
from textual.theme import Theme

from vtcode_tui.tui.themes import THEMES, Palette, palette_of, register_palette

COLOURS = (
    "primary", "secondary", "accent", "warning", "error", "success", "foreground", "background", "surface", "panel",
    "boost",
)  # fmt: skip

_MIDDLE = 0.179
"""The luminance on which black and white have the same contrast by WCAG 2.2, 4.6."""


def own_themes(folder: Path) -> tuple[list[Theme], list[str]]:
    """The themes of a folder by their files' names, and one sentence for each file that is none."""
    made: list[Theme] = []
    wrong: list[str] = []
    for file in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        try:
            made.append(_theme(file.stem, tomllib.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError) as error:
            wrong.append(f"{file}: {error}")
    return made, wrong


def no_theme(name: str, own: Sequence[str]) -> str:
    """A sentence where no theme has this name, neither a shipped one nor one of the person's `own`."""
    names = (*(theme.name for theme in THEMES), *own)
    return "" if name in names else f"[interface] theme: there is no `{name}`; it is one of {', '.join(names)}"


def _theme(name: str, given: dict[str, Any]) -> Theme:
    dark = given.pop("dark", True)
    if not isinstance(dark, bool):
        raise ValueError("`dark` is true or false")
    text, ground = (_looks(given.pop(table, {}), table) for table in ("text", "ground"))
    for key, value in given.items():
        if key not in COLOURS:
            raise ValueError(f"`{key}` is no colour of a theme: {', '.join(COLOURS)}")
        try:
            Color.parse(value)
        except (ColorParseError, TypeError, AttributeError):
            raise ValueError(f'`{key}` is a colour such as "#7cc4c8", not {value!r}') from None
    colours: dict[str, Any] = {"primary": "#7cc4c8", **given}
    theme = Theme(name=name, dark=dark, **colours)
    theme.variables.update(_mark(theme))
    usual = palette_of(theme)
    register_palette(name, Palette({**usual.names, **text}, {**usual.grounds, **ground}))
    return theme


def _mark(theme: Theme) -> dict[str, str]:
    """What is selected: black or white on a mark, for Textual's own mark leaves the text no colour at all."""
    system = theme.to_color_system().generate()
    mark = Color.parse(system["background"]).blend(Color.parse(system["primary"]), 0.3)
    text = "#000000" if luminance(mark) > _MIDDLE else "#ffffff"
    return {"screen-selection-background": mark.hex, "screen-selection-foreground": text}


def luminance(colour: Color) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _looks(table: Any, name: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ValueError(f"`{name}` is a table")
    for key, look in table.items():
        try:
            RichStyle.parse(look)
        except (StyleSyntaxError, AttributeError, TypeError):
            raise ValueError(f'`{name}.{key}` is a style such as "bold #7cc4c8", not {look!r}') from None
    return table
