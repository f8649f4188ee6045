"""Anchors: where the head of the root log is left, out of reach of whoever could rewrite it.

An anchor is one line of text, the same everywhere (the system's log, a git note, a SIEM): the head's C2SP note
without its line breaks. An RFC 3161 token is the same statement signed by somebody else's clock.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.events.notes import Key, key_hash, valid, write_note
from vtcode_tui.events.rootlog import RootHead

ORIGIN = "vtcode/root"
_SOCKETS = ("/dev/log", "/var/run/syslog")
_ANCHOR = re.compile(r"vtcode-anchor v1 (\d{1,12}) ([0-9a-f]{64}) ([A-Za-z0-9+/=]{92})")


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Where the settings want the root log's head to be left at the end of a session (`audit.anchors`)."""

    places: tuple[str, ...] = ("syslog",)
    rfc3161_url: str = ""


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
    return [Anchor(int(size), head, base64.b64decode(sig)) for size, head, sig in _ANCHOR.findall(text)]


def to_syslog(line: str, *, sockets: tuple[str, ...] = _SOCKETS) -> str:
    """Leave an anchor in the system's log, which belongs to root. Returns where it went; empty when nowhere."""
    # Facility authpriv (10), severity notice (5): kept apart from chatter and readable by few.
    message = f"<{10 * 8 + 5}>vtcode[{os.getpid()}]: {line}".encode()
    for path in sockets:
        if not Path(path).exists():
            continue
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1.0)
            try:
                sender.sendto(message, path)
            except OSError:
                continue
            return f"syslog:{path}" if sys.platform != "darwin" else "asl"
    return ""


def timestamp_request(head: str, *, nonce: int | None = None) -> bytes:
    """An RFC 3161 request (DER) for the digest of the root log's head; the caller sends it and keeps the answer."""
    imprint = _der(
        0x30, _der(0x30, bytes.fromhex("0609608648016503040201") + b"\x05\x00") + _der(4, bytes.fromhex(head))
    )
    number = secrets.randbits(63) if nonce is None else nonce
    return _der(
        0x30,
        b"\x02\x01\x01" + imprint + _der(2, number.to_bytes(9, "big").lstrip(b"\0") or b"\0") + b"\x01\x01\xff",
    )


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content
