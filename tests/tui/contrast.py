"""How well text can be told from what it stands on: the contrast of WCAG 2.2 (1.4.3), from 1 to 21."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color

from vtcode_tui.tui.own_themes import luminance
from vtcode_tui.tui.picture import strips_of

AIMS = {"vtcode-dark": 4.5, "vtcode-light": 4.5, "vtcode-contrast": 7.0}
"""What text has at least, by theme: level AA, and AAA where contrast is what the theme is for. `vtcode-ansi` takes
the terminal's colours, which are not ours to measure."""


def contrast(text: Color, ground: Color) -> float:
    """The ratio of two colours."""
    lighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=10_000)
def of_style(style: Style, text: Color, ground: Color) -> float:
    """The ratio of a style; what it does not say is taken from `text` and `ground`."""
    fore = Color.from_rich_color(style.color) if style.color and not style.color.is_default else text
    back = Color.from_rich_color(style.bgcolor) if style.bgcolor and not style.bgcolor.is_default else ground
    if style.reverse:
        fore, back = back, fore
    return contrast(back.blend(fore, 0.5) if style.dim else fore, back)


def faint(app: App[Any]) -> list[str]:
    """Words on the screen that are harder to read than the theme promises; what a dialog dims is not asked."""
    top = app.screen
    region = top.children[0].region if len(app.screen_stack) > 1 else top.region
    text, ground = top.background_colors[1].get_contrast_text(1.0), top.background_colors[1]
    found = set()
    for y, strip in enumerate(strips_of(app)):
        if not region.y <= y < region.bottom:
            continue
        for segment in strip.crop(region.x, region.right):
            if segment.style is None or not any(character.isalnum() for character in segment.text):
                continue
            ratio = of_style(segment.style, text, ground)
            if ratio < AIMS[app.theme]:
                found.add(f"{app.theme}: {segment.text.strip()!r} has {ratio:.2f} in {segment.style}")
    return sorted(found)
