"""Ids for events: UUID version 7 whose random part is drawn once per journal and counted on from there.

RFC 9562, section 6.2, method 1 with a counter of 26 bits: two events of a journal never share an id, also within a
millisecond, and ids sort as the events do. 48 random bits tell journals apart.
"""

from __future__ import annotations

import secrets
import time
from itertools import count

from vtcode_tui.common.ids import IdSource


def ordered_ids() -> IdSource:
    """A source of ids for one journal."""
    node, now = secrets.token_hex(6), time.time_ns
    numbers = count(secrets.randbits(20))

    def fresh() -> str:
        number, ms = next(numbers), now() // 1_000_000
        return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{number >> 14 & 0xFFF:03x}-{0x8000 | number & 0x3FFF:04x}-{node}"

    return fresh
