"""The layers of vtcode.toml, and the settings that come out of them.

    built-in < user's file < command line < /etc/vtcode/vtcode.toml (locked) < the workspace's file (only tightens)

Tables are merged key by key, lists and values replace each other. A key that the managed file sets is locked: the
user's file and the command line have no effect on it, which a notice says. A workspace's value that would loosen a
key has no effect, which a notice says too: a repository must not be able to keep people from opening it, and must
not grant itself anything. Whatever is not understood (a broken file, an unknown key, an impossible value) is an
error in every layer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.common.home import MANAGED_FOLDER, Home
from vtcode_tui.config.keys import check_file, put, sentence, set_in, validate, value_at
from vtcode_tui.config.settings import Settings
from vtcode_tui.config.source import TomlFile, read_toml
from vtcode_tui.config.tighten import RULES, tightened

WORKSPACE_FILE = "vtcode.toml"
"""The workspace's own configuration, in its root."""

LayerName: TypeAlias = Literal["built-in", "user", "command line", "managed", "workspace"]
Override: TypeAlias = tuple[str, Any]
"""A dotted key and its value, from the command line."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from."""

    layer: LayerName
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.layer} {place}".rstrip()


@dataclass(frozen=True, slots=True)
class LayerFile:
    """One file that took part, and the SHA-256 of what was read."""

    layer: LayerName
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, where each value comes from, and what a person should be told."""

    settings: Settings
    provenance: Mapping[str, Source]
    """Dotted key -> source, for every key that a layer set; all others are built in."""
    files: tuple[LayerFile, ...] = ()
    notices: tuple[str, ...] = ()
    """What had no effect, one sentence each."""
    locked: frozenset[str] = field(default_factory=frozenset)

    @property
    def sha256(self) -> str:
        """The digest of the effective settings: what a session's record names."""
        text = json.dumps(self.settings.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def locked_in(self, key: str) -> tuple[str, ...]:
        """What the managed file locks of a key: the key itself, or of a table those below it."""
        return tuple(sorted(one for one in self.locked if one == key or one.startswith(f"{key}.")))

    def source(self, key: str) -> Source:
        """Where the value of a dotted key comes from; for a table with free names, the last part that was set."""
        inner = [one for one in self.provenance if one.startswith(f"{key}.")]
        if inner and key not in self.provenance:
            return self.provenance[inner[-1]]
        while key:
            if key in self.provenance:
                return self.provenance[key]
            key = key.rpartition(".")[0]
        return Source("built-in")


def load(
    home: Home, root: Path | None, *, overrides: Iterable[Override] = (), managed: Path = MANAGED_FOLDER
) -> Loaded:
    """The settings for a workspace (None: outside of any). Raises ConfigError naming file, line and key."""
    user = read_toml(home.settings_file)
    locked_file = read_toml(managed / WORKSPACE_FILE)
    workspace = read_toml(root / WORKSPACE_FILE, follow=False) if root is not None else None
    if workspace is not None and user is not None and workspace.path.resolve() == home.settings_file.resolve():
        workspace = None  # a workspace that holds the user's own configuration folder has no file of its own
    for file in (user, locked_file, workspace):
        if file is not None:
            check_file(file)

    work = _Merge()
    if user is not None:
        work.merge("user", user)
    work.override(overrides)
    if locked_file is not None:
        work.lock(locked_file)
    settings = work.settings()
    if workspace is not None:
        settings = work.tighten(workspace)
    settings = work.close_what_a_minimum_closes(settings)
    layers: tuple[tuple[LayerName, TomlFile | None], ...] = (
        ("user", user),
        ("managed", locked_file),
        ("workspace", workspace),
    )
    files = tuple(LayerFile(name, file.path, file.sha256) for name, file in layers if file is not None)
    return Loaded(settings, work.provenance, files, tuple(work.notices), frozenset(work.locked))


class _Merge:
    """The data so far, with the source of each key; the layers are applied in the order of their rank."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = Settings().model_dump(mode="json")
        self.provenance: dict[str, Source] = {}
        self.notices: list[str] = []
        self.locked: set[str] = set()

    def merge(self, layer: LayerName, file: TomlFile) -> None:
        for key, value in _leaves(file.data):
            self._set(key, value, Source(layer, str(file.path), file.line_of(key)))

    def override(self, overrides: Iterable[Override]) -> None:
        for key, value in overrides:
            nested: dict[str, Any] = {}
            put(nested, key, value)
            try:
                validate(nested)
            except ValidationError as error:
                raise ConfigError(f"command line: {sentence(error.errors()[0])}", key=key) from error
            for leaf, part in _leaves(nested):
                self._set(leaf, part, Source("command line"))

    def lock(self, file: TomlFile) -> None:
        for key, value in _leaves(file.data):
            before = self.provenance.get(key)
            if before is not None and value_at(self.data, key) != value:
                self.notices.append(f"`{key}` of {before} has no effect: {file.path} locks it")
            self._set(key, value, Source("managed", str(file.path), file.line_of(key)))
            self.locked.add(key)

    def tighten(self, file: TomlFile) -> Settings:
        settings = self.settings()
        for rule, key, wanted in ((RULES[name], *found) for name in RULES for found in set_in(file.data, name)):
            current = dict(set_in(self.data, key)).get(key)
            value, notice = tightened(rule, key, current, wanted, floor=self.data["approvals"]["signing"])
            place = f"{file.path}:{file.line_of(key)}"
            if notice:
                self.notices.append(f"{place}: {notice}")
            if value == current:
                continue
            put(self.data, key, value)
            candidate = validate(self.data)
            if clash := next(_contradictions(candidate), None):
                put(self.data, key, current)
                self.notices.append(f"{place}: `{key}` has no effect here: {clash[1]}")
                continue
            settings = candidate
            self.provenance[key] = Source("workspace", str(file.path), file.line_of(key))
        return settings

    def close_what_a_minimum_closes(self, settings: Settings) -> Settings:
        """Whoever asked for a tier gets that or nothing: running without any is no answer to it."""
        minimum = self.provenance.get("sandbox.minimum_tier")
        if minimum is None or not settings.sandbox.allow_unsandboxed:
            return settings
        source = self.source("sandbox.allow_unsandboxed")
        self.notices.append(
            f"`sandbox.allow_unsandboxed` of {source} has no effect: {minimum} asks for tier "
            f"{settings.sandbox.minimum_tier} (`sandbox.minimum_tier`)"
        )
        put(self.data, "sandbox.allow_unsandboxed", False)
        return validate(self.data)

    def settings(self) -> Settings:
        try:
            settings = validate(self.data)
        except ValidationError as error:
            raise ConfigError(sentence(error.errors()[0])) from error
        for key, wrong in _contradictions(settings):
            source = self.source(key)
            raise ConfigError(wrong, file=source.file, line=source.line, key=key)
        return settings

    def source(self, key: str) -> Source:
        return self.provenance.get(key, Source("built-in"))

    def _set(self, key: str, value: Any, source: Source) -> None:
        put(self.data, key, value)
        self.provenance[key] = source


def _leaves(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _contradictions(settings: Settings) -> Iterator[tuple[str, str]]:
    context, audit, approvals = settings.context, settings.audit, settings.approvals
    if context.mask_at >= context.compact_at:
        yield (
            "context.mask_at",
            f"`context.mask_at` ({context.mask_at}) should be below `context.compact_at` ({context.compact_at})",
        )
    if audit.minimum_days > audit.retention_days:
        yield (
            "audit.minimum_days",
            f"`audit.minimum_days` ({audit.minimum_days}) should not be more than "
            f"`audit.retention_days` ({audit.retention_days})",
        )
    if "rfc3161" in audit.anchors and not audit.rfc3161_url:
        yield "audit.anchors", '`audit.anchors` has "rfc3161", which needs `audit.rfc3161_url`'
    signed = {approvals.signing, *approvals.require.values()}
    if signed != {"os-user"} and not approvals.signing_key:
        yield "approvals.signing", "approvals are to be signed, which needs `approvals.signing_key`"
