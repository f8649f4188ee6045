"""Protected paths, compared with what they were: whatever a run did to them is undone before anybody sees it.

Runs after the last process of the run has ended, so nobody writes at the same time. Everything is reached through
descriptors below the workspace and no link is ever followed: a run which replaces `.git` by a link to another
place does not make us write there. What a run put in a protected place is moved out of the workspace, not kept.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time

from vtcode_tui.sandbox.inner import kernel, watch
from vtcode_tui.sandbox.inner.disarming import Disarming
from vtcode_tui.sandbox.inner.node import Node
from vtcode_tui.sandbox.inner.vigil import holds_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vtcode_tui.sandbox.inner.repositories import Found
    from vtcode_tui.sandbox.inner.vigil import Mounts, Vigil

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_LARGEST_FILE, _LARGEST_ALL = 8 << 20, 64 << 20
_MOST_ENTRIES = 20_000
_DEEPEST = 64
"""Folders below each other in a protected place: nobody has more, and whoever makes more wants to be in our way."""
_UNREADABLE = ""
"""The name that stands for attributes which cannot be read."""


class Guard:
    """Remembers protected paths before a run and restores them after it."""

    def __init__(
        self,
        workspace: str,
        paths: list[str],
        quarantine: str,
        vigil: Vigil | None = None,
        mounts: Mounts | None = None,
    ) -> None:
        """`vigil`: over this workspace, begun before the run; `mounts`: read before that vigil was taken."""
        self._vigil = vigil
        self._mounts = mounts
        self.looked = False
        """Whether the folders of the workspace had to be looked through after the run."""
        self._workspace = workspace
        self._names = [os.path.normpath(p)[len(workspace) + 1 :] for p in paths if p.startswith(workspace + "/")]
        self._quarantine = quarantine
        self._before: dict[str, Node] = {}
        self._folders: dict[str, tuple[int, int]] = {}
        self._parents: dict[str, int] = {}
        """Folders that are open while nothing of what is above a name changes."""
        self._root = -1
        self._kept = 0
        self._entries = 0
        self._moved = 0
        self._depth = 0
        self._ended = False
        self.findings: list[dict[str, object]] = []

    def remember(self) -> None:
        """Take the snapshot. Raises OSError when the workspace cannot be looked at."""
        if not self._names:
            return
        self._root = os.open(self._workspace, _FOLDER | os.O_CLOEXEC)
        self._exact = kernel.has_exact_times(self._root)
        for name in self._names:
            self._before[name] = self._look(name, None)
            parent = os.path.dirname(name)
            while parent and parent not in self._folders:
                identity = self._identity(parent)
                if identity is not None:
                    self._folders[parent] = identity
                parent = os.path.dirname(parent)
        self._close_parents()
        self._disarming = Disarming(self._root, self._workspace, self._before, self._take_away)
        known = self._known()
        self._disarming.remember(known, self._earlier)
        self._begun_ns = time.clock_gettime_ns(kernel.CLOCK_OF_FILES)

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
        findings = self.findings
        self._ended = True
        known = os.fstat(self._root)
        if stat.S_IMODE(known.st_mode) & 0o700 != 0o700 and known.st_uid == os.geteuid():
            os.fchmod(self._root, stat.S_IMODE(known.st_mode) | 0o700)
        for folder in sorted(self._folders, key=lambda name: name.count("/")):
            if self._reopen(folder):
                findings.append({"path": folder, "what": "was closed; opened again"})
            if self._identity(folder) != self._folders[folder]:
                findings.append({"path": folder, "what": self._bring_back(folder)})
        for name, before in self._before.items():
            self._kept = self._entries = 0
            try:
                after = self._look(name, before)
                if not before.same(after):
                    self._close_parents()
                    findings.append({"path": name, "what": self._restore(name, before, after)})
            except Exception as error:  # noqa: BLE001 - one that defies comparison must not keep the others from it
                why = error.strerror if isinstance(error, OSError) else repr(error)[:200]
                findings.append({"path": name, "what": f"could not be compared: {why}; look at it"})
        self._close_parents()
        found = self._known()
        self.looked = found is None
        mounted = self._mounts is not None and self._mounts.changed()
        findings += self._disarming.all(self._begun_ns, found, mounted=mounted)
        os.close(self._root)
        return findings

    def _look(self, name: str, before: Node | None) -> Node:
        folder, _, last = name.rpartition("/")
        parent = self._parents.get(folder, -1)
        if parent < 0:
            try:
                parent = self._parents[folder] = self._open_parent(name)
            except OSError:
                return Node("absent")
        return self._snapshot(parent, last, before)

    def _close_parents(self) -> None:
        for parent in self._parents.values():
            os.close(parent)
        self._parents.clear()

    def _open_parent(self, name: str) -> int:
        return kernel.open_inside(self._root, os.path.dirname(name) or ".", _FOLDER)

    def _snapshot(self, parent: int, name: str, before: Node | None) -> Node:
        try:
            known = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError:
            return Node("absent")
        self._entries += 1
        mode = stat.S_IMODE(known.st_mode)
        if stat.S_ISLNK(known.st_mode):
            return Node("link", 0, os.fsencode(os.readlink(name, dir_fd=parent)))
        if stat.S_ISREG(known.st_mode):
            stamp = (known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)
            if before is not None and before.stamp == stamp and self._is_settled(known):
                node = Node("file", mode, before.data, stamp)
                node.attributes = before.attributes
                return node
            node = Node("file", mode, self._content(parent, name, known), stamp)
            node.attributes = _attributes(parent, name)
            return node
        if not stat.S_ISDIR(known.st_mode):
            return Node("other", mode)
        if self._depth >= _DEEPEST:
            return Node("too deep", mode)
        node = Node("folder", mode)
        node.attributes = _attributes(parent, name)
        if self._entries < _MOST_ENTRIES:
            folder = self._open(name, _FOLDER, parent, mode)
            self._depth += 1
            try:
                for child in os.listdir(folder):
                    was = before.children.get(child) if before is not None else None
                    node.children[child] = self._snapshot(folder, child, was)
            finally:
                self._depth -= 1
                os.close(folder)
        return node

    def _is_settled(self, known: os.stat_result) -> bool:
        """Whether a change since the snapshot would show in the time of change, which nothing can set back."""
        return self._exact and known.st_ctime_ns + kernel.SETTLED_NS < self._begun_ns

    def _content(self, parent: int, name: str, known: os.stat_result) -> bytes | None:
        if known.st_size > _LARGEST_FILE or self._kept + known.st_size > _LARGEST_ALL:
            # Not kept, but a change is still seen by size and time, which a run cannot set back in ctime.
            return None if known.st_size == 0 else f"\0{known.st_size} {known.st_ctime_ns}".encode()
        self._kept += known.st_size
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = self._open(name, flags, parent, stat.S_IMODE(known.st_mode))
        try:
            # One more than its size, so that a file which grows meanwhile is read to its end.
            pieces = [os.read(descriptor, known.st_size + 1)]
            while pieces[-1]:
                pieces.append(os.read(descriptor, 1 << 20))
        finally:
            os.close(descriptor)
        return b"".join(pieces)

    def _identity(self, folder: str) -> tuple[int, int] | None:
        try:
            descriptor = kernel.open_inside(self._root, folder, _FOLDER)
        except OSError:
            return None
        try:
            known = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        return known.st_dev, known.st_ino

    def _reopen(self, folder: str) -> bool:
        """Give ourselves back a folder whose mode the run took away; whether it had."""
        if self._identity(folder) is not None:
            return False
        try:
            parent = self._open_parent(folder)
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

    def _open(self, name: str, flags: int, parent: int, mode: int) -> int:
        """Open an entry; after the run also one whose mode the run took away (no link: that was looked at)."""
        try:
            return os.open(name, flags | os.O_CLOEXEC, dir_fd=parent)
        except PermissionError:
            if not self._ended:
                raise
            kernel.open_up(parent, name)
            return os.open(name, flags | os.O_CLOEXEC, dir_fd=parent)

    def _bring_back(self, folder: str) -> str:
        """Put a folder that was renamed within its parent back in its place; what took the place goes.

        What became of it, in words; what was in it is compared and restored afterwards, wherever it is.
        """
        try:
            parent = self._open_parent(folder)
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
            parent = self._make_parent(name) if before.kind != "absent" else self._open_parent(name)
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
            if self._identity(folder) is None:
                above = self._open_parent(folder)
                try:
                    self._take_away(above, parts[depth - 1])
                    os.mkdir(parts[depth - 1], 0o755, dir_fd=above)
                finally:
                    os.close(above)
        return self._open_parent(name)


def _was_too_large(node: Node) -> bool:
    if node.kind == "file" and (node.data is None or node.data[:1] == b"\0"):
        return node.data is None or len(node.data) < 64
    return any(_was_too_large(child) for child in node.children.values())


def _attributes(parent: int, name: str) -> dict[str, bytes]:
    """What a run could set on an entry: `user.` attributes and access lists, or `_UNREADABLE`."""
    if sys.platform != "linux":
        return {}
    place = f"/proc/self/fd/{parent}/{name}"
    try:
        return {
            attribute: os.getxattr(place, attribute, follow_symlinks=False)
            for attribute in os.listxattr(place, follow_symlinks=False)
            if attribute.startswith(("user.", "system.posix_acl_"))
        }
    except OSError as error:
        # A run may forbid reading them, or set more than one list can hold: that is a difference, and no excuse.
        return {} if error.errno == errno.ENOTSUP else {_UNREADABLE: b""}


def _set_attributes(descriptor: int, node: Node) -> None:
    if sys.platform == "linux":
        for attribute, value in node.attributes.items():
            if attribute != _UNREADABLE:
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
        folder = os.open(name, _FOLDER | os.O_CLOEXEC, dir_fd=parent)
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
        folder = os.open(name, _FOLDER | os.O_CLOEXEC, dir_fd=parent)
        try:
            watch.empty(folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)
