"""Contents by their hash in one growing file, so that 50,000 small files cost one file. Standard library only.

`contents.pack` holds the bytes one after another, `contents.index` a line `sha256 offset size` for each. Both are
only appended to; what a crash tore is not taken for a content, because every content is checked when it is read.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

LARGEST = 8 << 20
"""A file above this size is compared, but its content is not kept."""
BUDGET = 512 << 20
"""So many bytes are kept in one folder; what comes after that is compared only."""
_DEAD = 64 << 20


class Contents:
    """The contents of one folder. What `add` was given is there for certain after `save`, and not before."""

    def __init__(self, folder: Path) -> None:
        self._pack, self._index = folder / "contents.pack", folder / "contents.index"
        self._new: list[bytes] = []
        self._rows: list[str] = []
        self._waiting = 0
        self._places: dict[str, tuple[int, int]] = {}
        self._load()

    def _load(self) -> None:
        self._places.clear()
        try:
            lines = self._index.read_text("ascii", "replace").split("\n")
        except FileNotFoundError:
            lines = []
        for line in lines[:-1]:
            digest, _, place = line.partition(" ")
            offset, _, size = place.partition(" ")
            if len(digest) == 64 and offset.isdigit() and size.isdigit():
                self._places[digest] = (int(offset), int(size))
        self._end = self._pack.stat().st_size if self._pack.exists() else 0

    def __contains__(self, digest: str) -> bool:
        return digest in self._places

    def fits(self, size: int) -> bool:
        """Whether a content of so many bytes is kept."""
        return size <= LARGEST and self._end + self._waiting + size <= BUDGET

    def add(self, data: bytes) -> str:
        """Keep a content that fits; its hash. Raises OSError when the disk is full: nothing is lost then."""
        digest = sha256(data).hexdigest()
        if digest not in self._places and self.fits(len(data)):
            self._places[digest] = (self._end + self._waiting, len(data))
            self._rows.append(f"{digest} {self._end + self._waiting} {len(data)}\n")
            self._new.append(data)
            self._waiting += len(data)
            if self._waiting > _DEAD:
                self._flush()
        return digest

    def read(self, digest: str) -> bytes | None:
        """A content; None when it was not kept or is damaged."""
        place = self._places.get(digest)
        if place is None:
            return None
        self._flush()
        try:
            with self._pack.open("rb") as file:
                file.seek(place[0])
                data = file.read(place[1])
        except FileNotFoundError:
            return None
        return data if sha256(data).hexdigest() == digest else None

    def save(self, wanted: Collection[str] | None = None) -> None:
        """Put everything on the disk; with `wanted`, give the space of the others back when they are many."""
        self._flush()
        if wanted is None:
            return
        dead = sum(size for digest, (_, size) in self._places.items() if digest not in wanted)
        if dead > _DEAD and 2 * dead > self._end:
            self._shrink(wanted)

    def _flush(self) -> None:
        if not self._new:
            return
        _append(self._pack, b"".join(self._new), self._end)
        _append(self._index, "".join(self._rows).encode(), None)
        self._end += self._waiting
        self._new, self._rows, self._waiting = [], [], 0

    def _shrink(self, wanted: Collection[str]) -> None:
        kept = {digest: place for digest, place in self._places.items() if digest in wanted}
        fresh, rows, at = self._pack.with_suffix(".new"), list[str](), 0
        with fresh.open("wb") as into:
            for digest in kept:
                data = self.read(digest)
                if data is not None:
                    into.write(data)
                    rows.append(f"{digest} {at} {len(data)}\n")
                    at += len(data)
        # The index goes first: between the two every content is simply not there.
        self._index.unlink()
        fresh.replace(self._pack)
        _append(self._index, "".join(rows).encode(), None)
        self._load()


def _append(path: Path, data: bytes, at: int | None) -> None:
    """Append, at `at` where something torn may stand behind it; a write that fails leaves the file as it was."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        start = os.lseek(descriptor, 0, os.SEEK_END) if at is None else os.lseek(descriptor, at, os.SEEK_SET)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, start)
            raise
    finally:
        os.close(descriptor)
