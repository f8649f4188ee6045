"""The keys of vtcode.toml as data: their names, what stands near a misspelt one, and what their values are."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.config.settings import Settings
from vtcode_tui.config.source import TomlFile

NAMED_WITH_DOTS = ("interface.keys",)
"""Tables in which a name is one word of the program's own that has dots itself: `"pane.diff"`."""


def parts(key: str) -> tuple[str, ...]:
    """The tables that a dotted key leads through, and its name in the last of them."""
    for table in NAMED_WITH_DOTS:
        if key.startswith(f"{table}."):
            return (*table.split("."), key.removeprefix(f"{table}."))
    return tuple(key.split("."))


def leaf_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every key with a value of its own, dotted; the names that people choose below a table are one key, `*`."""
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaf_keys(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
    if model.model_config.get("extra") == "allow":
        yield f"{prefix}*"


def set_in(data: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    """What `data` has at a key, with its value: at most the key itself, or for `table.*` all names chosen there."""
    table, _, name = key.rpartition(".")
    with contextlib.suppress(KeyError):
        if name != "*":
            yield key, value_at(data, key)
            return
        own = {known.removeprefix(f"{table}.") for known in leaf_keys()}
        yield from (
            (f"{table}.{chosen}", value) for chosen, value in value_at(data, table).items() if chosen not in own
        )


def value_at(data: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key of nested tables; raises KeyError when it is not set."""
    value: Any = data
    for part in parts(key):
        if not isinstance(value, Mapping):
            raise KeyError(key)
        value = value[part]
    return value


def put(data: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key, making the tables on the way."""
    *tables, last = parts(key)
    for table in tables:
        data = data.setdefault(table, {})
    data[last] = value


def validate(data: Mapping[str, Any]) -> Settings:
    """Data as settings, without coercion: a text is not a number. Raises pydantic's ValidationError."""
    # JSON mode, because only there a list is a tuple also when nothing is coerced.
    return Settings.model_validate_json(json.dumps(data, default=str), strict=True)


def check_file(file: TomlFile) -> None:
    """Every key of a file is known and its value possible; raises ConfigError for the first that is not."""
    try:
        validate(file.data)
    except ValidationError as error:
        # A missing key last: what looks missing is mostly the misspelt one.
        first = min(error.errors(), key=lambda e: (e["type"] == "missing", file.line_of(_key(e["loc"]))))
        key = _key(first["loc"])
        raise ConfigError(sentence(first), file=str(file.path), line=file.line_of(key), key=key) from error


def sentence(error: Any) -> str:
    """One of pydantic's errors as a sentence that names the key, what was found and what would be right."""
    key = _key(error["loc"])
    if error["type"] == "extra_forbidden":
        near = nearest(key)
        return f"unknown key `{key}`" + (
            f": did you mean `{near}`?" if near else " (`vtcode config schema` lists all)"
        )
    if error["type"] == "missing":
        return f"`{key}` is missing"
    found = error["input"]
    shown = json.dumps(found, default=str, ensure_ascii=True) if not isinstance(found, dict) else "a table"
    message = str(error["msg"]).replace("Input should be", "should be").replace("a valid array", "a list")
    message = message.replace("a valid tuple", "a list")
    return f"`{key}` {message[:1].lower()}{message[1:]}, found {shown[:80]}"


def nearest(key: str) -> str:
    """The known key that a misspelt one most likely means; empty when none is near."""
    from rapidfuzz import fuzz, process  # only on the way to an error: the start of every command stays light

    table, _, name = key.rpartition(".")
    siblings = {k.rpartition(".")[2]: k for k in _siblings(table)}
    if found := process.extractOne(name, siblings.keys(), scorer=fuzz.ratio, score_cutoff=65):
        return siblings[found[0]]
    everywhere = {k: k.rpartition(".")[2] for k in (*leaf_keys(), *Settings.model_fields)}
    if best := process.extractOne(name, everywhere, scorer=fuzz.ratio, score_cutoff=75):
        return str(best[2])
    return ""


def _siblings(table: str) -> Iterator[str]:
    from vtcode_tui.config import settings as types

    named: dict[str, type[BaseModel]] = {
        "providers": types.Provider,
        "model.chain": types.Link,
        "audit.exporters": types.Exporter,
    }
    for prefix, model in named.items():
        if table.startswith(f"{prefix}."):
            yield from (f"{table}.{name}" for name in model.model_fields)
            return
    known = {*leaf_keys(), *(k.rpartition(".")[0] for k in leaf_keys())} - {""}
    yield from (k for k in sorted(known) if k.rpartition(".")[0] == table)


def _key(location: tuple[int | str, ...]) -> str:
    # pydantic marks the key of a dictionary that failed with a last "[key]"; the name before it is the key.
    return ".".join(str(part) for part in location if part != "[key]")
