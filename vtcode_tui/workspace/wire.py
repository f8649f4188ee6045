"""Change sets as JSON-able data, to pass from a worker to the main process. Standard library only.

Bytes travel as text with surrogate escapes, which JSON's `\\udcXX` keeps; the way back gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from vtcode_tui.workspace.changes import ChangeSet, Clash, FileChange, Hunk


def text_of(data: bytes) -> str:
    """Bytes as text that survives JSON."""
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes that `text_of` was given."""
    return text.encode("utf-8", "surrogateescape")


def encode(changes: ChangeSet) -> dict[str, Any]:
    """A change set as JSON-able data."""
    return {"files": [_encode(change) for change in changes.files]}


def decode(data: Mapping[str, Any]) -> ChangeSet:
    """The change set that `encode` was given."""
    return ChangeSet(tuple(_decode(change) for change in data["files"]))


def _encode(change: FileChange) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields(FileChange):
        value = getattr(change, field.name)
        if isinstance(value, bytes):
            row[field.name] = text_of(value)
        elif field.name == "hunks":
            row["hunks"] = [
                [h.index, h.old_start, [*map(text_of, h.old_lines)], h.new_start, [*map(text_of, h.new_lines)]]
                for h in change.hunks
            ]
        elif field.name == "clashes":
            row["clashes"] = [
                [c.index, c.start, *([*map(text_of, lines)] for lines in (c.base, c.workspace, c.agent))]
                for c in change.clashes
            ]
        else:
            row[field.name] = value
    return row


def _decode(row: Mapping[str, Any]) -> FileChange:
    hunks = tuple(
        Hunk(index, old_start, tuple(map(bytes_of, old)), new_start, tuple(map(bytes_of, new)))
        for index, old_start, old, new_start, new in row["hunks"]
    )
    clashes = tuple(
        Clash(index, start, *(tuple(map(bytes_of, lines)) for lines in sides))
        for index, start, *sides in row["clashes"]
    )
    texts = {name: bytes_of(row[name]) for name in ("old_text", "new_text")}
    return FileChange(**{**row, "hunks": hunks, "clashes": clashes, **texts})
