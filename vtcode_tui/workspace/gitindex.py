"""The paths that a git index tracks, read from its bytes. Standard library only; no git is started.

The format is git's Documentation/gitformat-index: versions 2 to 4.
"""

from __future__ import annotations

import struct

Entries = dict[tuple[str, int], tuple[str, int]]
"""(path, stage) -> (object id, mode): what a person means by the index, without the cached file status."""


def entries_of(data: bytes) -> Entries | None:
    """The entries of an index; None when it is not understood."""
    try:
        return _entries(data)
    except (struct.error, IndexError, ValueError):
        return None


def _entries(data: bytes) -> Entries | None:
    signature, version, count = struct.unpack_from(">4sII", data)
    if signature != b"DIRC" or version not in {2, 3, 4}:
        return None
    size = 32 if _sha256(data) else 20
    found: Entries = {}
    at, previous = 12, b""
    for _ in range(count):
        start = at
        (mode,) = struct.unpack_from(">I", data, at + 24)
        digest = data[at + 40 : at + 40 + size]
        at += 40 + size
        (flags,) = struct.unpack_from(">H", data, at)
        at += 2
        if flags & 0x4000:
            at += 2
        if version == 4:
            strip, at = _varint(data, at)
            end = data.index(b"\0", at)
            name = previous[: len(previous) - strip] + data[at:end]
            at = end + 1
        else:
            end = data.index(b"\0", at)
            name = data[at:end]
            at = start + (end - start + 8) // 8 * 8
        previous = name
        found[name.decode("utf-8", "surrogateescape"), flags >> 12 & 3] = (digest.hex(), mode)
    return None if _is_split(data, at, len(data) - size) else found


def _is_split(data: bytes, at: int, end: int) -> bool:
    """Whether an extension says that most entries stand in another file."""
    while at + 8 <= end:
        name, size = struct.unpack_from(">4sI", data, at)
        if name == b"link":
            return True
        at += 8 + size
    return False


def _sha256(data: bytes) -> bool:
    # The object format is not in the file; its own checksum at the end tells.
    import hashlib

    return hashlib.sha256(data[:-32]).digest() == data[-32:]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = (value + 1 << 7) | (data[at] & 0x7F)
    return value, at + 1
