"""The screen as text with styles, which can be compared and reviewed, and as SVG, for people.

What is drawn has passed the wall; in the SVG every text is escaped, and nothing in it can act or load anything.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

from rich.cells import cell_len
from rich.style import Style
from textual._context import visible_screen_stack
from textual.app import App
from textual.strip import Strip


def strips_of(app: App[Any]) -> list[Strip]:
    """What is on the screen, row by row, as it would be written to the terminal."""
    # A dialog draws what is behind it only if it is told what that is, and remembers what it drew.
    before = visible_screen_stack.set(app._background_screens)
    try:
        return list(app.screen._compositor.render_strips())
    finally:
        visible_screen_stack.reset(before)


@lru_cache(maxsize=1024)
def _words(style: Style | None) -> str:
    if style is None:
        return "-"
    names = {name: getattr(style, name) for name in ("bold", "dim", "italic", "underline", "reverse", "strike")}
    words = [name for name, value in names.items() if value]
    colour = style.color.name if style.color else "default"
    ground = style.bgcolor.name if style.bgcolor else "default"
    return " ".join([colour, "on", ground, *words])


def text_of(app: App[Any]) -> str:
    """The rows, then the styles of each: columns, colours, attributes. Equal rows of styles are one."""
    strips = strips_of(app)
    rows = [strip.text.rstrip() for strip in strips]
    styles: list[str] = []
    last = ""
    for number, strip in enumerate(strips):
        runs: list[tuple[int, int, str]] = []
        x = 0
        for segment in strip:
            size, words = cell_len(segment.text), _words(segment.style)
            if runs and runs[-1][2] == words:
                runs[-1] = (runs[-1][0], x + size, words)
            elif size:
                runs.append((x, x + size, words))
            x += size
        told = "; ".join(f"{start}-{end} {words}" for start, end, words in runs)
        if told != last:
            styles.append(f"{number}: {told}")
            last = told
    return "\n".join([*rows, "", "styles", *styles, ""])


CELL, ROW = 8.4, 18


def svg_of(app: App[Any]) -> str:
    """A picture without fonts of its own: every run of cells is placed by its column."""
    strips = strips_of(app)
    width, height = app.size.width * CELL + 16, app.size.height * ROW + 16
    ground = app.screen.background_colors[1].hex6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        "font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">",
        f'<rect width="100%" height="100%" rx="8" fill="{ground}"/>',
    ]
    for y, strip in enumerate(strips):
        x = 0
        for segment in strip:
            size = cell_len(segment.text)
            parts += _run(segment.text, segment.style, x, y, size, ground)
            x += size
    return "\n".join([*parts, "</svg>", ""])


def _run(text: str, style: Style | None, x: int, y: int, size: int, ground: str) -> list[str]:
    if style is None or not size:
        return []
    fore = style.color.get_truecolor().hex if style.color and not style.color.is_default else "#d6dce5"
    back = style.bgcolor.get_truecolor().hex if style.bgcolor and not style.bgcolor.is_default else ground
    if style.reverse:
        fore, back = back, fore
    left, top = 8 + x * CELL, 8 + y * ROW
    made = []
    if back != ground:
        made.append(
            f'<rect x="{left:.1f}" y="{top}" width="{size * CELL + 0.3:.1f}" height="{ROW + 0.3}" fill="{back}"/>'
        )
    if text.strip():
        lead = len(text) - len(text.lstrip(" "))
        shown = text.strip(" ")
        attributes = [
            f'x="{left + lead * CELL:.1f}"',
            f'y="{top + 13.5}"',
            f'fill="{fore}"',
            'xml:space="preserve"',
        ]
        attributes.append(f'textLength="{cell_len(shown) * CELL:.1f}"')
        attributes += ['font-weight="bold"'] if style.bold else []
        attributes += ['font-style="italic"'] if style.italic else []
        attributes += ['opacity="0.65"'] if style.dim else []
        attributes += ['text-decoration="underline"'] if style.underline else []
        made.append(f"<text {' '.join(attributes)}>{escape(shown)}</text>")
    return made
