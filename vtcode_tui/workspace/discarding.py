"""Taking changes out of a layer, while no run has it mounted. Standard library only.

Removing an entry of the upper tree brings the real file back, except below a folder that was deleted or replaced as
a whole: there the real file is copied in, and a deleted folder becomes one that hides the rest of the real one.
"""

from __future__ import annotations

import contextlib
import os
import stat
from hashlib import sha256
from pathlib import Path

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.accepting import Chosen
from vtcode_tui.workspace.bases import Bases, same
from vtcode_tui.workspace.beneath import TEMPORARY, Beneath, Entry
from vtcode_tui.workspace.changes import Choice
from vtcode_tui.workspace.choices import in_conflict
from vtcode_tui.workspace.lines import apply_hunks
from vtcode_tui.workspace.overlay import is_opaque, is_whiteout
from vtcode_tui.workspace.scanning import Pending, Scan

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Discarder:
    """The trees of one layer, while changes are taken out."""

    def __init__(self, lower: Path, upper: Path, bases: Bases) -> None:
        self._lower, self._upper, self._bases = lower, upper, bases

    def discard(self, chosen: Chosen) -> None:
        """Undo these changes in the layer."""

        def rank(row: tuple[Pending, Choice]) -> tuple[bool, int]:
            # First what stands in the place of a folder, so that what was in the folder can come back.
            real = row[0].real
            return (real is None or real.kind != "folder", -row[0].change.path.count("/"))

        for pending, choice in chosen:
            # Without its conflict the rest would take back the human's own lines as if the agent had meant that.
            if isinstance(choice, frozenset) and pending.change.conflict:
                raise in_conflict(pending.change)
        with Beneath(self._lower) as low, Beneath(self._upper) as up:
            for pending, choice in sorted(chosen, key=rank):
                if isinstance(choice, frozenset):
                    self._keep_rest(pending, choice, low, up)
                    continue
                if choice is not None:
                    raise WorkspaceError(f"{pending.change.path}: all of it or some hunks can be discarded")
                self._undo(pending.change.path, pending.real, low, up)
                if source := pending.change.renamed_from:
                    self._undo(source, low.entry(source), low, up)

    def settle(self, path: str, rest: bytes, real: Entry | None) -> None:
        """The human accepted a text of their own: the layer has it too, with what is left of the agent's."""
        with Beneath(self._lower) as low, Beneath(self._upper) as up:
            if real is not None and sha256(rest).hexdigest() == real.sha256:
                self._undo(path, real, low, up)
            else:
                up.write(path, rest)

    def tidy(self, scan: Scan) -> None:
        """Drop entries that make no difference, so that runs see what people change in the real files."""
        changed = (name for p in scan.pending for name in (p.change.path, p.change.renamed_from))
        waiting = {name[:at] for name in changed for at, sign in enumerate(name) if sign == "/"}
        with Beneath(self._lower) as low, Beneath(self._upper) as up:
            for pending in scan.pending:
                if pending.merged is not None and not pending.change.conflict:
                    up.write(pending.change.path, pending.merged, mode=pending.change.after_mode)
                    self._bases.put(pending.change.path, pending.real, low.read(pending.change.path))
            for touch, real in sorted(scan.idle, key=lambda row: -row[0].path.count("/")):
                if not touch.own or touch.hidden or touch.path in waiting:
                    continue
                if self._is_idle(touch.path, touch.now, real, low, up):
                    self._remove(touch.path)
                    self._bases.forget(touch.path)

    def _is_idle(self, path: str, now: Entry | None, real: Entry | None, low: Beneath, up: Beneath) -> bool:
        if now is None:
            return True
        if now.kind == "folder":
            return real is not None and real.kind == "folder" and not up.names(path) and same(now, real)
        if not same(now, real):
            return same(now, self._bases.get(path)) if path in self._bases else False
        # A file that was only touched stays: its time matters to make.
        return low.mtime_ns(path) == up.mtime_ns(path)

    def _keep_rest(self, pending: Pending, hunks: frozenset[int], low: Beneath, up: Beneath) -> None:
        change = pending.change
        rest = frozenset(h.index for h in change.hunks) - hunks
        mode = change.after_mode if pending.touch.now is None else pending.touch.now.mode
        up.write(change.path, apply_hunks(change.old_text, change.hunks, rest), mode=mode)
        self._bases.put(change.path, pending.real, change.old_text)

    def _undo(self, path: str, real: Entry | None, low: Beneath, up: Beneath) -> None:
        if blocker := self._blocker(path):
            raise WorkspaceError(f"{path} cannot come back while {blocker} is a file: discard that too")
        top = self._hiding(path)
        self._remove(path)
        if top is not None and real is not None:
            self._reveal(top)
            self._copy(path, real, low, up)
        elif real is not None and real.kind == "folder" and (self._upper / path).is_dir():
            (self._upper / path).chmod(real.mode)
        self._prune(path)
        self._bases.forget(path)

    def _blocker(self, path: str) -> str:
        """The folder above `path` that is a file or a link in the layer; empty when there is none."""
        parts = path.split("/")
        for n in range(1, len(parts)):
            above = "/".join(parts[:n])
            try:
                status = os.lstat(self._upper / above)
            except FileNotFoundError:
                return ""
            if not stat.S_ISDIR(status.st_mode):
                return "" if is_whiteout(self._upper / above, status) else above
        return ""

    def _hiding(self, path: str) -> Path | None:
        """The outermost folder above `path` that hides the real one, as it stands in the upper tree."""
        at = self._upper
        for name in path.split("/")[:-1]:
            at = at / name
            try:
                status = os.lstat(at)
            except FileNotFoundError:
                return None
            if is_whiteout(at, status) or (stat.S_ISDIR(status.st_mode) and is_opaque(at)):
                return at
            if not (self._lower / at.relative_to(self._upper)).is_dir():
                return None
        return None

    def _reveal(self, top: Path) -> None:
        """Make a deleted folder a folder again, with nothing of the real one in it."""
        if top.is_dir():
            return
        mode = stat.S_IMODE(os.lstat(self._lower / top.relative_to(self._upper)).st_mode)
        fresh = top.with_name(f".vtcode-tmp-{os.urandom(8).hex()}")
        fresh.mkdir()
        try:
            for space in ("user", "trusted"):
                with contextlib.suppress(OSError):
                    os.setxattr(fresh, f"{space}.overlay.opaque", b"y")
            if not is_opaque(fresh):
                raise WorkspaceError(
                    f"{top.name}/ was deleted as a whole: it can only be brought back as a whole here"
                )
            fresh.chmod(mode)
            top.unlink()
            fresh.rename(top)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.rmdir()
            raise

    def _copy(self, path: str, real: Entry, low: Beneath, up: Beneath) -> None:
        parts = path.split("/")
        for n in range(1, len(parts)):
            folder = "/".join(parts[:n])
            if up.entry(folder) is None:
                above = low.entry(folder)
                up.folder(folder, mode=above.mode if above else None)
        match real.kind:
            case "folder":
                up.folder(path, mode=real.mode)
            case "symlink":
                up.link(path, real.target)
            case "file":
                up.write(
                    path, low.pieces(path, real.sha256, real.size), mode=real.mode, mtime_ns=low.mtime_ns(path)
                )

    def _remove(self, path: str) -> None:
        target = self._upper / path
        try:
            status = os.lstat(target)
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(status.st_mode):
            real = self._lower / path
            if real.is_dir() and not real.is_symlink() and not is_opaque(target):
                with contextlib.suppress(OSError):
                    target.rmdir()  # other changes may lie in it
                return
            erase(target)
        else:
            target.unlink()

    def _prune(self, path: str) -> None:
        """Remove folders above that came with the change and hold nothing any more."""
        for parent in (self._upper / path).parents:
            if parent == self._upper or (self._lower / parent.relative_to(self._upper)).is_dir():
                return
            try:
                parent.rmdir()
            except OSError:
                return


def erase(folder: Path) -> None:
    """Remove a tree that a run left, also where it took its own right to write or list, however deep it is.

    Folders are moved up to the top as they are found, so that no path gets longer than two names.
    """
    folder.chmod(0o700)
    top = os.open(folder, _FOLDER)
    try:
        prefix, moved = f"{TEMPORARY}{os.urandom(8).hex()}-", 0
        while rows := _rows(top):
            for name, is_folder in rows:
                if not is_folder:
                    os.unlink(name, dir_fd=top)
                    continue
                # No link can be in its place: nobody but us reaches the tree while it is erased.
                os.chmod(name, 0o700, dir_fd=top)
                below = os.open(name, _FOLDER, dir_fd=top)
                try:
                    for inner, holds_more in _rows(below):
                        if holds_more:
                            moved += 1
                            os.chmod(inner, 0o700, dir_fd=below)
                            os.rename(inner, f"{prefix}{moved:x}", src_dir_fd=below, dst_dir_fd=top)
                        else:
                            os.unlink(inner, dir_fd=below)
                finally:
                    os.close(below)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    folder.rmdir()


def _rows(folder: int) -> list[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
