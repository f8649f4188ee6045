"""Reads the layers of tool-policy.json: shipped < user < managed, and the workspace's, which can only tighten.

A user's or managed file that is wrong stops everything with file and line: half a policy would be a weaker one. A
workspace's file that is wrong does too, since what it wanted to tighten is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.common.home import MANAGED_FOLDER, Home
from vtcode_tui.common.settings_file import read_settings
from vtcode_tui.common.shipped import shipped
from vtcode_tui.policy.coverage import never_deciding
from vtcode_tui.policy.file import PolicyFile, notices_of, parse, rules_of
from vtcode_tui.policy.located import LARGEST, load
from vtcode_tui.policy.rules import (
    CommandRule,
    HostRule,
    Layer,
    McpRule,
    Notice,
    Origin,
    PathRule,
    Policy,
    Rule,
    ToolRule,
)

NAME = "tool-policy.json"
WORKSPACE_FILES = (NAME, ".vtcode/tool-policy.json")


def load_policy(home: Home, root: Path | None, *, managed: Path = MANAGED_FOLDER) -> Policy:
    """Every rule in force; raises ConfigError naming file and line where a file is wrong."""
    rules: list[Rule] = []
    notices: list[Notice] = []
    default = shipped(NAME)
    layers: list[tuple[Layer, Path]] = [
        ("shipped", default),
        ("user", home.policy_file),
        ("managed", managed / NAME),
    ]
    if root is not None:
        layers += [("workspace", root / name) for name in WORKSPACE_FILES]
    for layer, path in layers:
        if layer == "workspace" and path.resolve() == default.resolve():
            continue
        found, said = read_layer(path, layer)
        rules += found
        notices += said
    return assemble(rules, [*notices, *never_deciding(rules)])


def read_layer(path: Path, layer: Layer) -> tuple[list[Rule], list[Notice]]:
    """The rules of one file; nothing if there is none."""
    raw = read_settings(path, follow=layer != "workspace", largest=LARGEST)
    return read_text(raw, path, layer) if raw is not None else ([], [])


def read_text(raw: bytes, path: Path, layer: Layer) -> tuple[list[Rule], list[Notice]]:
    """The rules in a file's content."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("not UTF-8", file=str(path), line=line) from None
    located = load(text, str(path))
    content = parse(located, str(path))
    origin = Origin(layer, str(path), 1)
    rules = list(rules_of(content, located, origin))
    notices = list(notices_of(content, located, origin))
    if layer == "workspace":
        rules, ignored = _tightening(rules)
        notices += ignored
    return rules, notices


def _tightening(rules: Iterable[Rule]) -> tuple[list[Rule], list[Notice]]:
    """A repository never grants itself anything: what would allow is left out, and said."""
    kept: list[Rule] = []
    ignored: list[Notice] = []
    for rule in rules:
        if isinstance(rule, PathRule):
            if "allow" in {rule.read, rule.write}:
                ignored.append(Notice("a workspace's file cannot allow anything: ignored", rule.origin))
            read = rule.read if rule.read != "allow" else None
            write = rule.write if rule.write != "allow" else None
            if read or write:
                kept.append(PathRule(rule.pattern, read, write, rule.origin, rule.why))
        elif rule.verdict == "allow":
            ignored.append(Notice("a workspace's file cannot allow anything: ignored", rule.origin))
        else:
            kept.append(rule)
    return kept, ignored


def assemble(rules: Iterable[Rule], notices: Iterable[Notice] = ()) -> Policy:
    """A policy of these rules."""
    every = list(rules)
    return Policy(
        tools=tuple(r for r in every if isinstance(r, ToolRule)),
        commands=tuple(r for r in every if isinstance(r, CommandRule)),
        paths=tuple(r for r in every if isinstance(r, PathRule)),
        hosts=tuple(r for r in every if isinstance(r, HostRule)),
        mcp=tuple(r for r in every if isinstance(r, McpRule)),
        notices=tuple(notices),
    )


@lru_cache(maxsize=1)
def policy_schema() -> Mapping[str, Any]:
    """The JSON Schema of tool-policy.json, for editors."""
    schema = PolicyFile.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "vtcode tool-policy.json"
    return schema
