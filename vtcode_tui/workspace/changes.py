"""What runs did to files: the unit of review."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["file", "symlink", "folder"]


@dataclass(frozen=True, slots=True)
class Hunk:
    """A stretch of lines that changed. Line numbers are 1-based; texts keep their line ends."""

    index: int
    old_start: int
    old_lines: tuple[bytes, ...]
    new_start: int
    new_lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after. Paths are relative to the workspace, with `/`."""

    path: str
    op: Literal["create", "update", "delete", "rename", "mode", "symlink"]
    kind: Kind = "file"
    before_sha256: str | None = None
    after_sha256: str | None = None
    before_mode: int | None = None
    after_mode: int | None = None
    renamed_from: str = ""
    target: str = ""
    """Where a symlink points."""
    binary: bool = False
    size: int = 0
    added: int = 0
    removed: int = 0
    hunks: tuple[Hunk, ...] = ()
    protected: bool = False
    """Accepting this needs its own question, by name."""
    conflict: str = ""
    """Why the real file is not what the change was made on, when it is not."""
    old_text: bytes = b""
    new_text: bytes = b""
    """Whole contents for the diff pane; empty for binary or very large files."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """All staged changes, sorted by path."""

    files: tuple[FileChange, ...] = ()

    @property
    def digest(self) -> str:
        """The SHA-256 over every path, operation, mode and content digest."""
        rows = [
            "\0".join(
                map(
                    str,
                    (
                        f.path,
                        f.op,
                        f.kind,
                        f.before_sha256,
                        f.after_sha256,
                        f.after_mode,
                        f.renamed_from,
                        f.target,
                    ),
                )
            )
            for f in self.files
        ]
        return hashlib.sha256("\n".join(rows).encode(errors="surrogateescape")).hexdigest()


Selection: TypeAlias = Mapping[str, frozenset[int] | None]
"""What a human accepts or discards: path -> hunk indexes, or None for the whole file."""
