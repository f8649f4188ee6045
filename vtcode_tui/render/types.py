"""Lines of styled text: what every pane draws and nothing else.

A `Style` says what a piece of text *means* (role, ground, emphasis); the theme of `tui/` says how that looks. Texts
of spans are safe to draw: whoever makes a `Span` from foreign text has sent it through `plain` or `visible` first.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

StyleName: TypeAlias = Literal[
    "text",  # ordinary words
    "muted",  # of less interest: times, counts, gutters
    "accent",  # names of things one can act on: tools, files, keys
    "heading",
    "link",
    "code",  # code without a known language
    "quote",
    "rule",  # drawn lines: table borders, separators
    "human",  # what the person said
    "thought",  # the model's reasoning
    "good",
    "caution",
    "bad",
    "escape",  # a character that was made visible
    "added",
    "removed",
    "hunk",  # a hunk's heading
    "syntax.keyword",
    "syntax.name",
    "syntax.type",
    "syntax.string",
    "syntax.number",
    "syntax.comment",
    "syntax.operator",
    "syntax.constant",
    "syntax.decorator",
]
"""What a piece of text is; the foreground."""

Ground: TypeAlias = Literal["", "code", "added", "removed", "added-word", "removed-word", "empty", "match", "human"]
"""What a piece of text stands on; the background. `empty` fills the side of a diff that has no line."""


class Style(NamedTuple):
    """The meaning of a span. Hashable: a theme maps each distinct one to colours once."""

    name: StyleName = "text"
    ground: Ground = ""
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    link: str = ""
    """The full target of a link, already checked: http, https, mailto or file, no control characters."""


TEXT = Style()
MUTED = Style("muted")


class Span(NamedTuple):
    """Text in one style; never holds a line end. A tuple because a screen holds thousands of them."""

    text: str
    style: Style = TEXT


class Line(NamedTuple):
    """One row of the screen. `joined` says that it continues the row before: a wrap, not a line end of the text."""

    spans: tuple[Span, ...] = ()
    joined: bool = False
    fill: Ground = ""
    """The ground of the rest of the row, right of the last span."""

    @property
    def text(self) -> str:
        """The row's characters without styles."""
        return "".join(span.text for span in self.spans)


def line(text: str = "", style: Style = TEXT, *, fill: Ground = "") -> Line:
    """A row in one style."""
    return Line((Span(text, style),) if text else (), fill=fill)


def text_of(lines: tuple[Line, ...] | list[Line]) -> str:
    """The text of rows as a person would copy it: wrapped rows are one line again."""
    parts: list[str] = []
    for index, row in enumerate(lines):
        if index and not row.joined:
            parts.append("\n")
        parts.append(row.text)
    return "".join(parts)
