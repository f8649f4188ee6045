"""Changes one key of the user's own vtcode.toml and leaves every other byte of it, comments too, as it was.

The new text is held against the whole vocabulary before anything is written, and takes the file's place at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.config.keys import parts, sentence, validate
from vtcode_tui.config.source import read_toml


def set_value(file: Path, key: str, value: Any) -> None:
    """Give a dotted key a value of TOML's types. Raises ConfigError, and writes nothing, when it is impossible."""
    set_values(file, {key: value})


def set_values(file: Path, values: Mapping[str, Any]) -> None:
    """Give several dotted keys their values, with one write: all of them or, with ConfigError, none."""
    document = _document(file)
    key = ""
    for key, value in values.items():
        *tables, last = parts(key)
        table: MutableMapping[str, Any] = document
        for name in tables:
            if name not in table:
                table[name] = tomlkit.table()
            inner = table[name]
            if not isinstance(inner, MutableMapping):
                raise ConfigError(f"`{name}` is no table there", file=str(file), key=key)
            table = inner
        _put(table, last, value)
    _write(file, document, key)


def _put(table: MutableMapping[str, Any], name: str, value: Any) -> None:
    """Set a value; of a table that is there only what is different, so that its comments stay."""
    there = table.get(name)
    if not isinstance(value, Mapping):
        table[name] = value
    elif isinstance(there, MutableMapping):
        for one in [one for one in there if one not in value]:
            del there[one]
        for one, inner in value.items():
            if one not in there or there[one] != inner:
                there[one] = inner
    else:
        inline = tomlkit.inline_table()
        inline.update(value)
        table[name] = inline


def reset_value(file: Path, key: str) -> None:
    """Take a dotted key out of the file, where it is, so that the layer below says what it is."""
    document = _document(file)
    *tables, last = parts(key)
    table: Any = document
    for name in tables:
        table = table.get(name) if isinstance(table, Mapping) else None
    if isinstance(table, MutableMapping) and last in table:
        del table[last]
        _write(file, document, key)


def _document(file: Path) -> tomlkit.TOMLDocument:
    # What is there already must be understood: a broken file is answered with its line, never repaired by guess.
    if read_toml(file) is None:
        return tomlkit.document()
    return tomlkit.parse(file.read_text(encoding="utf-8"))


def _write(file: Path, document: tomlkit.TOMLDocument, key: str) -> None:
    text = tomlkit.dumps(document)
    try:
        validate(tomllib.loads(text))
    except ValidationError as error:
        raise ConfigError(sentence(error.errors()[0]), file=str(file), key=key) from error
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
        write_atomically(file.resolve(), text, mode=mode)
    except OSError as error:
        raise ConfigError(f"it cannot be written: {error.strerror}", file=str(file), key=key) from error
