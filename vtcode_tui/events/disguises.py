"""The same bytes when they were wrapped, coloured or escaped: undone, with the way back to their places.

`base64` wraps at 76 characters, `xxd -p` at 60; `grep --color` marks in the middle; a JSON encoder may write any
character as `\\u0061` and a slash as `\\/`; a URL may hold any byte as `%61`. Each is undone on the whole text at
once, up to three deep, because one may stand inside another.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator
from html.entities import html5

import re2

_DEPTH = 3
_COLOUR = rb"\x1b\[[0-?]*[ -/]*[@-~]"
_COLOURS = re.compile(_COLOUR)
_BREAKS = re.compile(rb"[\r\n][ \t\r\n]*|\\(?:[rn]|\r?\n)|" + _COLOUR)
_ESCAPES = re.compile(
    rb"""\\u([0-9a-fA-F]{4})|(?:\\x|%)([0-9a-fA-F]{2})|\\([0-7]{3})|\\([/"'\\])|&(amp|lt|gt|quot|apos|#x?[0-9a-fA-F]{2,4});"""
)
_ONE = rb"(?:\\u[0-9a-fA-F]{4}|(?:\\x|%)[0-9a-fA-F]{2}|\\[0-7]{3}|&#x?[0-9a-fA-F]{2,4};)"
_DENSE = re2.compile(_ONE + rb"(?:[^\n]?" + _ONE + rb"){5}")
_ROW = 3
"""Fewer of each that escapes begin with make no row of six."""


def uncoloured(data: bytes) -> bytes | None:
    """The text without colours; None where there are none."""
    return _COLOURS.sub(b"", data) if b"\x1b" in data else None


def escaped_stretches(data: bytes) -> list[tuple[int, int]]:
    """Where escape stands beside escape: a text that a person would not write so."""
    if data.count(b"\\") < _ROW and data.count(b"%") < _ROW and data.count(b"&") < _ROW:
        return []
    return [found.span() for found in _DENSE.finditer(data)]


class View:
    """A text with something undone."""

    def __init__(self, data: bytes, within: View | None, pattern: re.Pattern[bytes], source: bytes) -> None:
        self.data = data
        self._within, self._pattern, self._source = within, pattern, source
        self._places: tuple[list[int], list[tuple[int, int]]] | None = None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where this stretch of the view stands in the text that everything began with."""
        begin, _ = self._place(start)
        _, behind = self._place(end - 1)
        return (begin, behind) if self._within is None else self._within.origin(begin, behind)

    def _place(self, at: int) -> tuple[int, int]:
        """The stretch of the source that a byte stands for."""
        if self._places is None:
            self._places = self._mapped()
        starts, sources = self._places
        nearest = bisect.bisect_right(starts, at) - 1
        begin, size = sources[nearest]
        return (begin, begin + size) if size else (begin + at - starts[nearest], begin + at - starts[nearest] + 1)

    def _mapped(self) -> tuple[list[int], list[tuple[int, int]]]:
        """From where on in the view which place of its source stands there, and how long it is where it is an
        escape; made when something was found."""
        starts, sources, written, read = [0], [(0, 0)], 0, 0
        for found in self._pattern.finditer(self._source):
            written += found.start() - read
            read = found.end()
            size = len(_plain(found)) if self._pattern is _ESCAPES else 0
            for place in range(size):
                starts.append(written + place)
                sources.append((found.start(), read - found.start()))
            written += size
            starts.append(written)
            sources.append((read, 0))
        return starts, sources


def undisguised(data: bytes) -> Iterator[View]:
    """What `data` says without line breaks and colours, and with escapes read; nothing where there are none."""
    within: View | None = None
    for _ in range(_DEPTH):
        changed = False
        for marks, pattern, put in _UNDOINGS:
            source = within.data if within is not None else data
            if not any(mark in source for mark in marks):
                continue
            undone = pattern.sub(put, source)
            if len(undone) != len(source):
                within, changed = View(undone, within, pattern, source), True
                yield within
        if not changed:
            return


def _plain(found: re.Match[bytes]) -> bytes:
    """The bytes that an escape stands for."""
    if found[4]:
        return found[4]
    if found[5]:
        return _entity(found[5].decode())
    digits = found[1] or found[2] or found[3]
    number = int(digits, 8 if found[3] else 16)
    return chr(number).encode("utf-8", "surrogatepass") if found[1] else bytes((number & 0xFF,))


def _entity(name: str) -> bytes:
    if not name.startswith("#"):
        return html5[f"{name};"].encode()
    try:
        number = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    except ValueError:
        return b"?"
    return chr(number).encode("utf-8", "surrogatepass")


_UNDOINGS: tuple[tuple[tuple[bytes, ...], re.Pattern[bytes], bytes | Callable[[re.Match[bytes]], bytes]], ...] = (
    ((b"\n", b"\r", b"\x1b", b"\\"), _BREAKS, b""),
    ((b"\\", b"%", b"&"), _ESCAPES, _plain),
)
