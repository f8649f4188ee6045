"""vtcode.toml for people and editors: the shipped example as documentation, and the JSON Schema made with it.

The comments of `vtcode.toml.example` are the only description of the keys; the schema takes its texts from there.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from vtcode_tui.common.shipped import shipped
from vtcode_tui.config.keys import parts
from vtcode_tui.config.settings import Settings

EXAMPLE_FILE = "vtcode.toml.example"
_KEY = re.compile(r"#?([a-z0-9_]+) = ")
_HEADER = re.compile(r"#?\[\[?([a-z0-9_.]+)\]\]?$")
_FREE_NAMES = {"providers.gateway": "providers.*", "audit.exporters": "audit.exporters.*"}


def example() -> str:
    """The text of the shipped example."""
    return shipped(EXAMPLE_FILE).read_text(encoding="utf-8")


def uncommented(text: str) -> str:
    """The example with every key and table in force."""

    def bare(line: str) -> str:
        return line[1:] if line.startswith("#") and (_KEY.match(line) or _HEADER.match(line)) else line

    return "\n".join(map(bare, text.splitlines())) + "\n"


def descriptions() -> Mapping[str, str]:
    """Dotted key -> what it does, from the example's comments; items of free tables as `providers.*.wire`."""
    return dict(_described(example()))


def _described(text: str) -> Iterator[tuple[str, str]]:
    table, comment = "", list[str]()
    for line in text.splitlines():
        if header := _HEADER.match(line):
            table = _FREE_NAMES.get(header[1], header[1])
            if comment:
                yield table, " ".join(comment)
            comment = []
        elif key := _KEY.match(line):
            yield (f"{table}.{key[1]}" if table else key[1]), " ".join(comment)
            comment = []
        elif line.startswith("# "):
            comment.append(line[2:].strip())
        else:
            comment = []


def example_data() -> Mapping[str, Any]:
    """Every key of the example with its value there."""
    return tomllib.loads(uncommented(example()))


def schema() -> dict[str, Any]:
    """The JSON Schema of vtcode.toml, with each key's description, for editors that complete TOML."""
    made = Settings.model_json_schema()
    texts = descriptions()
    definitions: dict[str, Any] = made.get("$defs", {})

    def describe(node: dict[str, Any], path: str) -> None:
        for name, child in node.get("properties", {}).items():
            key = f"{path}.{name}" if path else name
            child.pop("title", None)
            if key in texts:
                child["description"] = texts[key]
            for inner, at in _tables(child, key):
                describe(definitions[inner], at)

    describe(made, "")
    for definition in definitions.values():
        # The docstrings speak to programmers; the keys' own texts come from the example.
        definition.pop("description", None)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "vtcode.toml"
    made["description"] = "The configuration of vtcode"
    return made


def _tables(child: Mapping[str, Any], key: str) -> Iterator[tuple[str, str]]:
    for inner, at in (
        (child, key),
        (child.get("additionalProperties"), f"{key}.*"),
        (child.get("items"), f"{key}.*"),
    ):
        if isinstance(inner, dict) and "$ref" in inner:
            yield inner["$ref"].rsplit("/", 1)[-1], at


def told(settings: Settings, key: str) -> str:
    """The value of a dotted key as a person would write it; empty where there is none."""
    data: Any = settings.model_dump(mode="json")
    for part in parts(key):
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, str) else "" if data is None else json.dumps(data, ensure_ascii=False)
