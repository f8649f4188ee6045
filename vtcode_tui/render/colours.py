"""The colours of every meaning, dark and light: what the screen's two usual themes and an exported page share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colours:
    """Each look is words of rich: `bold`, `italic`, `underline`, a colour, `on` a colour."""

    text: str
    ground: str
    names: Mapping[str, str]
    """By the name of a style."""
    grounds: Mapping[str, str]
    """By the ground of a style."""


DARK = Colours(
    "#d6dce5",
    "#16191e",
    {
        "muted": "#97a2b1",
        "accent": "#7cc4c8",
        "heading": "bold #e8ecf2",
        "link": "underline #8ab4e8",
        "code": "#c9d2df",
        "quote": "italic #a3adbb",
        "rule": "#3a424e",
        "human": "#f0e6d2",
        "thought": "italic #97a2b1",
        "good": "#95c586",
        "caution": "#e5b567",
        "bad": "#f28b90",
        "escape": "bold #16191e on #e5b567",
        "added": "#b5d8a6",
        "removed": "#efb0b0",
        "hunk": "#8ab4e8",
        "syntax.keyword": "#c9a3e4",
        "syntax.name": "#93bbec",
        "syntax.type": "#7cc4c8",
        "syntax.string": "#a8cc8c",
        "syntax.number": "#e3b085",
        "syntax.comment": "italic #9aa5b4",
        "syntax.operator": "#b4becd",
        "syntax.constant": "#e3b085",
        "syntax.decorator": "#e5b567",
    },
    {
        "code": "on #1c2129",
        "added": "on #17281d",
        "removed": "on #2d1b20",
        "added-word": "on #1f4128",
        "removed-word": "on #532530",
        "empty": "on #12151a",
        "match": "#16191e on #e5b567",
        "human": "on #1f242d",
    },
)
LIGHT = Colours(
    "#252a33",
    "#fbfaf7",
    {
        "muted": "#5a616d",
        "accent": "#0a666c",
        "heading": "bold #14181f",
        "link": "underline #1c58a4",
        "code": "#2b323d",
        "quote": "italic #4f5763",
        "rule": "#cfcbc2",
        "human": "#3a2c12",
        "thought": "italic #5a616d",
        "good": "#27662b",
        "caution": "#7d5100",
        "bad": "#a82019",
        "escape": "bold #ffffff on #8a5a00",
        "added": "#1e5a25",
        "removed": "#8c1d18",
        "hunk": "#1c58a4",
        "syntax.keyword": "#6d3590",
        "syntax.name": "#194f95",
        "syntax.type": "#07595f",
        "syntax.string": "#2f5a17",
        "syntax.number": "#7f3f00",
        "syntax.comment": "italic #505763",
        "syntax.operator": "#414956",
        "syntax.constant": "#7f3f00",
        "syntax.decorator": "#6e4700",
    },
    {
        "code": "on #f1eee7",
        "added": "on #e4f3df",
        "removed": "on #fbe6e3",
        "added-word": "on #bfe4b6",
        "removed-word": "on #f7c8c2",
        "empty": "on #f2efe8",
        "match": "#ffffff on #8a5a00",
        "human": "on #efebe2",
    },
)
