"""What a person made of the screen in each workspace: kept in a file of vtcode's own, never in the workspace."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from vtcode_tui.common.files import write_atomically
from vtcode_tui.tui.layout import SIDE, Choice, Shares

KEPT = 200
"""Workspaces that are remembered, the ones used last."""


class Places:
    """The arrangement of one workspace, and the file that holds those of all."""

    def __init__(self, file: Path, root: Path) -> None:
        self._file, self._root = file, str(root)
        self._kept: Choice | None = None

    def recall(self) -> Choice:
        """As it was left; the usual one where nothing (or nothing usable) is remembered."""
        kept = _choice(self._read().get(self._root))
        self._kept = kept
        return kept

    def remember(self, choice: Choice) -> None:
        """Keep the lasting part of a choice: shares, hidden panes and the side pane used last."""
        lasting = Choice(side=choice.side, hidden=choice.hidden, shares=choice.shares)
        if lasting == self._kept:
            return
        self._kept = lasting
        table = self._read()
        table.pop(self._root, None)
        table[self._root] = {
            "side": lasting.side,
            "hidden": sorted(lasting.hidden),
            "chat": lasting.shares.chat,
            "rows": list(lasting.shares.rows),
        }
        newest = dict(list(table.items())[-KEPT:])
        # An arrangement that cannot be kept is not worth a word: it is as easily made again.
        with contextlib.suppress(OSError):
            write_atomically(self._file, json.dumps(newest, indent=1) + "\n")

    def _read(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            table = json.loads(self._file.read_text(encoding="utf-8"))
            if isinstance(table, dict):
                return table
        return {}


def _choice(kept: Any) -> Choice:
    match kept:
        case {"side": str(side), "hidden": list(hidden), "chat": int(chat), "rows": [int(a), int(b), int(c)]} if (
            side in SIDE and all(one in SIDE for one in hidden)
        ):
            shares = Shares((a, b, c)) if min(a, b, c) > 0 else Shares()
            return Choice(side=side, hidden=frozenset(hidden), shares=shares.with_chat(chat))
    return Choice()
