"""What setting a variable does: harmless ones and dangerous ones by name, the rest asks."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from vtcode_tui.policy.finding import Finding
from vtcode_tui.policy.words import Word


@lru_cache(maxsize=1)
def _table() -> tuple[frozenset[str], tuple[str, ...], dict[str, str], tuple[tuple[str, str], ...]]:
    table = tomllib.loads((Path(__file__).parent / "environment.toml").read_text())
    plain = [n for n in table["harmless"] if "*" not in n]
    patterns = [n for n in table["harmless"] if "*" in n]
    special = {n: why for why, names in table["special"].items() for n in names if "*" not in n}
    wild = [(n, why) for why, names in table["special"].items() for n in names if "*" in n]
    return frozenset(plain), tuple(patterns), special, tuple(wild)


@lru_cache(maxsize=4096)
def _kind(name: str) -> str | None:
    """Why a variable matters; empty for a harmless one, None for one that nobody has described."""
    plain, patterns, special, wild = _table()
    if name in plain:
        return ""
    if name in special:
        return special[name]
    for pattern, why in wild:
        if fnmatchcase(name, pattern):
            return why
    return "" if any(fnmatchcase(name, p) for p in patterns) else None


def judge(name: str, value: Word, exported: bool, before_command: bool) -> Finding:
    """One assignment."""
    why = _kind(name)
    if why:
        if name in {"PAGER", "GIT_PAGER", "MANPAGER"} and value.value in {"", "cat"}:
            return Finding("environment", "allow", f"{name}: no pager")
        return Finding("environment", "prompt", f"{name} {why}")
    if why == "" or not exported:
        return Finding("environment", "allow", f"{name} is harmless" if why == "" else f"{name} stays in the shell")
    return Finding("environment", "prompt", f"what {name} means to the programs that see it is not known")
