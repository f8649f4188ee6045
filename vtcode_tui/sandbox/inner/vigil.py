"""Whether any name came or went in the folders of a workspace since they were looked through, without a look.

Looking for repositories asks for the state of each of 500 folders, and most runs change no name in any. So the
kernel is told to note what comes and goes there (inotify), and what was found is kept beside its notes. As long as
nothing is noted, a look would find the same again; after the first note it must be made anew. Nobody ever reads the
notes: several runs share them, and the kernel leaves out one that repeats the last, but never the first.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import json
import os
import re
import select

from vtcode_tui.sandbox.inner import kernel, repositories
from vtcode_tui.sandbox.inner.job import read_all

_NAMES = 0x40 | 0x80 | 0x100 | 0x200 | 0x01000000
"""IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE, of folders only. Lost notes and unmounting are always noted."""
_DONT_FOLLOW, _FIONREAD = 0x02000000, 0x541B


class Unwatchable(Exception):
    """The kernel cannot note all that comes and goes in a workspace: each run's end looks through it."""


class Mounts:
    """Whether a file system was mounted or unmounted on this machine since this was made."""

    def __init__(self) -> None:
        self._changed = False
        self._poll = select.poll()
        self._poll.register(os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC), select.POLLPRI)

    def changed(self) -> bool:
        """Whether anything did, ever since."""
        self._changed = self._changed or bool(self._poll.poll(0))  # the kernel says so once only
        return self._changed


def holds_mounts(workspace: str) -> bool:
    """Whether a file system is mounted in a folder of a workspace, or may be: nothing in it would be noted."""
    above = os.fsencode(os.path.realpath(workspace)) + b"/"
    try:
        with open("/proc/self/mountinfo", "rb") as table:
            return any(_OCTAL.sub(_byte, line.split(b" ", 5)[4]).startswith(above) for line in table)
    except OSError:
        return True


_OCTAL = re.compile(rb"\\([0-7]{3})")
"""How the kernel writes blanks, line ends and backslashes in that table."""


def _byte(octal: re.Match[bytes]) -> bytes:
    return bytes([int(octal[1], 8)])


class Vigil:
    """The kernel's notes, and what was found when they began: two descriptors, which go from run to run."""

    __slots__ = ("memory", "queue")

    def __init__(self, queue: int, memory: int) -> None:
        self.queue = queue
        self.memory = memory

    def is_quiet(self) -> bool:
        """Whether nothing came or went since it began."""
        waiting = array.array("i", [0])
        fcntl.ioctl(self.queue, _FIONREAD, waiting)
        return waiting[0] == 0

    def found(self, root: int) -> repositories.Found | None:
        """What a look through the workspace behind `root` would find; None where only a look can tell."""
        return self._read(root, whole=False) if self.is_quiet() else None

    def remembered(self, root: int) -> repositories.Found | None:
        """What was found behind `root` when it began, whatever came or went since; None where that was another."""
        return self._read(root, whole=True)

    def _read(self, root: int, *, whole: bool) -> repositories.Found | None:
        brief, more = read_all(self.memory).split(b"\n")
        said = json.loads(brief)
        known = os.fstat(root)
        if said["root"] != [known.st_dev, known.st_ino]:
            return None
        found = repositories.Found()
        found.folders, found.pointers = set(said["folders"]), set(said["pointers"])
        if whole:
            further = json.loads(more)
            found.bare, found.since_ns, found.steps_ns = set(further["bare"]), further["since"], further["steps"]
        return found

    def close(self) -> None:
        """Let go of it here."""
        os.close(self.queue)
        os.close(self.memory)


def begin(workspace: str) -> Vigil:
    """Watch the folders of a workspace from now on, and look through each once it is watched.

    Raises Unwatchable, or OSError where there is no inotify descriptor left.
    """
    mounts = Mounts()
    if holds_mounts(workspace):
        raise Unwatchable("another file system lies in the workspace")
    queue = kernel.checked(kernel.LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify_init1")
    try:
        root = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            known = os.fstat(root)
            if not kernel.counts_folders(root):
                raise Unwatchable("this file system does not count folders")
            found = repositories.find(root, lambda *place: _watch(queue, known.st_dev, *place))
        finally:
            os.close(root)
        if mounts.changed():
            raise Unwatchable("a file system came or went meanwhile, so that other folders may be watched")
        if found.closed:
            raise Unwatchable("a folder cannot be looked into, and may be opened without a note")
        memory = os.memfd_create("vtcode-vigil", os.MFD_CLOEXEC)
        said = {"root": [known.st_dev, known.st_ino], "folders": [*found.folders], "pointers": [*found.pointers]}
        further = {"bare": [*found.bare], "since": found.since_ns, "steps": found.steps_ns}
        with open(memory, "wb", closefd=False) as file:
            file.write(f"{json.dumps(said)}\n{json.dumps(further)}".encode())
    except BaseException:
        os.close(queue)
        raise
    return Vigil(queue, memory)


def _watch(queue: int, device: int, folder: int, name: str) -> None:
    """Watch `name` in an open folder ("": that folder), by its descriptor: no link can be put in the way."""
    if not name and os.fstat(folder).st_dev != device:
        raise Unwatchable("another file system lies in the workspace")
    path = f"/proc/self/fd/{folder}" + (f"/{name}" if name else "")
    how = _NAMES | (_DONT_FOLLOW if name else 0)
    if kernel.LIBC.inotify_add_watch(queue, ctypes.c_char_p(os.fsencode(path)), how) < 0:
        raise Unwatchable(f"a folder cannot be watched: {os.strerror(ctypes.get_errno())}")
