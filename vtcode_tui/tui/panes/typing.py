"""Keys of the person as the bytes that a program in a terminal expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.terminal import Modes


def key_bytes(key: str, character: str | None, modes: Modes) -> bytes:
    """The bytes for one key."""
    if character:
        return character.encode()
    return b""
