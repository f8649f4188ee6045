"""What the kernel will enforce for one run, as plain data: computed from a grant, never from the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias

Tier: TypeAlias = Literal["full", "kernel", "seatbelt", "none"]
"""`full`: namespaces, Landlock, seccomp; `kernel`: Landlock, seccomp; `seatbelt`: macOS."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use up. Bytes, seconds or counts; generous enough for real builds."""

    processes: int = 1024
    memory: int = 8 << 30
    file_size: int = 8 << 30
    descriptors: int = 4096
    disk: int = 16 << 30
    inodes: int = 1_000_000
    output: int = 64 << 20
    wall_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Network:
    """`off`, or `hosts`: only those names and ports, through the filtering proxy."""

    mode: Literal["off", "hosts"] = "off"
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Staging:
    """The session's layer: the run sees `lower` with `upper` over it, at the path of `lower`."""

    lower: Path
    upper: Path
    work: Path


@dataclass(frozen=True, slots=True)
class Profile:
    """The right that a run has, independent of what it does with it."""

    name: str
    workspace: Path
    writable: tuple[Path, ...] = ()
    """Roots with read, write and execute; the workspace is one of them only if it is listed."""
    readable: tuple[Path, ...] = ()
    """Roots with read and execute, besides the system's own."""
    protected: tuple[Path, ...] = ()
    """Paths inside a writable root that stay read-only, whether they exist or not."""
    hidden: tuple[Path, ...] = ()
    """Paths inside a readable root that cannot be read (masked secrets)."""
    network: Network = field(default_factory=Network)
    limits: Limits = field(default_factory=Limits)
    environment: Mapping[str, str] = field(default_factory=dict)
    staging: Staging | None = None
    debug: bool = False
    """Allow ptrace inside the run, for debuggers and leak checkers."""

    @property
    def digest(self) -> str:
        """The SHA-256 of everything above, as `exec.started` and `sandbox.applied` name it."""
        text = json.dumps(_plain(self), sort_keys=True, separators=(",", ":"), default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    """What JSON has no word for; `dataclasses.asdict` would copy every path first, which takes milliseconds."""
    if isinstance(value, Profile | Limits | Network | Staging):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return dict(value) if isinstance(value, Mapping) else str(value)
