"""The last wall: no byte that a terminal obeys, and no hostile link, leaves in the text of a strip.

Text is made safe where it becomes a span (`render.plain`), so that its width is right. This filter stands behind
every widget, so that one forgotten place cannot reach the terminal either.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_LINK = re.compile(r"(?:https?|file|mailto):[!-~]+\Z")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


@lru_cache(4096)
def _safe_style(style: Style) -> Style:
    if style.link and not _LINK.match(style.link):
        return style.update_link(None)
    return style


class Wall(LineFilter):
    """Replaces every character that a terminal would obey by a visible one of the same row, and drops odd links."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments when they are harmless, which is nearly always; harmless ones otherwise."""
        changed = False
        safe: list[Segment] = []
        for segment in segments:
            text, style, _ = segment
            clean = _FORBIDDEN.sub(_visible, text) if not text.isprintable() else text
            look = _safe_style(style) if style is not None and style.link else style
            if clean is not text and clean != text:
                changed = True
                # A control character had no width: what it grew by is taken off the end, and the row still fits.
                while clean and cell_len(clean) > max(1, cell_len(text)):
                    clean = clean[:-1]
                safe.append(Segment(clean, look))
            elif look is not style or segment.control:
                changed = True
                safe.append(Segment(text, look))
            else:
                safe.append(segment)
        return safe if changed else segments
