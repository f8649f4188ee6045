"""How far each receiver has each session's journal: on disk, so that nothing is lost and little comes twice."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

from vtcode_tui.config.settings import Exporter
from vtcode_tui.events.durable import fdatasync


def folder_of(audit: Path, exporter: Exporter) -> Path:
    """The folder of one receiver's offsets; another target or format is another receiver."""
    name = hashlib.sha256(f"{exporter.kind}\n{exporter.target}\n{exporter.format}".encode()).hexdigest()[:16]
    return audit / "exporters" / f"{exporter.kind}-{name}"


class Offset:
    """The position in one journal up to which one receiver has it. Held by one process at a time."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        text = os.pread(descriptor, 32, 0).strip()
        self.position = int(text) if text.isdigit() else 0

    @classmethod
    def take(cls, folder: Path, session: str) -> Offset | None:
        """Open it, from 0 when it is new; None when another process ships this session already."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / session, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(folder / session, descriptor)

    def advance(self, position: int) -> None:
        """Remember, on disk, that the receiver has everything before `position`."""
        os.pwrite(self._descriptor, f"{position:<20}\n".encode(), 0)
        fdatasync(self._descriptor)
        self.position = position

    def close(self) -> None:
        """Let another process take it."""
        os.close(self._descriptor)


def unfinished(folder: Path, journals: dict[str, Path]) -> list[str]:
    """Sessions that this receiver does not have whole."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        journal = journals.get(path.name)
        text = path.read_text().strip()
        if journal is not None and journal.stat().st_size > (int(text) if text.isdigit() else 0):
            found.append(path.name)
    return found
