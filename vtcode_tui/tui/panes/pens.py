"""Pens of the terminal emulator as styles of the screen."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.style import Style as RichStyle

if TYPE_CHECKING:
    from vtcode_tui.terminal import Colour, Pen


def _colour(colour: Colour) -> Color | None:
    match colour:
        case None:
            return None
        case int():
            return Color.from_ansi(colour)
        case (red, green, blue):
            return Color.from_rgb(red, green, blue)


@lru_cache(4096)
def look_of(pen: Pen) -> RichStyle:
    """How a pen is drawn: blinking is not, hidden text is blank by its own colour."""
    return RichStyle(
        color=_colour(pen.foreground),
        bgcolor=_colour(pen.background),
        bold=pen.bold or None,
        dim=pen.dim or None,
        italic=pen.italic or None,
        underline=pen.underline or None,
        reverse=pen.reverse or None,
        conceal=pen.hidden or None,
        strike=pen.strike or None,
    )
