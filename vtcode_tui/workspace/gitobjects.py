"""Objects and refs of a git repository, read and written as bytes. Standard library only; no git is started.

So no configuration, hook or filter of the repository has a say. Formats: git's Documentation/gitformat-pack and
gitrepository-layout; SHA-1 and SHA-256 repositories, loose objects and packs of index version 2.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib
from pathlib import Path

from vtcode_tui.common.errors import WorkspaceError

_KINDS = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_OFFSET, _REFERENCE = 6, 7
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LARGEST = 64 << 20
_DEEPEST = 64


class Repository:
    """The repository whose `.git` folder lies in a workspace."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir() or folder.is_symlink():
            raise WorkspaceError(f"{folder} is not the folder of a git repository")
        if (folder / "reftable").exists():
            raise WorkspaceError(f"{folder} keeps its refs in a reftable, which is not supported")
        self.folder = folder

    def head(self) -> str:
        """The commit that HEAD names; empty when there is none yet."""
        text = self._text("HEAD")
        return self.ref(text[5:].strip()) if text.startswith("ref: ") else _oid(text)

    def ref(self, name: str) -> str:
        """The object that a ref names; empty when there is none."""
        if ".." in name or not name.startswith("refs/"):
            raise WorkspaceError(f"{name!r} is not a ref")
        if found := _oid(self._text(name)):
            return found
        for line in self._text("packed-refs").splitlines():
            oid, _, packed = line.partition(" ")
            if packed == name:
                return _oid(oid)
        return ""

    def _text(self, name: str) -> str:
        try:
            return (self.folder / name).read_text("utf-8", "replace")
        except (OSError, ValueError):
            return ""

    def update(self, name: str, old: str, new: str) -> None:
        """Let a ref name another object, unless somebody else moved it meanwhile."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock")
        try:
            descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except FileExistsError as error:
            raise WorkspaceError(f"{name} is being changed by another git") from error
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{new}\n")
        if self.ref(name) != old:
            lock.unlink()
            raise WorkspaceError(f"{name} was moved by another git")
        lock.replace(path)

    def write(self, kind: bytes, data: bytes, like: str) -> str:
        """Keep an object; its name, by the hash with which `like` is named."""
        raw = b"%b %d\0%b" % (kind, len(data), data)
        oid = hashlib.new("sha256" if len(like) == 64 else "sha1", raw).hexdigest()
        path = self.folder / "objects" / oid[:2] / oid[2:]
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"tmp_obj_{oid[2:10]}{os.getpid()}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444)
            with os.fdopen(descriptor, "wb") as file:
                file.write(zlib.compress(raw))
            fresh.replace(path)
        return oid

    def read(self, oid: str, wanted: bytes) -> bytes:
        """The content of an object of this kind. Raises WorkspaceError when it is not there or another kind."""
        try:
            found = self._loose(oid) or self._packed(oid, 0)
        except (OSError, ValueError, struct.error, zlib.error, IndexError) as error:
            raise WorkspaceError(f"the git object {oid} cannot be read: {error}") from error
        if found is None:
            raise WorkspaceError(f"the git object {oid} is not there")
        kind, data = found
        if kind != wanted:
            raise WorkspaceError(f"the git object {oid} is a {kind.decode()}, not a {wanted.decode()}")
        return data

    def _loose(self, oid: str) -> tuple[bytes, bytes] | None:
        try:
            raw = _inflate((self.folder / "objects" / oid[:2] / oid[2:]).read_bytes())
        except FileNotFoundError:
            return None
        head, _, data = raw.partition(b"\0")
        return head.split(b" ")[0], data

    def _packed(self, oid: str, depth: int) -> tuple[bytes, bytes] | None:
        for index in sorted((self.folder / "objects" / "pack").glob("*.idx")):
            offset = _find(index.read_bytes(), bytes.fromhex(oid))
            if offset is not None:
                return self._in_pack(index.with_suffix(".pack").read_bytes(), offset, len(oid) // 2, depth)
        return None

    def _in_pack(self, pack: bytes, offset: int, width: int, depth: int) -> tuple[bytes, bytes]:
        if depth > _DEEPEST:
            raise ValueError("a chain of deltas is too deep")
        at = offset
        kind = pack[at] >> 4 & 7
        while pack[at] & 0x80:
            at += 1
        at += 1
        if kind in _KINDS:
            return _KINDS[kind], _inflate(pack[at:])
        if kind == _OFFSET:
            back = pack[at] & 0x7F
            while pack[at] & 0x80:
                at += 1
                back = (back + 1) << 7 | pack[at] & 0x7F
            base: tuple[bytes, bytes] | None = self._in_pack(pack, offset - back, width, depth + 1)
            at += 1
        elif kind == _REFERENCE:
            named = pack[at : at + width].hex()
            base = self._loose(named) or self._packed(named, depth + 1)
            at += width
        else:
            raise ValueError(f"a pack holds an object of the unknown kind {kind}")
        if base is None:
            raise ValueError("the base of a delta is not there")
        return base[0], _patched(base[1], _inflate(pack[at:]))


def _oid(text: str) -> str:
    return found[0] if (found := _OID.fullmatch(text.strip())) else ""


def _inflate(data: bytes) -> bytes:
    engine = zlib.decompressobj()
    out = engine.decompress(data, _LARGEST)
    if not engine.eof:
        raise ValueError("an object is cut off, or larger than 64 MB")
    return out


def _find(index: bytes, oid: bytes) -> int | None:
    """Where a pack holds an object, by its index."""
    if index[:8] != b"\xfftOc\0\0\0\2":
        return None
    width, first = len(oid), oid[0]
    fan = struct.unpack_from(">256I", index, 8)
    names, total = 8 + 1024, fan[255]
    for place in range(fan[first - 1] if first else 0, fan[first]):
        if index[names + place * width : names + (place + 1) * width] == oid:
            offsets = names + total * (width + 4)
            (offset,) = struct.unpack_from(">I", index, offsets + place * 4)
            if offset & 0x80000000:
                large = offsets + total * 4 + (offset & 0x7FFFFFFF) * 8
                (offset,) = struct.unpack_from(">Q", index, large)
            return int(offset)
    return None


def _patched(base: bytes, delta: bytes) -> bytes:
    """What a delta makes of its base."""
    at = 0
    for _ in range(2):
        while delta[at] & 0x80:
            at += 1
        at += 1
    out = bytearray()
    while at < len(delta):
        code = delta[at]
        at += 1
        if not code & 0x80:
            out += delta[at : at + code]
            at += code
            continue
        numbers = [0] * 7
        for bit in range(7):
            if code & 1 << bit:
                numbers[bit] = delta[at]
                at += 1
        start = int.from_bytes(bytes(numbers[:4]), "little")
        size = int.from_bytes(bytes(numbers[4:]), "little") or 0x10000
        out += base[start : start + size]
        if len(out) > _LARGEST:
            raise ValueError("a delta makes more than 64 MB")
    return bytes(out)
