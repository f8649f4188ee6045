"""Reading JSON that a stranger wrote: every function is total, and a value of the wrong type counts as absent."""

from __future__ import annotations

from collections.abc import Sequence


def entry(value: object, key: str, otherwise: object = None) -> object:
    """The value under a key of an object, `otherwise` when it is absent, null, or this is no object."""
    if isinstance(value, dict):
        found: object = value.get(key)
        return otherwise if found is None else found
    return otherwise


def text(value: object, key: str) -> str:
    """The string under a key, or an empty one."""
    if isinstance(value, dict):
        found = value.get(key)
        if isinstance(found, str):
            return found
    return ""


def number(value: object, key: str) -> int:
    """The whole number under a key, or 0; from 0 to 2^53, so that sums stay exact, and true is not a number."""
    found = entry(value, key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 2**53:
        return 0
    return int(found)


def items(value: object, key: str) -> Sequence[object]:
    """The list under a key, or an empty one."""
    found = entry(value, key)
    return found if isinstance(found, list) else ()
