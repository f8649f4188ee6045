"""What a command says to a terminal: words only, whoever named the folder, the file or the branch in them.

A command that is piped gives every byte as it is.
"""

from __future__ import annotations

import io
import sys
from typing import TextIO, cast


class Spoken(io.TextIOWrapper):
    """A terminal that is given nothing that it would obey, reorder or hide."""

    def write(self, text: str, /) -> int:
        """Say it, with every such character made visible."""
        if not text.replace("\n", "").isprintable():
            from vtcode_tui.render import plain  # most of what is said needs it not

            text = plain(text)
        return super().write(text)


def speak_plainly() -> None:
    """From now on standard output and standard error are spoken to, where they are terminals."""
    sys.stdout, sys.stderr = (_spoken(stream) for stream in (sys.stdout, sys.stderr))


def _spoken(stream: TextIO) -> TextIO:
    if isinstance(stream, Spoken) or not stream.isatty():
        return stream
    # The stream that Python opened stays its own, and the descriptor open, whichever of the two goes first.
    return cast(
        TextIO, Spoken(open(stream.fileno(), "wb", closefd=False), "utf-8", "backslashreplace", line_buffering=True)
    )
