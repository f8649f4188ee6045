"""Changes of a file's mode, owner, times and attributes in tier kernel: made here, in the run's stead.

Landlock has no right for them, so every such call comes to the notifier. It is not allowed to go on after a look,
since another thread could exchange the path or the descriptor meanwhile: the file is found once, held, compared
with the places that the run may write, and changed through what is held. That happens without capabilities, because
a run of root has none: nothing is changed for it that it could not change itself.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.memory import process_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vtcode_tui.sandbox.inner.memory import Memory

_AT_FDCWD = 0xFFFFFF9C
_NOFOLLOW = 0x100
_SET_ID = 0o6000
_LARGEST_ATTRIBUTE = 65536
_OWN_DESCRIPTOR = re.compile(rb"/(?:proc/(?:self|thread-self|(\d+))|dev)/fd/(\d+)")
_DIRECTORY, _PATH, _DESCRIPTOR = "directory", "path", "descriptor"


class Refused(OSError):
    """A change that no run makes: `kind` and `detail` say which, as a refusal of the notifier."""

    def __init__(self, number: int, kind: str, detail: str) -> None:
        super().__init__(number, detail)
        self.kind = kind
        self.detail = detail


class Call:
    """How a system call names its file: the arguments with its folder, path, descriptor and flags; -1 for none."""

    __slots__ = ("change", "descriptor", "flags", "folder", "follow", "path")

    def __init__(
        self,
        change: Callable[[Change], int],
        *,
        folder: int = -1,
        path: int = -1,
        descriptor: int = -1,
        flags: int = -1,
        follow: bool = True,
    ) -> None:
        self.change = change
        self.folder = folder
        self.path = path
        self.descriptor = descriptor
        self.flags = flags
        self.follow = follow


class Change:
    """One call under way: the file held, the caller, and the arguments."""

    __slots__ = ("_memory", "arguments", "call", "held")

    def __init__(self, call: Call, held: int, arguments: Sequence[int], own: Memory) -> None:
        self.call = call
        self.held = held
        self.arguments = arguments
        self._memory = own

    def after_path(self, place: int) -> int:
        """The argument that stands `place` after the one with the file."""
        return self.arguments[max(self.call.path, self.call.descriptor) + 1 + place]

    @property
    def way(self) -> bytes:
        """A path to the held file, whatever it is called by now."""
        return b"/proc/self/fd/%d" % self.held

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the caller's memory."""
        return self._memory.exactly(address, size)

    def name(self) -> bytes:
        """The name of an extended attribute."""
        return self._memory.text(self.after_path(0), 256)


def _mode(change: Change) -> int:
    mode = change.after_path(0) & 0o7777
    if mode & _SET_ID:
        raise Refused(errno.EPERM, "syscall", "set-user-id")
    return int(kernel.LIBC.chmod(change.way, mode))


def _owner(change: Change) -> int:
    user, group = (ctypes.c_uint(change.after_path(place)) for place in (0, 1))
    return int(kernel.LIBC.fchownat(change.held, b"", user, group, kernel.AT_EMPTY_PATH))


def _set_times(change: Change, times: bytes | None) -> int:
    return int(kernel.LIBC.utimensat(change.held, b"", times, kernel.AT_EMPTY_PATH))


def _times(change: Change) -> int:
    """`timespec[2]`, or now."""
    address = change.after_path(0)
    return _set_times(change, change.read(address, 32) if address else None)


def _times_in_micros(change: Change) -> int:
    """`timeval[2]`, or now."""
    address = change.after_path(0)
    if not address:
        return _set_times(change, None)
    seconds, micros, more, rest = struct.unpack("=4q", change.read(address, 32))
    if not (0 <= micros < 1_000_000 and 0 <= rest < 1_000_000):
        raise OSError(errno.EINVAL, "time")
    return _set_times(change, struct.pack("=4q", seconds, micros * 1000, more, rest * 1000))


def _times_in_seconds(change: Change) -> int:
    """`utimbuf`, or now."""
    address = change.after_path(0)
    if not address:
        return _set_times(change, None)
    access, change_time = struct.unpack("=2q", change.read(address, 16))
    return _set_times(change, struct.pack("=4q", access, 0, change_time, 0))


def _set_attribute(change: Change) -> int:
    name = change.name()
    address, size, flags = (change.after_path(place) for place in (1, 2, 3))
    if size > _LARGEST_ATTRIBUTE:
        raise OSError(errno.E2BIG, "attribute")
    value = change.read(address, size) if size else b""
    how = ctypes.c_int(flags & 0xFFFFFFFF)
    return int(kernel.LIBC.setxattr(change.way, name, value, ctypes.c_size_t(size), how))


def _remove_attribute(change: Change) -> int:
    return int(kernel.LIBC.removexattr(change.way, change.name()))


CALLS: dict[str, Call] = {
    "chmod": Call(_mode, path=0),
    "fchmod": Call(_mode, descriptor=0),
    "fchmodat": Call(_mode, folder=0, path=1),
    "fchmodat2": Call(_mode, folder=0, path=1, flags=3),
    "chown": Call(_owner, path=0),
    "lchown": Call(_owner, path=0, follow=False),
    "fchown": Call(_owner, descriptor=0),
    "fchownat": Call(_owner, folder=0, path=1, flags=4),
    "utime": Call(_times_in_seconds, path=0),
    "utimes": Call(_times_in_micros, path=0),
    "futimesat": Call(_times_in_micros, folder=0, path=1),
    "utimensat": Call(_times, folder=0, path=1, flags=3),
    "setxattr": Call(_set_attribute, path=0),
    "lsetxattr": Call(_set_attribute, path=0, follow=False),
    "fsetxattr": Call(_set_attribute, descriptor=0),
    "removexattr": Call(_remove_attribute, path=0),
    "lremovexattr": Call(_remove_attribute, path=0, follow=False),
    "fremovexattr": Call(_remove_attribute, descriptor=0),
}


def carry_out(name: str, arguments: Sequence[int], caller: Memory, roots: list[str]) -> None:
    """Make the change if its file lies below `roots`. Raises Refused where it does not, OSError with the errno."""
    call = CALLS[name]
    with kernel.without_capabilities():
        held = _find(call, caller, arguments)
        try:
            caller.check()  # what was opened by its number in /proc was the caller's
            place = os.readlink(f"/proc/self/fd/{held}")
            if not _may_change(place, held, roots):
                raise Refused(errno.EACCES, "path", f"{name} {place}")
            ctypes.set_errno(0)
            if call.change(Change(call, held, arguments, caller)) < 0:
                raise OSError(ctypes.get_errno(), name)
        finally:
            os.close(held)


def _may_change(place: str, held: int, roots: list[str]) -> bool:
    if any(place == root or place.startswith(f"{root}/") for root in roots):
        return True
    # Pipes, sockets and memory files have no place; a name that only looks like theirs has links.
    return (not place.startswith("/") or place.startswith("/memfd:")) and os.fstat(held).st_nlink <= 1


def _find(call: Call, caller: Memory, arguments: Sequence[int]) -> int:
    """The file of a call, held by an O_PATH descriptor."""
    thread = caller.thread
    if call.descriptor >= 0:
        return _descriptor_of(thread, arguments[call.descriptor])
    flags = arguments[call.flags] & 0xFFFFFFFF if call.flags >= 0 else 0
    folder = arguments[call.folder] & 0xFFFFFFFF if call.folder >= 0 else _AT_FDCWD
    address = arguments[call.path]
    if not address and call.change in (_times, _times_in_micros) and folder != _AT_FDCWD:
        return _descriptor_of(thread, folder)  # futimens
    path = caller.text(address, 4096)
    if not path:
        if not flags & kernel.AT_EMPTY_PATH:
            raise OSError(errno.ENOENT, "path")
        return _descriptor_of(thread, folder) if folder != _AT_FDCWD else _open(f"/proc/{thread}/cwd")
    follow = call.follow and not flags & _NOFOLLOW
    own = _OWN_DESCRIPTOR.fullmatch(path)
    if own and follow and (own[1] is None or int(own[1]) == process_of(thread)):
        return _descriptor_of(thread, int(own[2]))
    if path.startswith(b"/"):
        base = _open("/")
    else:
        base = _open(f"/proc/{thread}/cwd") if folder == _AT_FDCWD else _descriptor_of(thread, folder)
    try:
        how = os.O_PATH | (0 if follow else os.O_NOFOLLOW)
        # Links below /proc would lead to what is ours instead of the caller's.
        return kernel.open_inside(base, os.fsdecode(path), how, kernel.RESOLVE_NO_MAGICLINKS)
    finally:
        os.close(base)


def _descriptor_of(thread: int, descriptor: int) -> int:
    return _open(f"/proc/{thread}/fd/{descriptor & 0xFFFFFFFF}", missing=errno.EBADF)


def _open(path: str, *, missing: int = errno.ENOENT) -> int:
    try:
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        raise OSError(missing, path) from None
