"""System calls that Python does not offer, by ctypes: Landlock, seccomp, mounts, namespaces, capabilities.

Each raises OSError with the name of the call; none decides anything.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from contextlib import contextmanager
from fcntl import ioctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LIBC = ctypes.CDLL(None, use_errno=True)
_ARM = platform.machine() in {"aarch64", "arm64"}
MAC = platform.system() == "Darwin"

SYS_CLONE = 220 if _ARM else 56
SYS_SECCOMP = 277 if _ARM else 317
SYS_STATX = 291 if _ARM else 332
SYS_PIVOT_ROOT = 41 if _ARM else 155
SYS_CAPGET = 90 if _ARM else 125
SYS_CAPSET = 91 if _ARM else 126
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
SYS_FSOPEN = 430
SYS_FSCONFIG = 431
SYS_FSMOUNT = 432
SYS_CLOSE_RANGE = 436
SYS_OPENAT2 = 437
SYS_PIDFD_GETFD = 438
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE = 444
SYS_LANDLOCK_ADD = 445
SYS_LANDLOCK_RESTRICT = 446

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

CLONE_PARENT = 0x00008000
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 32, 4096, 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
AT_RECURSIVE = 0x8000
CLOCK_OF_FILES = 0 if MAC else 5
"""CLOCK_REALTIME_COARSE: what the kernel stamps files with; the finer clock runs ahead of it.
On macOS files are stamped with the real time."""
AT_EMPTY_PATH = 0x1000
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH = 4, 0x40

RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 2, 4, 8, 16
INSIDE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS

_NOTIF_RECV = 0xC0502100
_NOTIF_SEND = 0xC0182101
_NOTIF_ID_VALID = 0x40082102
_NOTIF_ADDFD = 0x40182103


def checked(result: int, what: str) -> int:
    """The result of a call of the C library; raises OSError where it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(what: str, number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Call the kernel by number; `what` names the call in the OSError."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return checked(LIBC.syscall(ctypes.c_long(number), *words), what)


def prctl(option: int, argument: int = 0, *more: int) -> int:
    """`prctl(2)` with integer arguments."""
    words = [ctypes.c_ulong(a) for a in (argument, *more, *([0] * (3 - len(more))))]
    return checked(LIBC.prctl(ctypes.c_int(option), *words), f"prctl {option}")


def set_name(name: str) -> None:
    """The name that `ps` and `top` show for this process."""
    LIBC.prctl(PR_SET_NAME, ctypes.c_char_p(name.encode()[:15]), 0, 0, 0)


def unshare(flags: int) -> None:
    """Enter new namespaces."""
    checked(LIBC.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """`mount(2)`."""
    encode = os.fsencode
    result = LIBC.mount(
        ctypes.c_char_p(encode(source)),
        ctypes.c_char_p(encode(target)),
        ctypes.c_char_p(kind.encode() if kind else None),
        ctypes.c_ulong(flags),
        ctypes.c_char_p(encode(data) if data else None),
    )
    checked(result, f"mount {kind or 'bind'} on {target}")


def bind(source: str, target: str, *, recursive: bool = True) -> None:
    """Make `source` appear at `target` as well."""
    mount(source, target, None, MS_BIND | (MS_REC if recursive else 0))


def set_mount(path: str, attributes: int, *, recursive: bool = True) -> None:
    """Add mount attributes (read-only, nosuid, ...) to the mount at `path` and those below it."""
    data = struct.pack("=QQQQ", attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    syscall(f"mount_setattr {path}", SYS_MOUNT_SETATTR, -100, os.fsencode(path), flags, data, len(data))


def copy_mount(root: int) -> int:
    """A copy of the mount whose root is open, attached nowhere, as a descriptor; goes with the last one of it."""
    return syscall("open_tree", SYS_OPEN_TREE, root, b"", OPEN_TREE_CLONE | AT_EMPTY_PATH | os.O_CLOEXEC)


def attach_mount(mount: int, folder: int) -> None:
    """Attach a mount that is nowhere at an open folder of this mount namespace."""
    flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
    syscall("move_mount", SYS_MOVE_MOUNT, mount, b"", folder, b"", flags)


def open_inside(folder: int, path: str, flags: int, resolve: int = INSIDE, mode: int = 0) -> int:
    """`openat2(2)`: open `path` below `folder` without following a way out of it."""
    if MAC:
        return open_by_steps(folder, path, flags)
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, mode, resolve)
    return syscall(f"openat2 {path}", SYS_OPENAT2, folder, os.fsencode(path), how, len(how))


def open_by_steps(folder: int, path: str, flags: int) -> int:
    """Open `path` below `folder` one name at a time, no link followed: for systems without `openat2(2)`."""
    names = [name for name in path.split("/") if name not in ("", ".")]
    if ".." in names or path.startswith("/"):
        raise OSError(errno.EXDEV, f"open {path}: leads out of the folder")
    step = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    held = os.open(".", step if names else flags | os.O_CLOEXEC, dir_fd=folder)
    for place, name in enumerate(names, 1):
        how = flags | os.O_NOFOLLOW | os.O_CLOEXEC if place == len(names) else step
        try:
            below = os.open(name, how, dir_fd=held)
        finally:
            os.close(held)
        held = below
    return held


def open_up(folder: int, name: str) -> None:
    """Give the owner all rights on an entry whose mode was taken away; no link is followed, whoever makes one."""
    if MAC:
        known = os.stat(name, dir_fd=folder, follow_symlinks=False)
        os.chmod(name, known.st_mode & 0o7777 | 0o700, dir_fd=folder, follow_symlinks=False)
        return
    entry = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{entry}", os.fstat(entry).st_mode & 0o7777 | 0o700)
    finally:
        os.close(entry)


def mount_of(descriptor: int) -> int:
    """The number of the mount through which a file was opened; 0 where the kernel does not say."""
    buffer = ctypes.create_string_buffer(256)
    syscall("statx", SYS_STATX, descriptor, b"", AT_EMPTY_PATH, 0x1000, buffer)
    known = struct.unpack_from("=I", buffer.raw)[0] & 0x1000
    return int(struct.unpack_from("=Q", buffer.raw, 144)[0]) if known else 0


_OVERLAY = 0x794C7630
_EXT, _XFS, _BTRFS, _TMPFS, _F2FS = 0xEF53, 0x58465342, 0x9123683E, 0x01021994, 0xF2F52010


def _file_system(descriptor: int) -> int:
    """The number by which the kernel knows the kind of file system that a descriptor lies on; 0 where unknown."""
    if MAC:
        return 0
    buffer = ctypes.create_string_buffer(256)
    if LIBC.fstatfs(descriptor, buffer) < 0:
        return 0
    return int(struct.unpack_from("=Q", buffer.raw)[0]) & 0xFFFFFFFF


def has_exact_times(descriptor: int) -> bool:
    """Whether the file system stamps every change of a file, by this machine's own clock."""
    return _file_system(descriptor) in {_EXT, _XFS, _BTRFS, _TMPFS, _F2FS}


SETTLED_NS = 2_500_000_000
"""The coarsest file system counts in steps of 2 s: what changed longer ago gets another time when it changes."""


def stamp_of(descriptor: int) -> tuple[int, ...]:
    """Which file it is, its size and its times: the same, if it had settled, only if nothing was changed."""
    known = os.fstat(descriptor)
    return known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns


def is_overlay(descriptor: int) -> bool:
    """Whether a descriptor lies on a layer, ours or another."""
    return _file_system(descriptor) == _OVERLAY


def counts_folders(descriptor: int) -> bool:
    """Whether the number of links of a folder is two more than that of its subfolders (or 1 when they are many)."""
    return _file_system(descriptor) in {_EXT, _XFS, _TMPFS}


def memory_of_machine() -> tuple[int, int, int]:
    """Bytes of memory: what the machine has, what is free, and what is shared (tmpfs, memfd, System V)."""
    buffer = ctypes.create_string_buffer(128)
    checked(LIBC.sysinfo(buffer), "sysinfo")
    # long uptime, loads[3]; then totalram, freeram, sharedram; two bytes behind eight words follows mem_unit.
    total, unused, shared = struct.unpack_from("=3Q", buffer.raw, 32)
    unit = struct.unpack_from("=I", buffer.raw, 104)[0]
    return total * unit, unused * unit, shared * unit


def close_all_but(keep: set[int]) -> None:
    """Close every descriptor that is not in `keep`."""
    low = 0
    for descriptor in [*sorted(keep), 1 << 30]:
        if low < descriptor:
            top = min(descriptor - 1, 0x7FFFFFFF)
            syscall("close_range", SYS_CLOSE_RANGE, low, top, 0)
        low = descriptor + 1


def close_on_exec(first: int) -> None:
    """Let every descriptor from `first` on be closed when this process becomes a program."""
    syscall("close_range", SYS_CLOSE_RANGE, first, 0x7FFFFFFF, 4)


def drop_capabilities(last: int = 63) -> None:
    """Give up every capability for good; a uid of 0 means nothing afterwards."""
    for capability in range(last + 1):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break
    LIBC.prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)
    # NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, each locked; refused (harmlessly) where we have no CAP_SETPCAP.
    LIBC.prctl(PR_SET_SECUREBITS, 0b11101111, 0, 0, 0)
    header = struct.pack("=Ii", 0x20080522, 0)
    syscall("capset", SYS_CAPSET, header, bytes(24))


@contextmanager
def without_capabilities() -> Iterator[None]:
    """Act with no capability in effect: as root, like a run of root. They are back in effect afterwards."""
    header = struct.pack("=Ii", 0x20080522, 0)
    held = ctypes.create_string_buffer(24)
    syscall("capget", SYS_CAPGET, header, held)
    words = list(struct.unpack("=6I", held.raw))
    if not words[0] and not words[3]:
        yield
        return
    syscall("capset", SYS_CAPSET, header, struct.pack("=6I", 0, *words[1:3], 0, *words[4:]))
    try:
        yield
    finally:
        syscall("capset", SYS_CAPSET, header, held.raw)


def landlock_abi() -> int:
    """The Landlock version of the running kernel, 0 where there is none."""
    result = LIBC.syscall(ctypes.c_long(SYS_LANDLOCK_CREATE), None, ctypes.c_long(0), ctypes.c_long(1))
    return max(0, int(result))


_ADD_RULE = (ctypes.c_long(SYS_LANDLOCK_ADD), ctypes.c_long(1), ctypes.c_long(0))


def landlock_allow(ruleset: ctypes.c_long, descriptor: int, access: int) -> None:
    """Add a rule for the file or folder behind `descriptor`. Called some eighty times for a run."""
    number, kind, flags = _ADD_RULE
    checked(LIBC.syscall(number, ruleset, kind, struct.pack("=Qi", access, descriptor), flags), "landlock_add_rule")


LOG_NOT_HERE, LOG_AFTER_EXEC = 1, 2


def landlock_restrict(ruleset: int, records: int = 0) -> None:
    """Enforce the ruleset on this process and everything it will start; `records`: what the audit is to hear of it.

    LOG_NOT_HERE: nothing of this program; LOG_AFTER_EXEC: also of those that it becomes. Landlock 7 or newer.
    """
    syscall("landlock_restrict_self", SYS_LANDLOCK_RESTRICT, ruleset, records)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def seccomp_load(code: bytes, *, listener: bool = False) -> int:
    """Load a BPF program; with `listener`, return the descriptor of its notifier."""
    program = _Program(len(code) // 8, code)
    flags = (1 << 3 | 1 << 5) if listener else 0  # NEW_LISTENER | WAIT_KILLABLE_RECV
    result = LIBC.syscall(ctypes.c_long(SYS_SECCOMP), ctypes.c_long(1), ctypes.c_long(flags), ctypes.byref(program))
    if result < 0 and listener:  # kernels before 5.19 lack WAIT_KILLABLE_RECV
        result = LIBC.syscall(
            ctypes.c_long(SYS_SECCOMP), ctypes.c_long(1), ctypes.c_long(1 << 3), ctypes.byref(program)
        )
    return checked(int(result), "seccomp")


def notify_receive(listener: int) -> tuple[int, int, int, tuple[int, ...]]:
    """The next notification: its id, the thread, the system call's number and its six arguments."""
    buffer = bytearray(80)
    ioctl(listener, _NOTIF_RECV, buffer)
    ident, thread, _flags, number, _arch, _pointer, *arguments = struct.unpack("=QIIiIQ6Q", buffer)
    return ident, thread, number, tuple(arguments)


def notify_answer(listener: int, ident: int, error: int, *, value: int = 0, proceed: bool = False) -> None:
    """Answer a notification with an errno (0: done, with that value), or let the call proceed as it was made."""
    ioctl(listener, _NOTIF_SEND, bytearray(struct.pack("=QqiI", ident, value, -error, 1 if proceed else 0)))


def notify_valid(listener: int, ident: int) -> bool:
    """Whether the caller still waits, so that what was read from its memory was its own."""
    try:
        ioctl(listener, _NOTIF_ID_VALID, bytearray(struct.pack("=Q", ident)))
    except OSError:
        return False
    return True


def notify_replace(listener: int, ident: int, ours: int, theirs: int, *, cloexec: bool) -> None:
    """Put our descriptor in the place of the caller's."""
    flags = os.O_CLOEXEC if cloexec else 0
    ioctl(listener, _NOTIF_ADDFD, bytearray(struct.pack("=QIIII", ident, 1, ours, theirs, flags)))


def notify_add(listener: int, ident: int, ours: int, *, cloexec: bool) -> int:
    """Give the caller a copy of our descriptor; its number there."""
    flags = os.O_CLOEXEC if cloexec else 0
    return int(ioctl(listener, _NOTIF_ADDFD, bytearray(struct.pack("=QIIII", ident, 0, ours, 0, flags))))


def pidfd_getfd(pidfd: int, descriptor: int) -> int:
    """A duplicate of another process's descriptor."""
    return syscall("pidfd_getfd", SYS_PIDFD_GETFD, pidfd, descriptor, 0)


def clone(flags: int) -> int:
    """Fork into new namespaces: 0 in the child, its pid in the parent.

    A raw clone keeps the child a direct child of the caller (so that its death signal works) and saves a fork.
    Only for a process with a single thread.
    """
    return syscall("clone", SYS_CLONE, flags | 17, 0, 0, 0, 0)
