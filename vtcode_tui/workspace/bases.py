"""What each staged change was made on: the state of the real file when the change was first seen.

Standard library only. Kept in the layer's folder: `bases.json` (path -> state) and `blobs/` (texts by hash), so
that a real file that moved on can be merged with the change instead of being overwritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.beneath import Entry
from vtcode_tui.workspace.describe import MAX_TEXT
from vtcode_tui.workspace.lines import is_binary


def same(one: Entry | None, other: Entry | None) -> bool:
    """Whether two states are the same to a person: kind, content, target, permission bits."""
    if one is None or other is None:
        return one is other
    return (one.kind, one.mode, one.sha256, one.target) == (other.kind, other.mode, other.sha256, other.target)


def to_json(entry: Entry | None) -> list[Any] | None:
    """A state as JSON-able data."""
    return None if entry is None else [entry.kind, entry.mode, entry.sha256, entry.target, entry.size]


def from_json(row: Any) -> Entry | None:
    """The state that `to_json` was given."""
    return None if row is None else Entry(*row)


class Bases:
    """The record of one layer; `save` writes it when something changed."""

    def __init__(self, folder: Path) -> None:
        self._file, self._blobs = folder / "bases.json", folder / "blobs"
        self._states: dict[str, Entry | None] = {}
        self._changed = False
        try:
            data = json.loads(self._file.read_bytes())
            self._states = {path: from_json(row) for path, row in data["states"].items()}
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(f"{self._file} is damaged: discard the layer's changes to begin anew") from error

    def __contains__(self, path: str) -> bool:
        return path in self._states

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._states))

    def get(self, path: str) -> Entry | None:
        """The state that the change of a known path was made on."""
        return self._states[path]

    def put(self, path: str, state: Entry | None, content: bytes | None = None) -> None:
        """Note what changes of `path` are made on from now on."""
        if path in self._states and same(self._states[path], state):
            return
        self._states[path] = state
        self._changed = True
        if state is None or content is None or len(content) > MAX_TEXT or is_binary(content):
            return
        if sha256(content).hexdigest() == state.sha256:  # it may have been exchanged between two looks
            blob = self._blobs / state.sha256
            if not blob.exists():
                write_atomically(blob, content)

    def content(self, path: str) -> bytes | None:
        """The text of the base; None when there is none or it was not kept."""
        state = self._states.get(path)
        if state is None or state.kind != "file":
            return None
        try:
            return (self._blobs / state.sha256).read_bytes()
        except FileNotFoundError:
            return None

    def forget(self, path: str) -> None:
        """The path is no longer changed."""
        if path in self._states:
            del self._states[path]
            self._changed = True

    def save(self) -> None:
        """Write the record, and drop texts that nothing refers to."""
        if not self._changed:
            return
        states = {path: to_json(state) for path, state in sorted(self._states.items())}
        write_atomically(self._file, json.dumps({"version": 1, "states": states}))
        self._changed = False
        used = {state.sha256 for state in self._states.values() if state is not None}
        if self._blobs.is_dir():
            for entry in os.scandir(self._blobs):
                if entry.name not in used:
                    Path(entry.path).unlink(missing_ok=True)
