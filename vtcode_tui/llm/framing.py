"""Bytes into events: server-sent events (WHATWG HTML, section 9.2) and JSON lines, in bounded memory.

Only the data of an event is kept: every wire repeats the event's name inside it.
"""

from __future__ import annotations

from typing import Protocol

LONGEST_EVENT = 16 * 1024 * 1024
"""Bytes of one event; a final event of a long answer with encrypted reasoning has about one megabyte."""


class OversizeError(ValueError):
    """A line or an event is longer than any that a provider sends."""


class Framing(Protocol):
    """Cuts a stream of chunks into the data of its events."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completes."""
        ...

    def rest(self) -> bytes:
        """What came after the last complete event."""
        ...


class _Lines:
    """Cuts chunks at LF, CRLF and CR; holds back what is not yet a line."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        if not chunk:
            return []
        after_cr, self._after_cr = self._after_cr, chunk.endswith(b"\r")
        if after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            if not chunk:
                return []
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        if len(lines) == 1:
            self._hold(chunk)
            return []
        if self._held:
            self._hold(lines[0])
            lines[0] = b"".join(self._held)
        last = lines.pop()
        self._held, self._size = ([last], len(last)) if last else ([], 0)
        return lines

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > LONGEST_EVENT:
            raise OversizeError(f"a line of more than {LONGEST_EVENT // 1024 // 1024} MB")
        self._held.append(piece)
        # A server that sends single bytes must not cost an object each.
        if len(self._held) > 1024:
            self._held = [b"".join(self._held)]

    def rest(self) -> bytes:
        return b"".join(self._held)


class ServerSentEvents:
    """`data:` lines up to an empty line are one event; comments and other fields are dropped."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self._data: list[bytes] = []
        self._size = 0
        self._begun = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that this chunk completes."""
        events: list[bytes] = []
        for line in self._lines.feed(chunk):
            if not self._begun:
                self._begun = True
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line:
                if self._data:
                    events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                    self._data, self._size = [], 0
            elif line.startswith(b"data:"):
                self._take(line[6:] if line[5:6] == b" " else line[5:])
            elif line == b"data":
                self._take(b"")
        return events

    def _take(self, data: bytes) -> None:
        # An empty line of data costs a byte too, or a stream of nothing else would grow without end.
        self._size += len(data) + 1
        if self._size > LONGEST_EVENT:
            raise OversizeError(f"an event of more than {LONGEST_EVENT // 1024 // 1024} MB")
        self._data.append(data)

    def rest(self) -> bytes:
        """Data without the empty line that ends an event, and what follows it."""
        return b"\n".join([*self._data, self._lines.rest()]).strip()


class JsonLines:
    """Every line that is not blank is one event."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes."""
        return [line for line in self._lines.feed(chunk) if line and not line.isspace()]

    def rest(self) -> bytes:
        """A last line without its end."""
        return self._lines.rest().strip()
