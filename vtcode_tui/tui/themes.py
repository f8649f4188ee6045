"""Colours: four themes, and what each meaning of `render.types.Style` looks like in them.

A pane never names a colour. It draws spans that say what they mean, and the palette of the theme in force turns
them into terminal styles. Colours of TCSS are the theme's variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style as RichStyle
from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

from vtcode_tui.render import DARK, LIGHT, Style


@dataclass(frozen=True, slots=True)
class Palette:
    """The look of every meaning: Rich style definitions by style name and by ground."""

    names: Mapping[str, str]
    grounds: Mapping[str, str]

    def look(self, style: Style) -> RichStyle:
        """The terminal style of a meaning, without the background that it inherits from its pane."""
        # A ground of the name's own (a character made visible) wins over the ground that it stands on.
        ground, name = self.grounds.get(style.ground, ""), self.names.get(style.name, "")
        look = RichStyle.parse(ground or "none") + RichStyle.parse(name or "none")
        if style.bold or style.italic or style.underline or style.strike:
            look += RichStyle(
                bold=style.bold or None,
                italic=style.italic or None,
                underline=style.underline or None,
                strike=style.strike or None,
            )
        return look + RichStyle(link=style.link) if style.link else look


_DARK, _LIGHT = Palette(DARK.names, DARK.grounds), Palette(LIGHT.names, LIGHT.grounds)
_CONTRAST = Palette(
    {
        "muted": "#d0d0d0",
        "accent": "bold #00ffff",
        "heading": "bold #ffffff",
        "link": "underline #9ccfff",
        "code": "#ffffff",
        "quote": "italic #e0e0e0",
        "rule": "#9a9a9a",
        "human": "bold #ffff00",
        "thought": "italic #d0d0d0",
        "good": "bold #00ff66",
        "caution": "bold #ffd700",
        "bad": "bold #ff9a9a",
        "escape": "bold #000000 on #ffd700",
        "added": "#66ff99",
        "removed": "#ffb3b3",
        "hunk": "bold #9ccfff",
        "syntax.keyword": "bold #ffb3ff",
        "syntax.name": "#9ccfff",
        "syntax.type": "#00ffff",
        "syntax.string": "#66ff99",
        "syntax.number": "#ffbf80",
        "syntax.comment": "italic #d0d0d0",
        "syntax.constant": "#ffbf80",
        "syntax.decorator": "#ffd700",
    },
    {
        "code": "on #141414",
        "added": "on #002600",
        "removed": "on #330000",
        "added-word": "underline on #003d00",
        "removed-word": "underline on #5c0000",
        "match": "#000000 on #ffd700",
        "human": "on #0f2740",
    },
)
_ANSI = Palette(
    {
        "muted": "dim",
        "accent": "cyan",
        "heading": "bold",
        "link": "underline",
        "quote": "italic",
        "rule": "dim",
        "human": "bold",
        "thought": "dim italic",
        "good": "green",
        "caution": "yellow",
        "bad": "bold red",
        "escape": "reverse",
        "added": "green",
        "removed": "red",
        "hunk": "bold",
        "syntax.keyword": "bold",
        "syntax.comment": "dim",
    },
    {"added-word": "bold underline", "removed-word": "bold underline", "match": "reverse"},
)

_PLAIN_VARIABLES = {
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
    "input-selection-background": "ansi_bright_blue",
    "input-selection-foreground": "ansi_black",
    "screen-selection-background": "ansi_bright_blue",
    "screen-selection-foreground": "ansi_black",
    "block-cursor-foreground": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-text-style": "reverse",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    "scrollbar": "ansi_white",
    "scrollbar-hover": "ansi_white",
    "scrollbar-active": "ansi_white",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
    "scrollbar-corner-color": "ansi_default",
    "border": "ansi_default",
    "border-blurred": "ansi_default",
}


def _quiet(line: str, bar: str, *, cursor: str, cursor_text: str, selection: str, text: str) -> dict[str, str]:
    return {
        "border": line,
        "border-blurred": line,
        "scrollbar": bar,
        "scrollbar-hover": bar,
        "scrollbar-active": bar,
        "block-cursor-background": cursor,
        "block-cursor-foreground": cursor_text,
        "block-cursor-text-style": "none",
        "input-cursor-background": cursor,
        "input-cursor-foreground": cursor_text,
        "input-cursor-text-style": "none",
        "input-selection-background": selection,
        "screen-selection-background": selection,
        "screen-selection-foreground": text,
        "text-muted": bar,
    }


THEMES: tuple[Theme, ...] = (
    Theme(
        name="vtcode-dark",
        primary="#7cc4c8",
        secondary="#8ab4e8",
        accent="#e5b567",
        warning="#e5b567",
        error="#ef7d82",
        success="#95c586",
        foreground=DARK.text,
        background=DARK.ground,
        surface="#1b1f26",
        panel="#222832",
        boost="#2a313c",
        dark=True,
        variables=_quiet(
            "#2e3540", "#3a4350", cursor="#d6dce5", cursor_text="#16191e", selection="#31435a", text="#ffffff"
        ),
    ),
    Theme(
        name="vtcode-light",
        primary="#0b6e75",
        secondary="#1f5fb0",
        accent="#8a5a00",
        warning="#8a5a00",
        error="#b3261e",
        success="#2c7030",
        foreground=LIGHT.text,
        background=LIGHT.ground,
        surface="#f4f2ec",
        panel="#eae7df",
        boost="#e0dcd2",
        dark=False,
        variables=_quiet(
            "#d6d2c8", "#c4bfb3", cursor="#252a33", cursor_text="#fbfaf7", selection="#cfe0f5", text="#14181f"
        ),
    ),
    Theme(
        name="vtcode-contrast",
        primary="#00ffff",
        secondary="#7fbfff",
        accent="#ffd700",
        warning="#ffd700",
        error="#ff6b6b",
        success="#00ff66",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#262626",
        boost="#333333",
        dark=True,
        variables=_quiet(
            "#ffffff", "#ffffff", cursor="#ffff00", cursor_text="#000000", selection="#0047b3", text="#ffffff"
        ),
    ),
    Theme(
        name="vtcode-ansi",
        ansi=True,
        primary="ansi_cyan",
        secondary="ansi_blue",
        accent="ansi_yellow",
        warning="ansi_yellow",
        error="ansi_red",
        success="ansi_green",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        dark=True,
        variables=_PLAIN_VARIABLES,
    ),
)
"""`vtcode-ansi` takes the terminal's own sixteen colours, and is what NO_COLOR uses with the colours taken out."""

TERMINAL_DARK = TerminalTheme(
    (22, 25, 30),
    (214, 220, 229),
    [(58, 66, 78), (239, 125, 130), (149, 197, 134), (229, 181, 103),
     (138, 180, 232), (195, 154, 224), (124, 196, 200), (201, 210, 223)],
    [(127, 138, 153), (255, 154, 158), (177, 221, 162), (245, 206, 140),
     (168, 204, 250), (217, 184, 240), (156, 220, 224), (255, 255, 255)],
)  # fmt: skip
TERMINAL_LIGHT = TerminalTheme(
    (251, 250, 247),
    (37, 42, 51),
    [(37, 42, 51), (179, 38, 30), (44, 112, 48), (138, 90, 0),
     (31, 95, 176), (122, 62, 157), (11, 110, 117), (107, 114, 128)],
    [(79, 87, 99), (196, 52, 42), (46, 124, 52), (146, 96, 4),
     (42, 108, 190), (146, 84, 182), (14, 120, 128), (88, 95, 107)],
)  # fmt: skip
"""What the sixteen colours of programs look like in the terminal pane."""

_PALETTES = {
    "vtcode-dark": _DARK,
    "vtcode-light": _LIGHT,
    "vtcode-contrast": _CONTRAST,
    "vtcode-ansi": _ANSI,
}


def register_palette(name: str, palette: Palette) -> None:
    """Give a theme of the person's own its palette."""
    _PALETTES[name] = palette


def palette_of(theme: Theme) -> Palette:
    """The palette of a theme; a theme of the user's own takes the one that fits its brightness."""
    if theme.name in _PALETTES:
        return _PALETTES[theme.name]
    return _ANSI if theme.ansi else _DARK if theme.dark else _LIGHT
