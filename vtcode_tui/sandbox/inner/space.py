"""New namespaces for a run, and the layer that the runs of a session share.

A child that was cloned into a new user namespace cannot write its own id maps for root's whole range; its parent
does, while the child waits. See `docs/sandbox.md` for who enters what.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.job import SetupError
from vtcode_tui.sandbox.inner.target import step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

WITHOUT_USER = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
)
EVERYTHING = WITHOUT_USER | kernel.CLONE_NEWUSER
_IN_UNMOUNT = 0x2000


def clone_mapped(flags: int) -> int:
    """Clone into a new user namespace in which every id we have means what it means outside; 0 in the child."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with step("namespaces"):
        # /proc/PID/uid_map belongs to root while a process is not dumpable.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        try:
            pid = kernel.clone(flags)
        finally:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        if pid == 0:
            ours.close()
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
            theirs.send(b"?")
            if theirs.recv(1) != b"!":
                os._exit(126)
            theirs.close()
            return 0
    theirs.close()
    try:
        ours.recv(1)
        with step("id maps"):
            _write_maps(pid)
        ours.send(b"!")
    except SetupError:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        raise
    finally:
        ours.close()
    return pid


def _write_maps(pid: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        try:
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/self/{name}") as known:
                    rows = [line.split() for line in known]
                _write(f"/proc/{pid}/{name}", "".join(f"{row[0]} {row[0]} {row[2]}\n" for row in rows))
        except PermissionError:
            pass
        else:
            return
    _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/uid_map", f"{uid} {uid} 1\n")
    _write(f"/proc/{pid}/gid_map", f"{gid} {gid} 1\n")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


class Layer:
    """A mounted overlay: the namespaces that hold it, for as long as a run uses it."""

    __slots__ = ("mounts", "runs", "unmounted", "users")

    def __init__(self, users: int, mounts: int, unmounted: int) -> None:
        self.users = users
        self.mounts = mounts
        self.unmounted = unmounted
        """An inotify descriptor that becomes readable when the file system is gone."""
        self.runs: set[int] = set()


class Layers:
    """The layers in use, by their upper folder. The kernel allows one mount of an upper folder at a time:
    runs at the same time share one; after the last has ended it goes, and the next run mounts the folders as
    they are then, so that what people changed meanwhile in the real workspace is seen."""

    def __init__(self) -> None:
        self._live: dict[str, Layer] = {}
        self._going: dict[str, int] = {}

    def enter(self, staging: list[str]) -> Layer:
        """The layer over `lower` with `upper` and `work`; mounted now if no run uses it."""
        upper = staging[1]
        self._forget_gone()
        if upper not in self._live:
            self._wait_until_gone(upper)
            self._live[upper] = _mount_layer(staging)
        return self._live[upper]

    def leave(self, pid: int) -> None:
        """A supervisor has ended; the last one of a layer takes it away."""
        for upper, layer in list(self._live.items()):
            layer.runs.discard(pid)
            if not layer.runs:
                os.close(layer.mounts)
                os.close(layer.users)
                self._going[upper] = layer.unmounted
                del self._live[upper]

    def _forget_gone(self) -> None:
        """Close the notices of layers that are gone: a user has few inotify descriptors."""
        ready, _, _ = select.select(list(self._going.values()), [], [], 0)
        for upper, notice in list(self._going.items()):
            if notice in ready:
                os.close(notice)
                del self._going[upper]

    def _wait_until_gone(self, upper: str) -> None:
        notice = self._going.get(upper)
        if notice is None:
            return
        # The kernel takes a namespace's mounts down shortly after its last process is reaped.
        ready, _, _ = select.select([notice], [], [], 5.0)
        if not ready:
            raise SetupError("layer", "the layer is still mounted from an earlier run")
        os.close(notice)
        del self._going[upper]


def _mount_layer(staging: list[str]) -> Layer:
    lower = staging[0]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def build() -> None:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        # By descriptor, so that no character of a path means anything; opened here, since overlayfs takes only
        # folders of its own mount namespace.
        folders = [os.open(p, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for p in staging]
        low, up, wk = (f"/proc/self/fd/{d}" for d in folders)
        kernel.mount(
            "vtcode", lower, "overlay", kernel.MS_NODEV, f"lowerdir={low},upperdir={up},workdir={wk},userxattr"
        )
        notice = kernel.LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        # IN_UNMOUNT is always reported; the watch does not keep the file system alive.
        watch = kernel.LIBC.inotify_add_watch(notice, os.fsencode(lower), ctypes.c_uint32(0x400))
        if watch < 0:
            raise OSError(ctypes.get_errno(), "the layer cannot be watched")
        spaces = [os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("user", "mnt")]
        socket.send_fds(theirs, [b"layer"], [*spaces, notice])

    try:
        return _in_child(build, ours)
    finally:
        ours.close()
        theirs.close()


def _in_child(build: Callable[[], None], answers: socket.socket) -> Layer:
    with step("layer"):
        pid = clone_mapped(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
        if pid == 0:
            try:
                build()
            except OSError as error:
                os.write(2, f"vtcode: layer: {error}\n".encode())
                os._exit(min(error.errno or 125, 125))
            os._exit(0)
        _pid, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code:
            raise OSError(code, f"the overlay cannot be mounted: {os.strerror(abs(code))}")
        _data, descriptors, _flags, _address = socket.recv_fds(answers, 64, 3)
    users, mounts, notice = descriptors
    return Layer(users, mounts, notice)
