"""The whole output of a run on disk, within a limit, and its head and tail for a model or a person."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of an output. `left_out` counts the bytes between head and tail."""

    text: str
    left_out: int
    total: int

    @property
    def truncated(self) -> bool:
        """Whether anything is missing."""
        return self.left_out > 0


class Spool:
    """An append-only file of output. Past the limit only the last bytes are kept, in memory, and counted.

    The file holds the first `limit` bytes; the newest `tail` bytes beyond it are written behind them on `close`,
    after a line that says what is missing. Reading it back is `head_tail`.
    """

    def __init__(self, path: Path, limit: int = 64 * MB, *, tail: int = MB) -> None:
        self.path = path
        self.limit = limit
        self.total = 0
        """All bytes that were given, also those that were not kept."""
        self._most_tail = min(tail, limit)
        self._tail = bytearray()
        self._digest = hashlib.sha256()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        self._kept = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, data: bytes) -> int:
        """Append output; returns the offset of its first byte in the whole output."""
        offset = self.total
        self.total += len(data)
        self._digest.update(data)
        room = self.limit - self._kept
        if room > 0:
            head = data[:room]
            written = 0
            while written < len(head):
                written += self._file.write(head[written:]) or 0
            self._kept += len(head)
            data = data[room:]
        if data:
            self._tail += data[-self._most_tail :]
            if len(self._tail) > 2 * self._most_tail:
                del self._tail[: -self._most_tail]
        return offset

    @property
    def sha256(self) -> str:
        """The digest of the whole output, kept or not."""
        return self._digest.hexdigest()

    @property
    def dropped(self) -> int:
        """Bytes that are kept nowhere."""
        return self.total - self._kept - min(len(self._tail), self._most_tail)

    def head_tail(self, head_bytes: int, tail_bytes: int) -> Excerpt:
        """The beginning and the end of the output as text, cut at line ends where there are some.

        In between stands one sentence that says how much was left out and where all of it is. Bytes that are not
        UTF-8 become U+FFFD.
        """
        if self.total <= head_bytes + tail_bytes and not self.dropped:
            return Excerpt(_text(self._read(0, self.total)), 0, self.total)
        # Where bytes were dropped, the head ends before the gap and the tail begins behind it.
        front = min(head_bytes + 1, self._kept) if self.dropped else head_bytes + 1
        head = _whole_head(self._read(0, front), head_bytes)
        back = max(len(head), self.total - tail_bytes - 1)
        back = max(back, self._kept + self.dropped) if self.dropped else back
        tail = _whole_tail(self._read(back, self.total), tail_bytes)
        left_out = self.total - len(head) - len(tail)
        where = f"the first {self._kept:,} are" if self.dropped else "all of it is"
        sentence = f"[{left_out:,} of {self.total:,} bytes left out here; {where} in {self.path.name}]"
        gap = "" if not head or head.endswith(b"\n") else "\n"
        return Excerpt(f"{_text(head)}{gap}{sentence}\n{_text(tail)}", left_out, self.total)

    def _read(self, start: int, end: int) -> bytes:
        """Bytes by their offset in the whole output; only what is kept."""
        parts = []
        if start < self._kept:
            parts.append(os.pread(self._file.fileno(), min(end, self._kept) - start, start))
        if end > self._kept and self._tail:
            tail = self._tail[-self._most_tail :]
            first = self.total - len(tail)
            parts.append(bytes(tail[max(0, start - first) : max(0, end - first)]))
        return b"".join(parts)

    def close(self) -> None:
        """Finish the file. Further writes are an error."""
        if self._file.closed:
            return
        if self._tail:
            tail = bytes(self._tail[-self._most_tail :])
            note = f"\n[{self.dropped:,} of {self.total:,} bytes were not kept]\n" if self.dropped else ""
            self._file.seek(0, os.SEEK_END)
            self._file.write(note.encode() + tail)
        self._file.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _whole_head(data: bytes, size: int) -> bytes:
    """At most `size` bytes from the front: whole lines if a line ends in the last half, else whole letters."""
    if len(data) <= size:
        return data
    cut = data.rfind(b"\n", size // 2, size) + 1
    if cut:
        return data[:cut]
    while size > 0 and data[size] & 0xC0 == 0x80:
        size -= 1
    return data[:size]


def _whole_tail(data: bytes, size: int) -> bytes:
    """At most `size` bytes from the end: whole lines if a line ends in the first half, else whole letters."""
    if len(data) <= size:
        return data
    start = len(data) - size
    if size <= 0:
        return b""
    cut = data.find(b"\n", start - 1, len(data) - size // 2) + 1
    if cut:
        return data[cut:]
    limit = min(len(data), start + 4)
    while start < limit and data[start] & 0xC0 == 0x80:
        start += 1
    return data[start:]
