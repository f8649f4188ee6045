"""Where a path leads: `..` and symbolic links followed by reading path metadata, nothing else."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path

MOST_LINKS = 40
LONGEST = 4096


def resolved(path: str, base: str, known: str = "") -> str | None:
    """The absolute path that the kernel would reach from `base`; None where links loop or it is too long.

    Components that do not exist stay as they are written. `known` is a folder that was resolved before (a session's
    root): no link is looked for in its own name.
    """
    if len(path) > LONGEST or "\0" in path:
        return None
    whole = path if path.startswith("/") else f"{base}/{path}"
    reached = [*_components(known)] if known and inside(whole, known) else []
    waiting = whole[len(known) if reached else 0 :].split("/")[::-1]
    links = 0
    missing = False
    while waiting:
        part = waiting.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if reached:
                reached.pop()
            missing = False
            continue
        if missing:
            reached.append(part)
            continue
        here = f"/{'/'.join(reached)}/{part}" if reached else f"/{part}"
        try:
            is_link = stat.S_ISLNK(os.lstat(here).st_mode)
        except OSError:
            missing = True
            reached.append(part)
            continue
        if not is_link:
            reached.append(part)
            continue
        links += 1
        if links > MOST_LINKS:
            return None
        try:
            target = str(Path(here).readlink())
        except OSError:
            return None
        if target.startswith("/"):
            reached = []
        waiting.extend(target.split("/")[::-1])
    return "/" + "/".join(reached)


@lru_cache(maxsize=64)
def _components(folder: str) -> tuple[str, ...]:
    return tuple(part for part in folder.split("/") if part)


def inside(path: str, folder: str) -> bool:
    """Whether a resolved path is a folder or lies below it."""
    return path == folder or path.startswith(folder if folder.endswith("/") else folder + "/")
