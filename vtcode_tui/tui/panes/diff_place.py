"""Where in a diff somebody is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is: file, hunk or clash (None: between them), line number, and the line's text."""

    path: str
    hunk: int | None = None
    line: int = 0
    text: str = ""
    clash: int | None = None
