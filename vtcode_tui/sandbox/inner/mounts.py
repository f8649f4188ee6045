"""The file system that a run in tier `full` sees: a new root that holds what it may use and nothing else.

Built from binds on an empty tmpfs, so that what is not named does not exist there: other homes, sockets in /run,
device nodes, other people's temp files. Sources are reached below `/.old`, the host's root, until that goes.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from fcntl import ioctl

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.job import Job
from vtcode_tui.sandbox.inner.outline import Outline
from vtcode_tui.sandbox.inner.target import step

OLD = "/.old"
SYSTEM = ("/usr", "/opt", "/nix/store", "/gnu/store", "/etc")
"""Folders of the system that every run sees; what may be read in /etc is a matter of Landlock."""
_MERGED = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_SYSFS = (
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",
    "/sys/fs/cgroup",
)
_READ_ONLY = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
_RESERVED = 300  # numbers that the kernel gives out once only, before it begins anew
_WATCHES = (("max_inotify_instances", "max_user_instances"), ("max_inotify_watches", "max_user_watches"))
_WATCH_SHARE = 4
_WRITABLE = kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
_PLAIN = kernel.MS_NOSUID | kernel.MS_NODEV


def prepare(outline: Outline, folder: str) -> None:
    """As the first process of new namespaces: a new root with what every run sees, the host's below `/.old`.

    `folder` holds the run's private `home` and `tmp`.
    """
    with step("private mounts"):
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    with step("new root"):
        kernel.mount("vtcode", "/tmp", "tmpfs", _PLAIN, "mode=0755,size=16m")
        os.mkdir("/tmp/.old", 0o755)
        os.chdir("/tmp")
        kernel.syscall("pivot_root", kernel.SYS_PIVOT_ROOT, b".", b".old")
        os.chdir("/")
    with step("system folders"):
        _system()
    with step("devices"):
        _devices()
    with step("proc"):
        os.mkdir("/proc", 0o555)
        kernel.mount("proc", "/proc", "proc", _PLAIN | kernel.MS_NOEXEC)
    with step("file watches"):
        _few_watches()
    with step("loopback"):
        _loopback_up()
    with step("private folders"):
        _private(outline.home, folder)
    with step("granted folders"):
        for path in sorted(outline.readable, key=_order):
            _read_only(path)


def build(job: Job, outline: Outline, layer: int) -> None:
    """Add what this run may use; `layer` is the mount of its layer, or -1."""
    lower, device = (job.staging or [""])[0], 0
    if layer >= 0:
        with step("layer"):
            device = os.fstat(layer).st_dev
            _put_layer(layer, lower)
    with step("devices"):
        size = max(1 << 26, int(job.limits["memory"]) // 2)
        inodes = int(job.limits["inodes"])
        kernel.mount("shm", "/dev/shm", "tmpfs", _PLAIN, f"mode=1777,size={size},nr_inodes={inodes}")
    with step("private folders"):
        if os.path.isdir(job.home):
            _attach(OLD + job.caches, job.home + "/.cache", _WRITABLE)
    _few_processes(int(job.limits["processes"]))
    with step("granted folders"):
        _granted(job, outline.readable)
    if layer >= 0:
        with step("layer"):
            if os.stat(lower).st_dev != device:  # what was granted went by the path
                raise OSError(f"{lower} was moved while the run was prepared")
    with step("protected paths"):
        for root in job.writable:
            _protect(root, job.protected, [] if job.staging else job.hidden)
    with step("masked files"):
        _mask(job.hidden)


def _few_processes(most: int) -> None:
    """A floor under what is watched from outside, which holds root as well: the kernel has no more numbers to give.

    Since Linux 6.14 each pid namespace has a limit of its own (before, this would be the machine's), 301 at least.
    """
    release = os.uname().release.split(".")
    if tuple(int(n) if n.isdigit() else 0 for n in release[:2]) >= (6, 14):
        with suppress(OSError), open("/proc/sys/kernel/pid_max", "w") as file:
            file.write(str(_RESERVED + 5 * most // 2 + 64))


def _few_watches() -> None:
    """A part of the inotify instances and watches that a user has on this machine: the kernel counts per namespace.

    Without it a run could take all of them, and programs outside could watch nothing until it ends.
    """
    for ours, whole in _WATCHES:
        with suppress(FileNotFoundError):  # a kernel without inotify
            with open(f"/proc/sys/fs/inotify/{whole}") as file:
                share = max(1, int(file.read()) // _WATCH_SHARE)
            with open(f"/proc/sys/user/{ours}", "w") as file:
                file.write(str(share))


def finish() -> None:
    """The host's root goes away, and the run's own is closed."""
    with step("old root"):
        result = kernel.LIBC.umount2(OLD.encode(), kernel.MNT_DETACH)
        if result:
            raise OSError("the host's root cannot be unmounted")
        os.rmdir(OLD)
        kernel.set_mount("/", _READ_ONLY, recursive=False)


def _put_layer(layer: int, lower: str) -> None:
    root = os.open(OLD, os.O_PATH | os.O_CLOEXEC)
    place = kernel.open_inside(root, lower.lstrip("/"), os.O_PATH | os.O_DIRECTORY)
    kernel.attach_mount(layer, place)
    for descriptor in (root, place, layer):
        os.close(descriptor)


def _system() -> None:
    for name in _MERGED:
        source = f"{OLD}/{name}"
        if os.path.islink(source):
            os.symlink(os.readlink(source), f"/{name}")
        elif os.path.isdir(source):
            _show(f"/{name}", _READ_ONLY)
    for path in (*SYSTEM, *_SYSFS):
        if os.path.isdir(OLD + path) and not os.path.islink(path):
            _show(path, _READ_ONLY)


def _devices() -> None:
    os.makedirs("/dev/pts")
    os.mkdir("/dev/shm", 0o1777)
    for name in _DEVICES:
        _touch(f"/dev/{name}")
        kernel.bind(f"{OLD}/dev/{name}", f"/dev/{name}", recursive=False)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"/dev/{name}")
    os.symlink("pts/ptmx", "/dev/ptmx")
    kernel.mount(
        "devpts",
        "/dev/pts",
        "devpts",
        kernel.MS_NOSUID | kernel.MS_NOEXEC,
        "newinstance,ptmxmode=0666,mode=620,max=256",
    )


def _private(home: str, folder: str) -> None:
    for path in ("/tmp", "/var/tmp"):
        _make_folder(path)
        _attach(f"{OLD}{folder}/tmp", path, _WRITABLE)
    _make_folder("/run")
    if os.path.isdir(OLD + home):
        _make_folder(home)
        _attach(f"{OLD}{folder}/home", home, _WRITABLE)
        _make_folder(home + "/.cache")


def _granted(job: Job, shown: list[str]) -> None:
    writable = set(job.writable)
    wanted = {*job.readable, *writable}
    # A mount on a parent covers what was mounted below it: parents first, and once more what is shown already.
    covered = {path for path in shown if any(path.startswith(root + "/") for root in wanted)}
    for path in sorted(wanted | covered, key=_order):
        if path in writable:
            _show(path, _WRITABLE, strict=True)
        else:
            _read_only(path)


def _order(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _read_only(path: str) -> None:
    if os.path.exists(OLD + path) and not _is_below(path, SYSTEM):
        _show(path, _READ_ONLY)


def _is_below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(root + "/") for root in roots)


def _show(path: str, attributes: int, *, strict: bool = False) -> None:
    """Make the host's `path` appear at the same place. `strict` follows no symbolic link on the way."""
    if strict:
        root = os.open(OLD, os.O_PATH | os.O_CLOEXEC)
        source = kernel.open_inside(root, path.lstrip("/"), os.O_PATH)
        os.close(root)
        origin = f"{OLD}/proc/self/fd/{source}"
        folder = os.fstat(source).st_mode & 0o170000 == 0o040000
    else:
        source, origin = -1, OLD + path
        folder = os.path.isdir(origin)
    if folder:
        _make_folder(path)
    else:
        _make_folder(os.path.dirname(path))
        _touch(path)
    _attach(origin, path, attributes)
    if source >= 0:
        os.close(source)


def _attach(source: str, target: str, attributes: int) -> None:
    kernel.bind(source, target)
    kernel.set_mount(target, attributes)


def _make_folder(path: str) -> None:
    os.makedirs(path, 0o755, exist_ok=True)


def _touch(path: str) -> None:
    """Make a file to mount on, unless one is there: below a folder that is shown read-only none can be made."""
    if os.path.isfile(path) and not os.path.islink(path):
        return
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644))


def _protect(root: str, protected: list[str], masked: list[str]) -> None:
    """Bind protected paths read-only, and each folder above them onto itself, so that none can be renamed away.

    Likewise the folders above masked files: a run that begins meanwhile would find them at another path, and bare.
    In a layer no folder of the workspace can be renamed, and the real ones stay where they are.
    """
    held: set[str] = set()
    bare = frozenset(masked)
    base = os.open(root, os.O_PATH | os.O_CLOEXEC)
    try:
        for path in sorted(p for p in (*protected, *masked) if p.startswith(root + "/")):
            if not os.path.lexists(path):
                continue
            parts = path[len(root) + 1 :].split("/")
            for depth in range(1, len(parts) + (path not in bare)):
                inner = "/".join(parts[:depth])
                last = depth == len(parts)
                if inner in held or not _hold(base, inner, _READ_ONLY if last else _WRITABLE):
                    if inner not in held:
                        break  # absent, or a link: the guard watches over those
                    continue
                held.add(inner)
    finally:
        os.close(base)


def _hold(base: int, path: str, attributes: int) -> bool:
    """Bind `path` below the folder `base` onto itself; False where it is absent or reached through a link."""
    try:
        descriptor = kernel.open_inside(base, path, os.O_PATH | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        place = f"{OLD}/proc/self/fd/{descriptor}"
        kernel.bind(place, place)
        # The descriptor still names what lies below the new mount; opening again reaches the mount.
        fresh = kernel.open_inside(base, path, os.O_PATH | os.O_NOFOLLOW)
        try:
            kernel.set_mount(f"{OLD}/proc/self/fd/{fresh}", attributes)
        finally:
            os.close(fresh)
    finally:
        os.close(descriptor)
    return True


def _mask(hidden: list[str]) -> None:
    if not hidden:
        return
    _touch("/.empty")
    os.mkdir("/.nothing", 0o555)
    for path in hidden:
        if os.path.islink(path) or not os.path.exists(path):
            continue
        kernel.bind("/.nothing" if os.path.isdir(path) else "/.empty", path, recursive=False)
        kernel.set_mount(path, _READ_ONLY)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        ioctl(probe.fileno(), 0x8914, struct.pack("16sh22x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
