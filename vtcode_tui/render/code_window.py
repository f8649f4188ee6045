"""Lines of a file by number, made safe and coloured a window at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import islice

from vtcode_tui.render.diff_rows import Lines
from vtcode_tui.render.safety import plain_bytes, visible
from vtcode_tui.render.syntax import START, Stack, highlight, lexer_for
from vtcode_tui.render.types import Span
from vtcode_tui.render.wrap import width

_WINDOW = 16
_FOLLOWED = 128
"""Windows from the beginning of a file up to which a lexer's state is carried on; later ones begin afresh."""


_NEVER = 1 << 60


def _printable(text: bytes) -> bool:
    return text.replace(b"\n", b"").decode("ascii").isprintable()


class CodeWindow:
    """The lines of one side of a diff."""

    def __init__(self, lines: Mapping[int, bytes], name: str, *, syntax: bool) -> None:
        self._lines = lines
        self._name = name if syntax else ""
        first = [lines[number] for number in islice(lines, 200)]
        self._crlf = bool(first) and all(line.endswith(b"\r\n") for line in first if line.endswith(b"\n"))
        self.text = lru_cache(maxsize=1024)(self._text)
        self._window = lru_cache(maxsize=64)(self._coloured)
        self._stacks: dict[int, Stack] = {0: START}
        self._longest: int | None = None
        """Of a text of plain characters, nearly every file of code, the bytes of its longest line."""

    def _bare(self, number: int) -> bytes:
        line = self._lines.get(number, b"")
        return line.removesuffix(b"\r\n") if self._crlf else line.removesuffix(b"\n")

    def _text(self, number: int) -> str:
        return plain_bytes(self._bare(number))

    def exact(self, number: int) -> str:
        """A line with all its blanks and its line end visible."""
        line = self._lines.get(number, b"")
        text = visible(line.removesuffix(b"\n").decode("utf-8", "surrogateescape"))
        return text if line.endswith(b"\n") else f"{text} (no line end)"

    def cells(self, number: int) -> int:
        """The width of a line."""
        line = self._lines.get(number, b"")
        if line.isascii() and line.endswith(b"\n") and line[:-1].decode("ascii").isprintable():
            return len(line) - 1
        return width(self._text(number))

    def short(self, first: int, count: int, room: int) -> bool:
        """Whether each of some lines takes one row of `room` cells."""
        if isinstance(self._lines, Lines):
            if self._longest is None:
                plain = self._lines.text.isascii() and _printable(self._lines.text)
                self._longest = self._lines.longest if plain else _NEVER
            if self._longest <= room:
                return True
        return self._short([self._lines.get(number, b"") for number in range(first, first + count)], room)

    @staticmethod
    def _short(lines: Collection[bytes], room: int) -> bool:
        text = b"".join(lines)
        return max(map(len, lines), default=0) <= room and text.isascii() and _printable(text)

    def spans(self, number: int) -> tuple[Span, ...]:
        """A line in colours."""
        if not self._name:
            return (Span(self.text(number)),)
        window, at = divmod(number - 1, _WINDOW)
        return self._window(window)[at]

    def _coloured(self, window: int) -> list[tuple[Span, ...]]:
        lexer = lexer_for(self._name)
        if window <= _FOLLOWED:
            for before in range(window):
                if before + 1 not in self._stacks:
                    self._stacks[before + 1] = highlight(self._texts(before), lexer, self._stacks[before])[1]
        stack = self._stacks.get(window, START)
        rows, after = highlight(self._texts(window), lexer, stack, ground="")
        if window < _FOLLOWED:
            self._stacks[window + 1] = after
        return rows

    def _texts(self, window: int) -> list[str]:
        return [self.text(number) for number in range(window * _WINDOW + 1, (window + 1) * _WINDOW + 1)]
