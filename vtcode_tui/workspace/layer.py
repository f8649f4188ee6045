"""The session's layer over the workspace, as the main process handles it: folders, arguments for the workers."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
from dataclasses import replace
from pathlib import Path
from typing import Any

from vtcode_tui.common.errors import StaleFileError, WorkspaceError
from vtcode_tui.common.files import write_atomically
from vtcode_tui.workspace.accepting import identity
from vtcode_tui.workspace.changes import ChangeSet, Selection
from vtcode_tui.workspace.choices import to_json
from vtcode_tui.workspace.discarding import erase
from vtcode_tui.workspace.executed import in_bare_repository
from vtcode_tui.workspace.jail import Workspace
from vtcode_tui.workspace.ledger import UNTOLD
from vtcode_tui.workspace.plan import PLAN, drop_plan
from vtcode_tui.workspace.protected import TRUST_MARKER

MODULE = "vtcode_tui.workspace.staging"
"""The module of the workers `scan`, `accept`, `discard` and `recover`."""
MARKS = "vtcode_tui.workspace.marks"
"""The module of the workers that remember moments of a layer."""
TRACING = "vtcode_tui.workspace.tracing"
"""The module of the workers that keep the ledger."""
_TURNS = "turns.json"


class Layer:
    """`folder` holds `upper` and `work` for the overlay, and the layer's own records. It survives a restart.

    Scan (not live) before the first run of a batch as well as after each run: that is what takes entries out of the
    way that make no difference, and merges what people changed meanwhile, so that the next run sees it.
    """

    def __init__(self, lower: Path, folder: Path) -> None:
        self.lower, self.folder = lower, folder

    @property
    def upper(self) -> Path:
        """What runs have changed."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """What the kernel needs beside `upper`."""
        return self.folder / "work"

    @property
    def unfinished(self) -> bool:
        """An acceptance was interrupted, or is not in the journal yet: `recover` finishes and tells it."""
        return (self.folder / PLAN).exists()

    def told(self) -> None:
        """What was accepted is in the journal."""
        drop_plan(self.folder)

    def prepare(self) -> None:
        """Make the folders; they belong to the user alone."""
        for folder in (self.folder, self.upper, self.work):
            make_folder(folder)
        # Runs see the root of the upper tree as the root of the workspace: its permission bits are the workspace's.
        self.upper.chmod(self.lower.stat().st_mode & 0o7777)

    def remove(self) -> None:
        """Give the space back: the layer and everything in it."""
        if self.folder.exists():
            erase(self.folder)

    def marks(self) -> dict[int, int]:
        """Of each turn whose beginning was noted, the name of the moment; 0 is the untouched layer."""
        try:
            rows = json.loads((self.folder / _TURNS).read_bytes())
            return {int(turn): int(mark) for turn, mark in rows.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError, TypeError) as error:
            raise WorkspaceError(f"{self.folder / _TURNS} is damaged: remove it; files cannot go back") from error

    def note(self, turn: int, mark: int) -> None:
        """The beginning of a turn is this moment."""
        write_atomically(self.folder / _TURNS, json.dumps({**self.marks(), turn: mark}))

    @property
    def untouched(self) -> bool:
        """No run has left anything in the layer."""
        with os.scandir(self.upper) as entries:
            return next(entries, None) is None

    def arguments(self, *, live: bool = False, with_ignored: bool = False) -> dict[str, Any]:
        """Arguments of `scan` and `recover`. `live`: a run has the layer mounted now."""
        return {"lower": str(self.lower), "folder": str(self.folder), "live": live, "with_ignored": with_ignored}

    def accepting(
        self,
        shown: ChangeSet,
        selection: Selection,
        digest: str,
        *,
        turn: int = 0,
        live: bool = False,
        with_ignored: bool = False,
    ) -> dict[str, Any]:
        """Arguments of `accept` for a selection of the change set that was on the screen (`digest` is its digest).

        Raises StaleFileError when `shown` is another set, WorkspaceError for what can never be accepted.
        """
        if TRUST_MARKER in selection:
            raise WorkspaceError(
                f"{TRUST_MARKER} is never accepted: trust is granted by you alone (`vtcode trust grant`)"
            )
        return {
            **self.arguments(live=live, with_ignored=with_ignored),
            "selected": selected(shown, selection, digest),
            "turn": turn,
        }

    def discarding(
        self, shown: ChangeSet, selection: Selection | None, digest: str, *, with_ignored: bool = False
    ) -> dict[str, Any]:
        """Arguments of `discard`; a selection of None empties the layer, build products and all."""
        rows = None if selection is None else selected(shown, selection, digest)
        return {**self.arguments(with_ignored=with_ignored), "selected": rows}


def belongs_to_others(root: Path, uid: int, gid: int) -> str:
    """Why an ordinary user cannot have a layer over this workspace; empty where they can.

    The kernel copies a file into the layer with its owner and group, and knows no others there than this user's:
    each change of such a file, and of what lies in such a folder, would fail.
    """
    for path in (root, root / ".git"):
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if (found.st_uid, found.st_gid) != (uid, gid):
                return (
                    f"{path} belongs to {_owner(found)}, and files in a layer can only be yours: without one each "
                    "edit is approved before it is made (`chgrp -R` or `chown -R` to yourself makes one possible)"
                )
    return ""


def _owner(found: os.stat_result) -> str:
    with contextlib.suppress(KeyError):
        return f"user {pwd.getpwuid(found.st_uid).pw_name}, group {grp.getgrgid(found.st_gid).gr_name}"
    return f"user {found.st_uid}, group {found.st_gid}"


def make_folder(folder: Path) -> None:
    """A folder of a session's own, for the user alone; it may be there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def marked(changes: ChangeSet, workspace: Workspace) -> ChangeSet:
    """The change set with what asks by name and what some tool runs by itself; `scan` leaves that open."""

    def is_protected(path: str) -> bool:
        return bool(path) and (
            workspace.is_protected(workspace.root / path) or in_bare_repository(path, workspace.view)
        )

    return ChangeSet(
        tuple(
            replace(
                c,
                protected=is_protected(c.path) or is_protected(c.renamed_from),
                runs_by="" if c.op == "delete" else workspace.runs_by(c.path),
            )
            for c in changes.files
        )
    )


def selected(shown: ChangeSet, selection: Selection, digest: str) -> list[dict[str, Any]]:
    """A selection of the change set that was on the screen, as workers take it. Raises StaleFileError."""
    if shown.digest != digest:
        raise StaleFileError("the changes are not what was on the screen any more: look again")
    known = {change.path: change for change in shown.files}
    unknown = [path for path in selection if path not in known]
    if unknown:
        raise StaleFileError(f"{', '.join(unknown[:5])}: not among the changes that were shown")
    return [
        {"path": path, "choice": to_json(choice), "identity": identity(known[path])}
        for path, choice in selection.items()
    ]


def is_untold(folder: Path) -> bool:
    """Whether files were taken back, and the journal does not tell of it yet."""
    return (folder / UNTOLD).exists()


def forget_untold(folder: Path) -> None:
    """The journal tells of what was taken back."""
    (folder / UNTOLD).unlink(missing_ok=True)


def unfinished_layers(layers: Path) -> list[str]:
    """The sessions of which an acceptance was cut off, or was not told, nor a way back."""

    def is_unfinished(folder: Path) -> bool:
        return Layer(layers, folder).unfinished or is_untold(folder)

    try:
        with os.scandir(layers) as entries:
            return sorted(entry.name for entry in entries if is_unfinished(Path(entry.path)))
    except FileNotFoundError:
        return []


def left_staged(layers: Path, session: str) -> bool:
    """Whether a session's layer holds changes that have not been accepted; without a layer, there are none."""
    try:
        with os.scandir(layers / session / "upper") as entries:
            return next(entries, None) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False


def staged_then(layers: Path, session: str, turn: int | None) -> bool:
    """Whether anything was staged in a session at the beginning of a turn (None: now), as far as that is known."""
    folder = layers / session
    try:
        mark = None if turn is None else Layer(folder, folder).marks().get(turn)
    except WorkspaceError:
        mark = None
    return left_staged(layers, session) if mark is None else mark != 0


def remove_layer(layers: Path, session: str) -> None:
    """Remove what a session kept of files: its layer and its ledger. Raises OSError; nothing there is no error."""
    folder = layers / session
    if folder.parent != layers or folder.is_symlink():
        raise WorkspaceError(f"{session!r} is no name of a layer")
    if folder.is_dir():
        erase(folder)
