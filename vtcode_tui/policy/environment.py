"""What setting a variable does: harmless ones and dangerous ones by name, some by their value; the rest asks."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from vtcode_tui.policy.finding import Effect, Finding
from vtcode_tui.policy.paths import Ground, Use, judge_path
from vtcode_tui.policy.patterns import fits
from vtcode_tui.policy.words import Word

Kind: TypeAlias = Literal["only", "words", "paths", "writes"]
"""The values that are understood: whole ones, blank-separated ones, folders that are read, one that is written."""


@dataclass(frozen=True, slots=True)
class Values:
    """Values with which a variable that is dangerous otherwise does no harm."""

    kind: Kind
    patterns: tuple[str, ...]
    never: tuple[str, ...]
    effect: Effect


@dataclass(frozen=True, slots=True)
class _Table:
    plain: frozenset[str]
    patterns: tuple[str, ...]
    special: dict[str, str]
    wild: tuple[tuple[str, str], ...]
    valued: dict[str, Values]
    switches: tuple[str, ...]


@lru_cache(maxsize=1)
def _table() -> _Table:
    table = tomllib.loads((Path(__file__).parent / "environment.toml").read_text(encoding="utf-8"))
    special = [(n, why) for why, names in table["special"].items() for n in names]
    return _Table(
        frozenset(n for n in table["harmless"] if "*" not in n),
        tuple(n for n in table["harmless"] if "*" in n),
        {n: why for n, why in special if "*" not in n},
        tuple((n, why) for n, why in special if "*" in n),
        {name: _values(body) for names, body in table["valued"].items() for name in names.split()},
        tuple(table["switches"]),
    )


def _values(body: dict[str, Any]) -> Values:
    kinds: tuple[Kind, ...] = ("only", "words", "paths", "writes")
    kind = next(k for k in kinds if k in body)
    patterns = tuple(body[kind]) if isinstance(body[kind], list) else ()
    return Values(kind, patterns, tuple(body.get("never", ())), body.get("effect", "read"))


@lru_cache(maxsize=4096)
def _kind(name: str) -> str | None:
    """Why a variable matters; empty for a harmless one, None for one that nobody has described."""
    table = _table()
    if name in table.plain:
        return ""
    if name in table.special:
        return table.special[name]
    for pattern, why in table.wild:
        if fnmatchcase(name, pattern):
            return why
    return "" if any(fnmatchcase(name, p) for p in table.patterns) else None


def judge(
    name: str, value: Word, exported: bool, folders: tuple[str, ...] | None, ground: Ground
) -> tuple[Finding, Effect]:
    """One assignment: the finding, and the most that it makes a program do."""
    why = _kind(name)
    known = _table().valued.get(name)
    if known is not None and value.value is not None and _understood(value.value, known, folders, ground):
        return Finding("environment", "allow", f"{name}: a value that is understood"), known.effect
    if why:
        return Finding("environment", "prompt", f"{name} {why}"), "read"
    if why == "" or not exported:
        said = f"{name} is harmless" if why == "" else f"{name} stays in the shell"
        return Finding("environment", "allow", said), "read"
    if value.value is not None and fits(value.value, _table().switches):
        return Finding("environment", "allow", f"{name} is switched on or off"), "read"
    return Finding("environment", "prompt", f"what {name} means to the programs that see it is not known"), "read"


def _understood(value: str, known: Values, folders: tuple[str, ...] | None, ground: Ground) -> bool:
    match known.kind:
        case "only":
            return fits(value, known.patterns)
        case "words":
            words = value.split()
            return all(fits(w, known.patterns) and not (known.never and fits(w, known.never)) for w in words)
        case _:
            use: Use = "read" if known.kind == "paths" else "write"
            parts = value.split(":")
            inside = [judge_path(p or ".", use, folder, ground).verdict for p in parts for folder in folders or ()]
            return bool(inside) and all(v == "allow" for v in inside) and all(_own(p, ground) for p in parts)


def _own(path: str, ground: Ground) -> bool:
    """Whether a folder belongs to the workspace, which is what the sandbox contains the code of."""
    return not path.startswith("/") or path == ground.root or path.startswith(ground.root + "/")
