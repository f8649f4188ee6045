"""Protected paths, compared with what they were: whatever a run did to them is undone before anybody sees it.

Runs after the last process of the run has ended, so nobody writes at the same time. Everything is reached through
descriptors below the workspace and no link is ever followed: a run which replaces `.git` by a link to another
place does not make us write there. What a run put in a protected place is moved out of the workspace, not kept.
"""

from __future__ import annotations

import os
import stat
import sys
import time

from vtcode_tui.sandbox.inner import kernel, watch
from vtcode_tui.sandbox.inner.disarming import Disarming
from vtcode_tui.sandbox.inner.node import Node
from vtcode_tui.sandbox.inner.outline import Places
from vtcode_tui.sandbox.inner.snapshots import FOLDER, UNREADABLE, Snapshots
from vtcode_tui.sandbox.inner.vigil import holds_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vtcode_tui.sandbox.inner.repositories import Found
    from vtcode_tui.sandbox.inner.vigil import Mounts, Vigil

_LARGEST_EARLY = 1 << 20
"""Bytes of content that a crew may hold while it waits."""


class Guard:
    """Remembers protected paths before a run and restores them after it."""

    def __init__(self, workspace: str, paths: list[str], quarantine: str) -> None:
        self._vigil: Vigil | None = None
        self._mounts: Mounts | None = None
        self.looked = False
        """Whether the folders of the workspace had to be looked through after the run."""
        self._workspace = workspace
        self._names = [os.path.normpath(p)[len(workspace) + 1 :] for p in paths if p.startswith(workspace + "/")]
        self._quarantine = quarantine
        self._before: dict[str, Node] = {}
        self._folders: dict[str, tuple[int, int]] = {}
        self._links: dict[str, bytes | None] = {}
        """Where no folder is above a place: where a link leads that stands there, or None. Others follow it."""
        self._stamps: dict[str, tuple[int, ...]] = {}
        """Of the folders in which places were looked for."""
        self._root = -1
        self._begun_ns = 0
        self._moved = 0
        self.findings: list[dict[str, object]] = []

    def remember_early(self) -> None:
        """Take a snapshot before it is known when the run will be: `remember` takes anew what has changed since.

        Nothing is held open meanwhile. Raises OSError when the workspace cannot be looked at.
        """
        begun_ns = time.clock_gettime_ns(kernel.CLOCK_OF_FILES)
        self._open_root()
        try:
            self._look_at_all()
        finally:
            os.close(self._root)
            self._root = -1
        self._begun_ns = begun_ns
        if self._shots.kept > _LARGEST_EARLY:
            self._before, self._begun_ns = {}, 0

    def watch_with(self, vigil: Vigil | None, mounts: Mounts) -> None:
        """`vigil`: over this workspace, begun before the run; `mounts`: read before that vigil was taken."""
        self._vigil = vigil
        self._mounts = mounts

    def remember(self) -> None:
        """Take the snapshot. Raises OSError when the workspace cannot be looked at."""
        if not self._names:
            return
        self._open_root()
        self._shots.settle(self._begun_ns)
        self._look_at_all()
        self._disarming = Disarming(self._root, self._workspace, self._before, self._take_away)
        known = self._known()
        self._disarming.remember(known, self._earlier)
        self._begun_ns = time.clock_gettime_ns(kernel.CLOCK_OF_FILES)
        self._shots.settle(self._begun_ns)

    def _open_root(self) -> None:
        self._root = os.open(self._workspace, FOLDER | os.O_CLOEXEC)
        self._shots = Snapshots(self._root)

    def _look_at_all(self) -> None:
        shots, earlier = self._shots, self._before
        unchanged = shots.unchanged(self._stamps)
        self._folders, self._links = {}, {}
        for name in self._names:
            was = earlier.get(name)
            if was is None or not self._stands(name, was, unchanged):
                earlier[name] = shots.look(name, was)
            parent = os.path.dirname(name)
            while parent and parent not in self._folders and parent not in self._links:
                identity = shots.identity(parent)
                if identity is not None:
                    self._folders[parent] = identity
                else:
                    self._links[parent] = shots.link(parent)
                parent = os.path.dirname(parent)
        self._stamps = shots.stamps_of_parents()
        shots.close_parents()

    def _stands(self, name: str, was: Node, unchanged: set[str]) -> bool:
        """Whether a place is as it was, by what the kernel stamps."""
        if was.kind == "absent" and name.rpartition("/")[0] in unchanged:
            return True
        return self._shots.stands(name, was)

    def _known(self) -> Found | None:
        """What a look for repositories would find, where that is known without one."""
        if self._mounts is not None and self._mounts.changed() and holds_mounts(self._workspace):
            self._vigil = None  # what lies in a file system that came meanwhile is not watched
        return self._vigil.found(self._root) if self._vigil is not None else None

    def _earlier(self) -> Found | None:
        """What was found when the vigil began."""
        return self._vigil.remembered(self._root) if self._vigil is not None else None

    def verify_surely(self) -> list[dict[str, object]]:
        """`verify`, with a finding of its own where it fails: what was not compared is not taken for unchanged."""
        try:
            return self.verify()
        except Exception as error:  # noqa: BLE001 - the report must go out, and say that the comparison did not finish
            what = f"protected paths could not be compared to the end: {error!r}; look at them"
            return [*self.findings, {"path": self._workspace, "what": what[:1000]}]

    def verify(self) -> list[dict[str, object]]:
        """Compare, restore, and tell what was changed: a list of {path, what}."""
        if self._root < 0:
            return []
        findings, shots = self.findings, self._shots
        shots.opens = True
        known = os.fstat(self._root)
        if stat.S_IMODE(known.st_mode) & 0o700 != 0o700 and known.st_uid == os.geteuid():
            os.fchmod(self._root, stat.S_IMODE(known.st_mode) | 0o700)
        for folder in sorted(self._folders, key=lambda name: name.count("/")):
            if self._reopen(folder):
                findings.append({"path": folder, "what": "was closed; opened again"})
            if shots.identity(folder) != self._folders[folder]:
                findings.append({"path": folder, "what": self._bring_back(folder)})
        for place, target in self._links.items():
            if shots.link(place) != target:
                before = Node("absent") if target is None else Node("link", 0, target)
                shots.close_parents()
                findings.append({"path": place, "what": self._restore(place, before, Node("other"))})
        unchanged = shots.unchanged(self._stamps)
        for name, before in self._before.items():
            try:
                if self._stands(name, before, unchanged):
                    continue
                shots.begin_name()
                after = shots.look(name, before)
                if not before.same(after):
                    shots.close_parents()
                    findings.append({"path": name, "what": self._restore(name, before, after)})
            except Exception as error:  # noqa: BLE001 - one that defies comparison must not keep the others from it
                why = error.strerror if isinstance(error, OSError) else repr(error)[:200]
                findings.append({"path": name, "what": f"could not be compared: {why}; look at it"})
        shots.close_parents()
        found = self._known()
        self.looked = found is None
        mounted = self._mounts is not None and self._mounts.changed()
        findings += self._disarming.all(self._begun_ns, found, mounted=mounted)
        os.close(self._root)
        return findings

    def _reopen(self, folder: str) -> bool:
        """Give ourselves back a folder whose mode the run took away; whether it had."""
        if self._shots.identity(folder) is not None:
            return False
        try:
            parent = self._shots.open_parent(folder)
        except OSError:
            return False
        try:
            name = os.path.basename(folder)
            known = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if (known.st_dev, known.st_ino) != self._folders[folder]:
                return False
            kernel.open_up(parent, name)
        except OSError:
            return False
        finally:
            os.close(parent)
        return True

    def _bring_back(self, folder: str) -> str:
        """Put a folder that was renamed within its parent back in its place; what took the place goes.

        What became of it, in words; what was in it is compared and restored afterwards, wherever it is.
        """
        try:
            parent = self._shots.open_parent(folder)
            try:
                name = os.path.basename(folder)
                self._take_away(parent, name)
                for entry in os.listdir(parent):
                    known = os.stat(entry, dir_fd=parent, follow_symlinks=False)
                    if (known.st_dev, known.st_ino) == self._folders[folder]:
                        os.rename(entry, name, src_dir_fd=parent, dst_dir_fd=parent)
                        break
            finally:
                os.close(parent)
        except OSError as error:
            return f"was moved or replaced and could not be brought back: {error.strerror}"
        self._reopen(folder)
        return "was moved or replaced; brought back"

    def _take_away(self, parent: int, name: str) -> None:
        """Move an entry out of the workspace, or remove it where it cannot be moved."""
        try:
            os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError:
            return
        os.makedirs(self._quarantine, 0o700, exist_ok=True)
        self._moved += 1
        try:
            os.rename(name, f"{self._quarantine}/{self._moved}-{name}", src_dir_fd=parent)
        except OSError:
            _remove(parent, name)

    def _restore(self, name: str, before: Node, after: Node) -> str:
        if before.kind in {"file", "folder"} and _was_too_large(before):
            return "was changed and is too large to be restored: compare it with your version control"
        try:
            parent = self._make_parent(name) if before.kind != "absent" else self._shots.open_parent(name)
        except OSError as error:
            return f"was changed and could not be restored: {error.strerror}"
        try:
            if after.kind != "absent":
                self._take_away(parent, os.path.basename(name))
            _write(parent, os.path.basename(name), before)
        except OSError as error:
            return f"was changed and could not be restored: {error.strerror}"
        finally:
            os.close(parent)
        if before.kind == "absent":
            return "was created; taken away"
        return "was removed; restored" if after.kind == "absent" else "was changed; restored"

    def _make_parent(self, name: str) -> int:
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if self._shots.identity(folder) is None:
                above = self._shots.open_parent(folder)
                try:
                    self._take_away(above, parts[depth - 1])
                    os.mkdir(parts[depth - 1], 0o755, dir_fd=above)
                finally:
                    os.close(above)
        return self._shots.open_parent(name)


def over(text: bytes) -> Guard:
    """The guard over the places that a text of `Places` names; over nothing where there is none."""
    if not text:
        return Guard("", [], "")
    places = Places(text)
    return Guard(places.workspace, places.paths, places.quarantine)


def _was_too_large(node: Node) -> bool:
    if node.kind == "file" and (node.data is None or node.data[:1] == b"\0"):
        return node.data is None or len(node.data) < 64
    return any(_was_too_large(child) for child in node.children.values())


def _set_attributes(descriptor: int, node: Node) -> None:
    if sys.platform == "linux":
        for attribute, value in node.attributes.items():
            if attribute != UNREADABLE:
                os.setxattr(descriptor, attribute, value)


def _write(parent: int, name: str, node: Node) -> None:
    """Make what was there, in a place that is empty now."""
    if node.kind == "link":
        os.symlink(node.data or b"", os.fsencode(name), dir_fd=parent)
    elif node.kind == "file":
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=parent), "wb") as file:
            file.write(node.data or b"")
            os.fchmod(file.fileno(), node.mode)
            _set_attributes(file.fileno(), node)
    elif node.kind == "folder":
        os.mkdir(name, 0o700, dir_fd=parent)
        folder = os.open(name, FOLDER | os.O_CLOEXEC, dir_fd=parent)
        try:
            for child, below in node.children.items():
                _write(folder, child, below)
            os.fchmod(folder, node.mode)
            _set_attributes(folder, node)
        finally:
            os.close(folder)


def _remove(parent: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except (IsADirectoryError, PermissionError) as error:  # macOS says EPERM for a folder
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise error
        os.chmod(name, 0o700, dir_fd=parent)
        folder = os.open(name, FOLDER | os.O_CLOEXEC, dir_fd=parent)
        try:
            watch.empty(folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)
