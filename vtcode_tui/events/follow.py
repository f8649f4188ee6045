"""Follows a journal that another process writes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vtcode_tui.events.lines import NAME

_PIECE = 1 << 18


def follow(folder: Path, *, pause: Callable[[], None] = lambda: time.sleep(0.2)) -> Iterator[bytes]:
    """The whole lines of a journal as they come; ends after a final checkpoint that nothing follows.

    A line that is not whole is read anew each time: a crash may have torn it, and whoever goes on cuts it off.
    """
    with (folder / NAME).open("rb") as stream:
        position, size, last = 0, _PIECE, b""
        while True:
            piece = os.pread(stream.fileno(), size, position)
            whole, end, _ = piece.rpartition(b"\n")
            if end:
                position, size = position + len(whole) + 1, _PIECE
                for last in whole.split(b"\n"):
                    yield last
            elif len(piece) == size:
                size *= 2
            elif not piece and _final(last):
                return
            else:
                pause()


def _final(line: bytes) -> bool:
    return b'"type":"log.checkpoint"' in line and b'"data":{"kind":"final"' in line
