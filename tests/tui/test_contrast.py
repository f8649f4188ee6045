"""Every meaning can be read in every theme, on everything that it may stand on."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from rich.terminal_theme import TerminalTheme
from textual.color import Color
from textual.theme import Theme

from tests.tui.contrast import AIMS, contrast, of_style
from vtcode_tui.render import Style
from vtcode_tui.render.types import Ground, StyleName
from vtcode_tui.tui.own_themes import own_themes
from vtcode_tui.tui.themes import TERMINAL_DARK, TERMINAL_LIGHT, THEMES, palette_of

OURS = [theme for theme in THEMES if theme.name in AIMS]
DRAWN = {"rule"}
"""Lines, which are no text."""


def of_a_line(name: str) -> bool:
    """Whether a changed word of a line can mean this."""
    return name.startswith("syntax") or name in {"text", "code", "added", "removed"}


def test_the_ratio_is_that_of_the_standard() -> None:
    assert contrast(Color.parse("#ffffff"), Color.parse("#000000")) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), Color.parse("#ffffff")) == pytest.approx(4.48, abs=0.01)
    assert {theme.name for theme in THEMES} == {*AIMS, "vtcode-ansi"}


@pytest.mark.parametrize("made", OURS, ids=lambda made: made.name)
def test_every_meaning_can_be_read_on_every_ground(made: Theme) -> None:
    palette = palette_of(made)
    text = Color.parse(made.foreground or "")
    weak = []
    for name, ground in product(get_args(StyleName), get_args(Ground)):
        if name in DRAWN or ground == "empty" or (ground.endswith("-word") and not of_a_line(name)):
            continue
        # A match has one look, whatever is found; no code stands in a heading or in the status bar.
        look = palette.look(Style("text" if ground == "match" else name, ground))
        places = ("background",) if ground else ("background", "surface", "panel")
        for place in places[: 2 if name.startswith("syntax") else 3]:
            ratio = of_style(look, text, Color.parse(getattr(made, place)))
            if ratio < AIMS[made.name]:
                weak.append(f"{name} on {ground or place}: {ratio:.2f}")
    assert weak == []


@pytest.mark.parametrize("made", OURS, ids=lambda made: made.name)
def test_what_is_selected_can_be_read_and_is_seen(made: Theme) -> None:
    mark, text = (Color.parse(made.variables[f"screen-selection-{part}"]) for part in ("background", "foreground"))
    assert contrast(text, mark) >= AIMS[made.name]
    assert contrast(mark, Color.parse(made.background or "")) >= 1.25


@pytest.mark.parametrize(
    "given",
    [
        "",
        "dark = false",
        'primary = "#ffff00"',
        'dark = false\nprimary = "#101010"\nbackground = "#fdf6e3"\nforeground = "#586e75"',
        'background = "#808080"\nprimary = "#7f7f00"',
    ],
)
def test_what_is_selected_can_be_read_in_a_theme_of_ones_own(tmp_path: Path, given: str) -> None:
    (tmp_path / "mine.toml").write_text(given)
    [made], wrong = own_themes(tmp_path)
    assert wrong == []
    variables = made.to_color_system().generate()
    mark, text = (Color.parse(variables[f"screen-selection-{part}"]) for part in ("background", "foreground"))
    assert text.a == mark.a == 1
    assert contrast(text, mark) >= 4.5
    assert mark != Color.parse(variables["background"])


@pytest.mark.parametrize("colours", [TERMINAL_DARK, TERMINAL_LIGHT])
def test_the_sixteen_colours_of_programs_can_be_read_but_for_black_on_black(colours: TerminalTheme) -> None:
    ground = Color(*colours.background_color)
    ratios = [contrast(Color(*colours.ansi_colors[number]), ground) for number in range(16)]
    assert min(ratios[1:] if colours is TERMINAL_DARK else ratios) >= 4.5
