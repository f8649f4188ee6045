"""JSON with the line of every value, and duplicate keys as errors: what rule files are read with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner; typeshed leaves it out
from typing import Any, TypeAlias

from vtcode_tui.common.errors import ConfigError

Path: TypeAlias = tuple[str | int, ...]
DEEPEST = 40
LARGEST = 4 << 20
_BLANK = " \t\n\r"


@dataclass(slots=True)
class Located:
    """A value and where each part of it stands."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of a part, or of the closest part around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load(text: str, file: str) -> Located:
    """Read JSON; raises ConfigError with file and line for anything wrong."""
    if len(text) > LARGEST:
        raise ConfigError(f"the file is larger than {LARGEST >> 20} MB", file=file, line=1)
    reader = _Reader(text.removeprefix("\ufeff"), file)
    value = reader.value((), 0)
    reader.blank()
    if reader.at < len(reader.text):
        raise reader.wrong("something follows the end of the JSON value")
    return Located(value, reader.lines)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._counted = 0
        self._line = 1

    def wrong(self, message: str) -> ConfigError:
        return ConfigError(message, file=self.file, line=self.here())

    def here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _BLANK:
            self.at += 1

    def value(self, path: Path, depth: int) -> Any:
        self.blank()
        self.lines[path] = self.here()
        if depth > DEEPEST:
            raise self.wrong(f"nested more than {DEEPEST} deep")
        char = self.text[self.at : self.at + 1]
        match char:
            case "{":
                return self._object(path, depth)
            case "[":
                return self._array(path, depth)
            case '"':
                return self._string()
            case "":
                raise self.wrong("the file ends too early")
            case _:
                return self._scalar()

    def _string(self) -> str:
        try:
            value, self.at = scanstring(self.text, self.at + 1, True)
        except json.JSONDecodeError as error:
            raise self.wrong(f"not JSON: {error.msg}") from None
        return str(value)

    def _scalar(self) -> Any:
        end = self.at
        while end < len(self.text) and self.text[end] not in ",]}" + _BLANK:
            end += 1
        word = self.text[self.at : end]
        try:
            value = json.loads(word[:400], parse_constant=self._constant)
        except ValueError:
            raise self.wrong(f"not JSON: {word[:40]!r}") from None
        self.at = end
        return value

    def _constant(self, word: str) -> Any:
        raise ValueError(word)

    def _array(self, path: Path, depth: int) -> list[Any]:
        self.at += 1
        found: list[Any] = []
        self.blank()
        if self._take("]"):
            return found
        while True:
            found.append(self.value((*path, len(found)), depth + 1))
            self.blank()
            if self._take("]"):
                return found
            if not self._take(","):
                raise self.wrong("expected a comma or ] in a list")

    def _object(self, path: Path, depth: int) -> dict[str, Any]:
        self.at += 1
        found: dict[str, Any] = {}
        self.blank()
        if self._take("}"):
            return found
        while True:
            self.blank()
            if self.text[self.at : self.at + 1] != '"':
                raise self.wrong("expected a key in double quotes")
            key = self._string()
            if key in found:
                raise self.wrong(f"the key {key!r} stands twice")
            self.blank()
            if not self._take(":"):
                raise self.wrong(f"expected a colon after {key!r}")
            found[key] = self.value((*path, key), depth + 1)
            self.blank()
            if self._take("}"):
                return found
            if not self._take(","):
                raise self.wrong("expected a comma or } in an object")

    def _take(self, char: str) -> bool:
        if self.text[self.at : self.at + 1] == char:
            self.at += 1
            return True
        return False
