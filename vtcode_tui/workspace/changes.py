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
class Clash:
    """A stretch of a text that the workspace and the agent changed, each in its own way. Lines keep their ends."""

    index: int
    start: int
    """The 1-based line of the workspace's file at which its lines stand (where it has none: before which)."""
    base: tuple[bytes, ...]
    """The lines that both began with."""
    workspace: tuple[bytes, ...]
    """The real file's lines now: the human's."""
    agent: tuple[bytes, ...]
    """The layer's lines: the agent's."""


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
    runs_by: str = ""
    """Which tool runs or obeys this file by itself later; empty: none is known."""
    conflict: str = ""
    """Why the real file is not what the change was made on, when it is not."""
    clashes: tuple[Clash, ...] = ()
    """What a conflict is about, stretch by stretch, where both sides are texts; `Settled` answers each."""
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


@dataclass(frozen=True, slots=True)
class Edited:
    """Some hunks, each with the human's own bytes in place of the agent's new lines.

    `hunks`: index -> the bytes to stand there, line ends included; the agent's own bytes leave a hunk as it is,
    empty bytes leave its lines out. Hunks that are not named stay in the layer.
    """

    hunks: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Settled:
    """A conflict decided: for every clash one of the two sides, or the human's own bytes.

    What only one side changed, outside the clashes, is kept from that side.
    """

    clashes: Mapping[int, Literal["workspace", "agent"] | bytes]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The file with exactly this content, whatever both sides hold."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Overwrite:
    """All of the change although the real file moved on: what the human wrote there meanwhile is lost."""


Choice: TypeAlias = frozenset[int] | Edited | Settled | Rewritten | Overwrite | None
"""How much of a file's change: None all of it (refused in a conflict), a set of hunk indexes only those."""

Selection: TypeAlias = Mapping[str, Choice]
"""What a human accepts or discards, by path."""
