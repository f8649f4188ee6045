"""Sessions on disk: `session.md`, resume, fork, search, export, and the source of replay. Loaded lazily."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.sessions.casting import to_asciicast
    from vtcode_tui.sessions.conversation import author_of, conversation_of
    from vtcode_tui.sessions.exporting import to_json, to_markdown
    from vtcode_tui.sessions.forking import fork
    from vtcode_tui.sessions.index import Head, JournalIndex
    from vtcode_tui.sessions.items import Item, Parsed, parse, written
    from vtcode_tui.sessions.listing import Hit, Interrupted, Listed, delete, in_use, interrupted, search, sessions
    from vtcode_tui.sessions.page import to_html
    from vtcode_tui.sessions.replay import Landmark, Output, Recording, staged_at_end
    from vtcode_tui.sessions.store import Meta, Store, read_meta

_WHERE = {
    "to_asciicast": "casting",
    "author_of": "conversation",
    "conversation_of": "conversation",
    "to_html": "page",
    "to_json": "exporting",
    "to_markdown": "exporting",
    "fork": "forking",
    "Head": "index",
    "JournalIndex": "index",
    "Item": "items",
    "Parsed": "items",
    "parse": "items",
    "written": "items",
    "Hit": "listing",
    "Interrupted": "listing",
    "Listed": "listing",
    "delete": "listing",
    "in_use": "listing",
    "interrupted": "listing",
    "search": "listing",
    "sessions": "listing",
    "Landmark": "replay",
    "Output": "replay",
    "Recording": "replay",
    "staged_at_end": "replay",
    "Meta": "store",
    "Store": "store",
    "read_meta": "store",
}

__all__ = [
    "Head",
    "Hit",
    "Interrupted",
    "Item",
    "JournalIndex",
    "Landmark",
    "Listed",
    "Meta",
    "Output",
    "Parsed",
    "Recording",
    "Store",
    "author_of",
    "conversation_of",
    "delete",
    "fork",
    "in_use",
    "interrupted",
    "parse",
    "read_meta",
    "search",
    "sessions",
    "staged_at_end",
    "to_asciicast",
    "to_html",
    "to_json",
    "to_markdown",
    "written",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"vtcode_tui.sessions.{_WHERE[name]}"), name)
