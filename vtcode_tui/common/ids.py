"""Time-ordered identifiers: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeAlias

IdSource: TypeAlias = Callable[[], str]
"""Makes a fresh id at each call; tests inject a counting one."""


def uuid7() -> str:
    """A new UUIDv7 in its 36-character text form, from the wall clock in ms and 74 random bits."""
    ms = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (ms & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | random & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
