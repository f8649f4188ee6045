"""The table of places that paths are judged by, compiled for quick look-up."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A list of path patterns; a path is in the place if a pattern covers it or one of its parents."""

    patterns: tuple[tuple[str, ...], ...]
    firsts: dict[str, tuple[tuple[str, ...], ...]]
    """The patterns by their first component, so that most paths need one look-up."""

    def holds(self, path: str) -> bool:
        """Whether an absolute path lies here."""
        end = path.find("/", 1)
        patterns = self.firsts.get(path[1:] if end < 0 else path[1:end])
        if not patterns:
            return False
        parts = [p for p in path.split("/") if p]
        return any(_covers(pattern, parts) for pattern in patterns)

    def below(self, path: str) -> bool:
        """Whether some part of this place lies in a folder (or is it)."""
        parts = [p for p in path.split("/") if p]
        return any(_covers(tuple(parts), list(pattern[: len(parts)])) for pattern in self.patterns if parts)

    def could_hold(self, folder: str, pattern: str) -> bool:
        """Whether a glob below a folder may lead here; errs on the side of yes."""
        parts = [p for p in f"{folder}/{pattern}".split("/") if p]
        certain = parts and not set("*?[") & set(parts[0])
        for place in self.firsts.get(parts[0], ()) if certain else self.patterns:
            shared = zip(parts, place, strict=False)
            if all(fnmatchcase(b, a) or fnmatchcase(a, b) for a, b in shared):
                return True
        return False


def _covers(pattern: tuple[str, ...], parts: list[str]) -> bool:
    if len(parts) < len(pattern):
        return False
    for wanted, part in zip(pattern, parts, strict=False):
        if wanted != part and ("*" not in wanted or not fnmatchcase(part, wanted)):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Places:
    """Every list of `places.toml`, with `~` resolved for one user."""

    credentials: Place
    system: Place
    sinks: Place
    vital: Place
    spared: Place
    autorun: Place
    secrets: tuple[str, ...]
    regenerable: tuple[str, ...]
    own: tuple[str, ...]


@lru_cache(maxsize=1)
def _table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "places.toml").read_text())
    return table


@lru_cache(maxsize=16)
def places(home: str) -> Places:
    """The table for a user's home folder."""
    table = _table()

    def compiled(name: str) -> Place:
        paths = (p.replace("~", home, 1) if p.startswith("~") else p for p in table[name])
        patterns = tuple(tuple(c for c in p.split("/") if c) for p in paths)
        firsts: dict[str, tuple[tuple[str, ...], ...]] = {}
        for pattern in patterns:
            if pattern:
                firsts[pattern[0]] = (*firsts.get(pattern[0], ()), pattern)
        return Place(patterns, firsts)

    return Places(
        credentials=compiled("credentials"),
        system=compiled("system"),
        sinks=compiled("sinks"),
        vital=compiled("vital"),
        spared=compiled("spared"),
        autorun=compiled("autorun"),
        secrets=tuple(table["secrets"]),
        regenerable=tuple(table["regenerable"]),
        own=tuple(table["own"]),
    )


@lru_cache(maxsize=8192)
def named(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file name is one of these patterns, whatever its case."""
    folded = name.casefold()
    return any(folded == p or ("*" in p and fnmatchcase(folded, p)) for p in patterns)
