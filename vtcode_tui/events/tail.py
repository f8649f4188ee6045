"""The end of a journal as a crash left it: where it is whole, what is torn off, and where the chain stands."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.lines import GENESIS, parse_line


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a journal stands: the next event is `seq`, chained to `head`; `torn` follows the last whole line."""

    size: int
    seq: int
    head: str
    session: str
    torn: bytes
    unended: bool
    """The last line is whole but for its line break."""


def find_tail(path: Path) -> Tail:
    """Walk the whole chain of a journal and say where it ends.

    Raises JournalError when the chain is broken before the last line: such a file is never written to again.
    """
    head, seq, size, session = GENESIS, 0, 0, ""
    with path.open("rb") as stream:
        for raw in stream:
            line = raw[:-1] if raw.endswith(b"\n") else raw
            if not line.endswith(b'"prev":"%b"}' % head.encode()):
                if raw is line:
                    return Tail(size, seq, head, session, raw, unended=False)
                raise JournalError(
                    f"{path} does not continue its chain at event {seq}; see `vtcode audit verify {path.parent}`"
                )
            if raw is line and not _whole(raw):
                return Tail(size, seq, head, session, raw, unended=False)
            head = hashlib.sha256(line).hexdigest()
            session = session or str(parse_line(line).get("session", ""))
            seq += 1
            size += len(raw)
            if raw is line:
                return Tail(size, seq, head, session, b"", unended=True)
    return Tail(size, seq, head, session, b"", unended=False)


def _whole(raw: bytes) -> bool:
    try:
        parse_line(raw)
    except (ValueError, RecursionError):
        return False
    return True


def set_aside(folder: Path, torn: bytes) -> Path:
    """Keep the bytes of a torn line in a file of their own, on disk before the journal is cut."""
    number = 1
    while (folder / f"journal.torn-{number}").exists():
        number += 1
    path = folder / f"journal.torn-{number}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(torn)
        file.flush()
        os.fsync(descriptor)
    return path
