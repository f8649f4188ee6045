"""Anchors: where the head of the root log is left, out of reach of whoever could rewrite it.

An anchor is one line of text, the same everywhere (the system's log, a git note, an exported event): the head's
C2SP note without its line breaks. An RFC 3161 token is the same statement signed by somebody else's clock.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from vtcode_tui.events.notes import Key, key_hash, valid, write_note
from vtcode_tui.events.rootlog import RootHead

ORIGIN = "vtcode/root"
# In CEF an equals sign is escaped.
_ANCHOR = re.compile(r"vtcode-anchor v1 (\d{1,12}) ([0-9a-f]{64}) ([A-Za-z0-9+/]{91}\\?=)")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A statement about the root log that was kept elsewhere."""

    size: int
    head: str
    signature: bytes

    def signed_by(self, public: bytes) -> bool:
        """True when the host key signed it."""
        text = f"{ORIGIN}\n{self.size}\n{base64.b64encode(bytes.fromhex(self.head)).decode()}\n"
        return self.signature[:4] == key_hash(ORIGIN, public) and valid(public, text.encode(), self.signature[4:])


def anchor_line(key: Key, standing: RootHead) -> str:
    """The line that is left elsewhere: size, head and the host key's signature over both."""
    signature = write_note(key, ORIGIN, standing.size, standing.head).rstrip("\n").rpartition(" ")[2]
    return f"vtcode-anchor v1 {standing.size} {standing.head} {signature}"


def find_anchors(text: str) -> list[Anchor]:
    """Every anchor in a text: a system log, the output of `journalctl -t vtcode`, git notes, exported events."""
    return [
        Anchor(int(size), head, base64.b64decode(signature.replace("\\", "")))
        for size, head, signature in _ANCHOR.findall(text)
    ]
