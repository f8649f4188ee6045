"""Two states of a path as a `FileChange` with hunks, counts and hashes. Standard library only."""

from __future__ import annotations

from hashlib import sha256

from vtcode_tui.workspace.beneath import Entry
from vtcode_tui.workspace.changes import FileChange
from vtcode_tui.workspace.lines import hunks_of, is_binary

MAX_TEXT = 2 << 20
"""A text above this size is changed as a whole: no hunks, no contents in the change."""


def change_of(
    path: str,
    before: bytes | None,
    after: bytes | None,
    *,
    mode: int | None = None,
    after_mode: int | None = None,
    renamed_from: str = "",
    conflict: str = "",
) -> FileChange:
    """The change of a regular file from one content to the other (None: no file)."""
    old, new = before or b"", after or b""
    binary = is_binary(old) or is_binary(new)
    shown = not binary and max(len(old), len(new)) <= MAX_TEXT
    hunks = hunks_of(old, new) if shown else ()
    return FileChange(
        path=path,
        op="rename" if renamed_from else "create" if before is None else "delete" if after is None else "update",
        before_sha256=None if before is None else sha256(before).hexdigest(),
        after_sha256=None if after is None else sha256(after).hexdigest(),
        before_mode=mode if before is not None else None,
        after_mode=None if after is None else (after_mode if after_mode is not None else mode),
        renamed_from=renamed_from,
        binary=binary,
        size=len(new),
        added=sum(len(h.new_lines) for h in hunks),
        removed=sum(len(h.old_lines) for h in hunks),
        hunks=hunks,
        conflict=conflict,
        old_text=old if shown else b"",
        new_text=new if shown else b"",
    )


def folder_change(path: str, before: Entry | None, after: Entry | None, conflict: str = "") -> FileChange:
    """The change of a path that is a folder on each side where it is anything."""
    return FileChange(
        path,
        "create" if before is None else "delete" if after is None else "mode",
        "folder",
        before_mode=before.mode if before else None,
        after_mode=after.mode if after else None,
        conflict=conflict,
    )
