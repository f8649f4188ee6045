"""Where a call would happen: everything besides the call and the rules that a decision may depend on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts a decision is a function of. Paths are resolved."""

    root: Path
    """The workspace."""
    user_home: Path
    own: tuple[Path, ...] = ()
    """vtcode's own folders (configuration, state, keys, sessions): never readable, never writable."""
    protected: tuple[str, ...] = ()
    """gitignore-style patterns below the root that ask by name."""
    masked: tuple[str, ...] = ()
    """gitignore-style patterns below the root whose content no run can read."""
    staged: bool = False
    """Writes land in the session's layer and are reviewed as effects, so edits need no question before."""
    mode: Literal["build", "plan", "read-only"] = "build"
    trusted: bool = True
    search_path: tuple[Path, ...] = field(default=())
    """Where programs are found, for resolving a command word to a file."""
