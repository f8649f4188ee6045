"""Read one TOML file as data with the line of every key, safely and with errors that are one sentence."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.common.settings_file import read_settings

_ERROR_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_HEADER = re.compile(r"\s*(\[\[?)([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """One file as it was read: its data, where each key stands, and the hash of its bytes."""

    path: Path
    data: Mapping[str, Any]
    sha256: str
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, key: str) -> int:
        """The line where `key` (dotted, array items by number) or the nearest table above it stands; 0: unknown."""
        while key:
            if key in self.lines:
                return self.lines[key]
            key = key.rpartition(".")[0]
        return 0


def read_toml(path: Path, *, follow: bool = True) -> TomlFile | None:
    """The file at `path`, or None when there is none. Raises ConfigError with file and line for anything else.

    With `follow` off (files of a workspace) a symbolic link is an error: it could name a file of the human's.
    """
    raw = read_settings(path, follow=follow)
    if raw is None:
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8 text: save it as UTF-8", file=str(path), line=line) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, error) from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply to be a configuration", file=str(path)) from error
    found = TomlFile(path, data, hashlib.sha256(raw).hexdigest(), dict(_locate(text)))
    for key in _unrepresentable(data):
        raise ConfigError(f"{key} should be a finite number", file=str(path), line=found.line_of(key), key=key)
    return found


def _syntax_error(path: Path, text: str, error: tomllib.TOMLDecodeError) -> ConfigError:
    message = str(error)
    place = _ERROR_PLACE.search(message)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    reason = _ERROR_PLACE.sub("", message)
    return ConfigError(f"is not valid TOML: {reason[:1].lower()}{reason[1:]}", file=str(path), line=line)


def _locate(text: str) -> Iterator[tuple[str, int]]:
    """Every key with its line. The text is valid TOML, so each chunk that parses alone is one statement."""
    table, counts = "", dict[str, int]()
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        start = at
        header = _HEADER.match(lines[at])
        if header:
            at += 1
            table = _dotted(f"[{header[2]}]")
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}.{counts[table]}"
            yield table, start + 1
            continue
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        parsed: dict[str, Any] = {}
        while at < len(lines):
            at += 1
            try:
                parsed = tomllib.loads("\n".join(lines[start:at]))
            except tomllib.TOMLDecodeError:
                continue
            break
        for key in _paths(parsed):
            yield f"{table}.{key}" if table else key, start + 1


def _dotted(header: str) -> str:
    data: Any = tomllib.loads(header)
    names = []
    while isinstance(data, dict) and data:
        name = next(iter(data))
        names.append(name)
        data = data[name]
    return ".".join(names)


def _paths(data: Any, prefix: str = "") -> Iterator[str]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in items:
        path = f"{prefix}.{name}" if prefix else str(name)
        yield path
        yield from _paths(value, path)


def _unrepresentable(data: Any, prefix: str = "") -> Iterator[str]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in items:
        path = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, float) and not math.isfinite(value):
            yield path
        yield from _unrepresentable(value, path)
