"""Follows a journal that another process writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vtcode_tui.events.lines import NAME


def follow(folder: Path, *, pause: Callable[[], None] = lambda: time.sleep(0.2)) -> Iterator[bytes]:
    """The whole lines of a journal as they come; ends after a final checkpoint that nothing follows."""
    with (folder / NAME).open("rb") as stream:
        held = b""
        while True:
            piece = stream.readline()
            if not piece:
                if _final(held):
                    return
                pause()
                continue
            held = held + piece if held and not held.endswith(b"\n") else piece
            if held.endswith(b"\n"):
                yield held[:-1]


def _final(line: bytes) -> bool:
    return b'"type":"log.checkpoint"' in line and b'"data":{"kind":"final"' in line and line.endswith(b"\n")
