"""What stands in the protected places of a workspace: read whole, or known by its stamps to be as it was.

Everything is reached through descriptors below the workspace, and no link is ever followed.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.node import Node

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
UNREADABLE = ""
"""The name that stands for attributes which cannot be read."""
_LARGEST_FILE, _LARGEST_ALL = 8 << 20, 64 << 20
_MOST_ENTRIES = 20_000
_NOT_THERE, _CLOSED = -1, -2
_DEEPEST = 64
"""Folders below each other in a protected place: nobody has more, and whoever makes more wants to be in our way."""


class Snapshots:
    """Looks at places of one workspace, by relative path."""

    def __init__(self, root: int) -> None:
        """`root`: the workspace's folder, open; the caller closes it."""
        self.root = root
        self.opens = False
        """Whether what was closed to us is opened again: after a run, which may have closed it."""
        self.kept = 0
        """Bytes of content that are held."""
        self._exact = kernel.has_exact_times(root)
        self._since = 0
        self._parents: dict[str, int] = {}
        """Folders that are open while nothing of what is above a name changes."""
        self._entries = 0
        self._depth = 0

    def settle(self, since_ns: int) -> None:
        """What has a time of change well before this one is known to be as it was where its stamp is."""
        self._since = since_ns - kernel.SETTLED_NS if self._exact else 0

    def begin_name(self) -> None:
        """Count what is kept anew."""
        self.kept = self._entries = 0

    def look(self, name: str, before: Node | None) -> Node:
        """What stands there now; content that was read before and cannot have changed is not read again."""
        try:
            parent = self._parent_of(name)
        except OSError:
            return Node("absent")
        return self._snapshot(parent, name.rpartition("/")[2], before)

    def stands(self, name: str, before: Node) -> bool:
        """Whether a place is surely as it was, by stamps alone; False where only a look can tell."""
        try:
            parent = self._parent_of(name)
        except OSError:
            return before.kind == "absent"
        return self._is_unchanged(parent, name.rpartition("/")[2], before)

    def stamps_of_parents(self) -> dict[str, tuple[int, ...]]:
        """The stamps of the folders in which places were looked for; () for those that are not there."""
        there = {above: parent for above, parent in self._parents.items() if parent >= _NOT_THERE}
        return {above: kernel.stamp_of(parent) if parent >= 0 else () for above, parent in there.items()}

    def unchanged(self, stamps: dict[str, tuple[int, ...]]) -> set[str]:
        """Of folders those to which no name came, and from which none went, since their stamps were taken."""
        found = set()
        for above, stamp in sorted(stamps.items()):
            if not stamp:
                # One that was not there: as long as no name came to the one above it, it still is not.
                if above.rpartition("/")[0] in found:
                    found.add(above)
            elif stamp[-1] < self._since:
                with suppress(OSError):
                    if kernel.stamp_of(self._parent_of(f"{above}/" if above else "")) == stamp:
                        found.add(above)
        return found

    def close_parents(self) -> None:
        """Let go of folders on the way: something above a name is about to change."""
        for parent in self._parents.values():
            if parent >= 0:
                os.close(parent)
        self._parents.clear()

    def open_parent(self, name: str) -> int:
        """The folder in which a name is, for the caller to close."""
        return kernel.open_inside(self.root, os.path.dirname(name) or ".", FOLDER)

    def identity(self, folder: str) -> tuple[int, int] | None:
        """Device and inode of a folder; None where there is none that can be opened."""
        try:
            descriptor = kernel.open_inside(self.root, folder, FOLDER)
        except OSError:
            return None
        try:
            known = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        return known.st_dev, known.st_ino

    def link(self, place: str) -> bytes | None:
        """Where a link leads that stands in a place; None where none does."""
        try:
            return os.fsencode(os.readlink(place.rpartition("/")[2], dir_fd=self._parent_of(place)))
        except OSError:
            return None

    def _parent_of(self, name: str) -> int:
        above = name.rpartition("/")[0]
        parent = self._parents.get(above)
        if parent is None:
            try:
                parent = self.open_parent(name)
            except OSError as error:
                parent = _NOT_THERE if error.errno == errno.ENOENT else _CLOSED
            self._parents[above] = parent
        if parent < 0:
            raise FileNotFoundError(errno.ENOENT, above)
        return parent

    def _is_unchanged(self, parent: int, path: str, before: Node) -> bool:
        try:
            known = os.stat(path, dir_fd=parent, follow_symlinks=False)
        except OSError:
            return before.kind == "absent"
        if before.stamp is None or known.st_ctime_ns >= self._since or _stamp(known) != before.stamp:
            return False
        # A folder that is the one it was, with the names it had, leads nowhere else.
        return all(self._is_unchanged(parent, f"{path}/{name}", child) for name, child in before.children.items())

    def _snapshot(self, parent: int, name: str, before: Node | None) -> Node:
        try:
            known = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError:
            return Node("absent")
        self._entries += 1
        mode = stat.S_IMODE(known.st_mode)
        if stat.S_ISLNK(known.st_mode):
            return Node("link", 0, os.fsencode(os.readlink(name, dir_fd=parent)), _stamp(known))
        if stat.S_ISREG(known.st_mode):
            stamp = _stamp(known)
            if before is not None and before.stamp == stamp and known.st_ctime_ns < self._since:
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
        # Of a folder that is not looked into nothing is known by its stamp.
        whole = self._entries < _MOST_ENTRIES
        node = Node("folder", mode, stamp=_stamp(known) if whole else None)
        node.attributes = _attributes(parent, name)
        if whole:
            folder = self._open(name, FOLDER, parent, mode)
            self._depth += 1
            try:
                for child in os.listdir(folder):
                    was = before.children.get(child) if before is not None else None
                    node.children[child] = self._snapshot(folder, child, was)
            finally:
                self._depth -= 1
                os.close(folder)
        return node

    def _content(self, parent: int, name: str, known: os.stat_result) -> bytes | None:
        if known.st_size > _LARGEST_FILE or self.kept + known.st_size > _LARGEST_ALL:
            # Not kept, but a change is still seen by size and time, which a run cannot set back in ctime.
            return None if known.st_size == 0 else f"\0{known.st_size} {known.st_ctime_ns}".encode()
        self.kept += known.st_size
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

    def _open(self, name: str, flags: int, parent: int, mode: int) -> int:
        """Open an entry; after the run also one whose mode the run took away (no link: that was looked at)."""
        try:
            return os.open(name, flags | os.O_CLOEXEC, dir_fd=parent)
        except PermissionError:
            if not self.opens:
                raise
            kernel.open_up(parent, name)
            return os.open(name, flags | os.O_CLOEXEC, dir_fd=parent)


def _stamp(known: os.stat_result) -> tuple[int, ...]:
    """As `kernel.stamp_of`, and not the mode: whatever changes it changes the time too."""
    return known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns


def _attributes(parent: int, name: str) -> dict[str, bytes]:
    """What a run could set on an entry: `user.` attributes and access lists, or `UNREADABLE`."""
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
        return {} if error.errno == errno.ENOTSUP else {UNREADABLE: b""}
