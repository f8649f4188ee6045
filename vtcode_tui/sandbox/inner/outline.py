"""What runs have in common, known before any of them: what a waiting crew gets ready for."""

from __future__ import annotations

import json

from vtcode_tui.sandbox.inner.job import read_all


class Outline:
    """One kind of run: its file holds JSON, a zero byte, F1 and F2."""

    __slots__ = ("first", "full", "home", "readable", "scratch", "second")

    full: bool
    home: str
    """The person's real home folder, whose place the run's own home takes in tier full."""
    scratch: str
    """Where a crew of tier full makes the run's own folder."""
    readable: list[str]
    """What every run of tier full may read besides the system: toolchains."""

    def __init__(self, descriptor: int) -> None:
        text, _, codes = read_all(descriptor).partition(b"\0")
        said = json.loads(text)
        self.full = said["full"]
        self.home = said["home"]
        self.scratch = said["scratch"]
        self.readable = said["readable"]
        self.first = codes[: said["first_filter"]]
        self.second = codes[said["first_filter"] :]


class Places:
    """What the guard compares in one workspace: its file holds JSON."""

    __slots__ = ("paths", "quarantine", "workspace")

    workspace: str
    paths: list[str]
    """The protected paths, absolute."""
    quarantine: str
    """Where what a run put in a protected place is moved to."""

    def __init__(self, text: bytes) -> None:
        said = json.loads(text)
        self.workspace = said["workspace"]
        self.paths = said["paths"]
        self.quarantine = said["quarantine"]
