"""Blank-separated name patterns as one linear-time matcher: no input makes it slow."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re


@lru_cache(maxsize=4096)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    import re2

    found: re.Pattern[str] = re2.compile("(?s)(?:" + "|".join(map(_translated, patterns)) + ")")
    return found


def _translated(pattern: str) -> str:
    import re2

    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "[" and (end := pattern.find("]", at + 1)) > 0:
            inner = pattern[at:end]
            out.append(f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]")
            at = end + 1
        else:
            out.append(re2.escape(char))
    return "".join(out)


def fits(value: str, patterns: tuple[str, ...]) -> bool:
    """Whether a value is, as a whole, one of these patterns (`*`, `?`, `[a-z]`, `[!a]`)."""
    if value in patterns:
        return True
    try:
        return _compiled(patterns).fullmatch(value) is not None
    except UnicodeEncodeError:
        # A lone surrogate cannot be matched; who asks treats "no match" of `only` as unknown.
        return False
