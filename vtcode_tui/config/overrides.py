"""One `KEY=VALUE` of a command line as a key and a typed value."""

from __future__ import annotations

import tomllib
from typing import Any

from vtcode_tui.common.errors import UsageError


def override(text: str) -> tuple[str, Any]:
    """`sandbox.wall_seconds=60` -> key and value; a value that is no TOML (`off`, `a b`) is a text.

    Raises UsageError when there is no `=` or no key before it.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key or not all(key.split(".")):
        raise UsageError(f"expected KEY=VALUE such as sandbox.wall_seconds=60, found {text!r}")
    try:
        data = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return key, value.strip()
    # More than one key means that the text broke out of its line; then it was no value.
    return (key, data["value"]) if set(data) == {"value"} else (key, value.strip())
