"""The right to run one call once. Made in `gate/` only; a test walks the source to keep it so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from vtcode_tui.sandbox.profile import Profile


@dataclass(frozen=True, slots=True)
class Pin:
    """A file whose content the approval was given for; checked in the run, before anything is executed."""

    path: Path
    sha256: str | None
    stamp: tuple[int, ...] | None = None
    """Device, inode, size, time of change of content and of status (ns) of the file whose content was hashed, where
    these would tell any change: they stand for its content then, outside of what a run can write."""


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a program: `argv[0]` is resolved to `executable` before the approval, never afterwards."""

    argv: tuple[str, ...]
    executable: Path


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call `function(arguments, out)` of a module of vtcode inside the sandbox; see `tools.work`.

    `arguments` is JSON text; the function writes what people see to `out` and returns a JSON-able dict.
    """

    module: str
    function: str
    arguments: str


Work: TypeAlias = Execute | Invoke


@dataclass(frozen=True, slots=True)
class Grant:
    """Exactly this work, in this folder, under this profile, once, until `expires_ns` (monotonic)."""

    nonce: str
    call: str
    subject_sha256: str
    work: Work
    cwd: Path
    profile: Profile
    expires_ns: int
    pins: tuple[Pin, ...] = ()
