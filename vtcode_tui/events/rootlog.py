"""The root log: a line for every opening and closing of a session on this host, chained and signed by the host key.

It is what notices a session that was removed, replaced or cut back to an earlier checkpoint. Several vtcode
processes append to it, one at a time under its lock. What notices a root log that was cut back or forged as a
whole is an anchor (`anchors`).
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from vtcode_tui.common.clock import Clock, SystemClock, rfc3339
from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.events.durable import fdatasync
from vtcode_tui.events.lines import GENESIS
from vtcode_tui.events.notes import Key
from vtcode_tui.events.tail import set_aside

ROOT = "root.jsonl"
_TAIL = 8192
"""Bytes that are read from the root log's end at first: more than its lines are long."""
HOST_KEY = "host-ed25519"
HOST_PUBLIC = "host-ed25519.pub"

RootType: TypeAlias = Literal["host.key", "open", "mark", "close", "anchor", "prune", "recovered"]


@dataclass(frozen=True, slots=True)
class RootHead:
    """Where the root log stands: so many lines, the last with this digest."""

    size: int
    head: str


class RootLog:
    """Appends signed lines; the host key is made at the first one."""

    def __init__(self, audit: Path, keys: Path, *, clock: Clock | None = None) -> None:
        self.path = audit / ROOT
        self._keys = keys
        self._clock = clock or SystemClock()
        self._known = False

    @classmethod
    def beside(cls, folder: Path) -> RootLog | None:
        """The root log that a session's folder belongs to: `<state>/sessions/YYYY/MM/DD/<id>` has one."""
        if len(folder.parents) < 5 or folder.parents[3].name != "sessions":
            return None
        state = folder.parents[4]
        return cls(state / "audit", state / "keys")

    def append(self, kind: RootType, session: str, data: dict[str, Any]) -> RootHead:
        """Write one line and flush it. Raises JournalError when the disk does not take it."""
        try:
            with self._locked() as descriptor:
                size, head = self._standing(descriptor)
                if size:
                    self._same_key(descriptor)
                else:
                    public = self.host_key().public_text
                    size, head = self._write(
                        descriptor, size, head, "host.key", "", {"public": public, "host": socket.gethostname()}
                    )
                size, head = self._write(descriptor, size, head, kind, session, data)
                fdatasync(descriptor)
                return RootHead(size, head)
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _standing(self, descriptor: int) -> tuple[int, str]:
        end = os.fstat(descriptor).st_size
        last, torn = _last_line(descriptor, end)
        size = _number(last) + 1 if last else 0
        head = hashlib.sha256(last).hexdigest() if last else GENESIS
        if torn:
            aside = set_aside(self.path.parent, torn)
            os.ftruncate(descriptor, end - len(torn))
            size, head = self._write(
                descriptor, size, head, "recovered", "", {"file": aside.name, "size": len(torn)}
            )
        return size, head

    def _same_key(self, descriptor: int) -> None:
        """Refuse to go on with another key than the log began with: no line of it would ever verify again."""
        if self._known:
            return
        first = os.pread(descriptor, _TAIL, 0).partition(b"\n")[0]
        try:
            began = str(json.loads(first)["data"]["public"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise JournalError(f"the first line of {self.path} cannot be read: {error}") from error
        key = self._keys / HOST_KEY
        if not key.exists() or self.host_key().public_text != began:
            gone = "is not the key" if key.exists() else "is gone: it is the key"
            begin = "put it back, or move the folders audit and sessions away to begin anew"
            raise JournalError(f"{key} {gone} that {self.path} is signed with; {begin}")
        self._known = True

    def _write(
        self, descriptor: int, size: int, head: str, kind: RootType, session: str, data: dict[str, Any]
    ) -> tuple[int, str]:
        body = {
            "v": 1,
            "seq": size,
            "time": rfc3339(self._clock.now()),
            "type": kind,
            "session": session,
            "data": data,
            "prev": head,
        }
        unsigned = json.dumps(body, separators=(",", ":")).encode()
        signature = base64.b64encode(self.host_key().sign(unsigned))
        line = unsigned[:-1] + b',"sig":"%b"}' % signature
        before = os.fstat(descriptor).st_size
        if os.write(descriptor, line + b"\n") != len(line) + 1:
            os.ftruncate(descriptor, before)
            raise JournalError(f"{self.path} cannot be written: the disk is full")
        return size + 1, hashlib.sha256(line).hexdigest()

    def host_key(self) -> Key:
        """The key of this host and user, made when there is none. No sandbox can read its folder."""
        path = self._keys / HOST_KEY
        try:
            return Key(base64.b64decode(path.read_bytes(), validate=False))
        except FileNotFoundError:
            key = Key()
        except ValueError as error:
            text = f"{path} is no host key: {error}; put back the one that signed {self.path}"
            raise JournalError(text) from error
        # Whole or not at all: half a key, left by a crash or a full disk, would refuse every session from then on.
        write_atomically(self._keys / HOST_PUBLIC, f"{key.public_text}\n".encode())
        write_atomically(path, base64.b64encode(key.seed()) + b"\n")
        return key


def _last_line(descriptor: int, end: int) -> tuple[bytes, bytes]:
    """The last whole line, and what follows it; only so much of the file is read."""
    size = _TAIL
    while True:
        start = max(0, end - size)
        raw = os.pread(descriptor, end - start, start)
        whole, _, torn = raw.rpartition(b"\n")
        _, found, last = whole.rpartition(b"\n")
        if found or start == 0:
            return last, torn
        size *= 8


def _number(line: bytes) -> int:
    try:
        return int(json.loads(line)["seq"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise JournalError(
            f"the last line of the root log cannot be read: {error}; see `vtcode audit verify`"
        ) from error


def signed_part(line: bytes) -> tuple[bytes, bytes]:
    """What a root line's signature is over, and the signature. Raises ValueError when it has none."""
    unsigned, mark, rest = line.rpartition(b',"sig":"')
    if not mark or not rest.endswith(b'"}'):
        raise ValueError("the line is not signed")
    return unsigned + b"}", base64.b64decode(rest[:-2], validate=True)
