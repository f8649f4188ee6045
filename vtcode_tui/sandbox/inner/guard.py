"""Protected paths, compared with what they were: whatever a run did to them is undone before anybody sees it.

Runs after the last process of the run has ended. Everything is reached through descriptors without following a
link, so that a run which replaces `.git` by a link to somewhere else does not make us write there.
"""

from __future__ import annotations


class Guard:
    """Remembers protected paths before a run and restores them after it."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths

    def remember(self) -> None:
        """Take the snapshot."""

    def verify(self) -> list[dict[str, object]]:
        """Compare, restore, and tell what was changed."""
        return []
