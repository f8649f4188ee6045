"""Code intelligence: tree-sitter symbols and outlines, fuzzy file search.

    Finder(root, paths).find(query, limit)     fuzzy search over paths, best first
    watch(finder, stop)                        keeps it up to date
    workers                                    listing, outline_of, symbols: run in the sandbox

Names are loaded when they are first asked for, because workers import this package too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.code.finder import Finder, Match
    from vtcode_tui.code.outlines import Symbol, outline
    from vtcode_tui.code.watching import watch

__all__ = ["Finder", "Match", "Symbol", "outline", "watch"]

_HOMES = {"Finder": "finder", "Match": "finder", "Symbol": "outlines", "outline": "outlines", "watch": "watching"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
