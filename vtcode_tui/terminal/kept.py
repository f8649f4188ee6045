"""Where a session's folder keeps what its runs wrote, by call."""

from __future__ import annotations

from pathlib import Path

SPOOLS, RECORDINGS = "spool", "pty"
"""The folders of whole outputs, and of recordings of terminals (asciicast)."""


def spool_of(folder: Path, call: str) -> Path:
    """The whole output of a run."""
    return folder / SPOOLS / f"{Path(call).name}.out"


def recording_of(folder: Path, call: str) -> Path:
    """The recording of a run that had a terminal."""
    return folder / RECORDINGS / f"{Path(call).name}.cast"
