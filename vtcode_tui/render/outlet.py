"""What others wrote, on its way to a stream that is not ours: a file or a pipe gets it as it is, to the byte; a
terminal gets nothing that it would obey, reorder or hide.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import IO, Any

from vtcode_tui.render.safety import plain

_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,64}m")
_BEGUN = re.compile(r"\x1b(?:\[[0-9;:]{0,64})?\Z|\r\Z")
"""What may be the first half of a colour, or of a line's end, when a piece stops here."""
_LINES_END = re.compile(r"\r+\n")


def text_for(stream: IO[Any], text: str) -> str:
    """A text for people."""
    return plain(text) if stream.isatty() else text


def json_for(stream: IO[Any], raw: bytes) -> bytes:
    """A line of JSON: equal when it is parsed, whatever a terminal is shown of it."""
    if not stream.isatty():
        return raw
    return _NOT_ASCII.sub(_escaped, raw.decode("utf-8", "backslashreplace")).encode()


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    return char if char.isprintable() else json.dumps(char)[1:-1]


class Outlet:
    """The output of a program, in pieces. A terminal is given its text, its lines, and its colours."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._guarded = stream.isatty()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._half = ""

    def write(self, data: bytes, *, final: bool = False) -> None:
        """Write a piece at once, but for what may be half a sequence; `final` writes that too."""
        if self._guarded:
            text = self._half + self._decoder.decode(data, final)
            begun = None if final else _BEGUN.search(text)
            text, self._half = (text[: begun.start()], begun.group()) if begun else (text, "")
            data = _shown(text).encode("utf-8", "backslashreplace")
        self._stream.write(data)
        self._stream.flush()


def _shown(text: str) -> str:
    text = _LINES_END.sub("\n", text)
    place, shown = 0, []
    for colour in _COLOUR.finditer(text):
        shown += [plain(text[place : colour.start()], tab=8), colour.group()]
        place = colour.end()
    return "".join((*shown, plain(text[place:], tab=8)))
