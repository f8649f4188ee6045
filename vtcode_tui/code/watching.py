"""Keeps a Finder up to date while files come and go in the real workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.code.finder import Finder
from vtcode_tui.code.listing import ignored_in

if TYPE_CHECKING:
    import asyncio


async def watch(finder: Finder, stop: asyncio.Event, *, changed: Callable[[], None] = lambda: None) -> None:
    """Apply what happens below the finder's root until `stop` is set; `changed` is called after each batch."""
    from watchfiles import Change, awatch

    async for batch in awatch(finder.root, stop_event=stop, watch_filter=None, ignore_permission_denied=True):
        ignored = ignored_in(finder.root)
        for kind, name in sorted(batch):
            path = Path(name).relative_to(finder.root).as_posix()
            if path.split("/", 1)[0] == ".git":
                continue
            real = finder.root / path
            if kind is Change.deleted or not (real.exists() or real.is_symlink()):
                finder.remove(path)
            elif (real.is_symlink() or not real.is_dir()) and not ignored(path):
                finder.add(path)
        changed()
