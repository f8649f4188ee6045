"""The process that mounts a layer in namespaces of its own and shows it to runs; `layers` says when.

The kernel allows one mount of an upper folder at a time. The holder gives each run a copy of its mount, which the
run attaches in its own namespaces; it goes with the holder and the last of its runs.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner import ending, kernel
from vtcode_tui.sandbox.inner.ground import Ground, identities, survey
from vtcode_tui.sandbox.inner.job import SetupError
from vtcode_tui.sandbox.inner.space import clone_mapped
from vtcode_tui.sandbox.inner.vigil import Unwatchable, holds_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_IN_UNMOUNT = 0x2000
_PATIENCE_SECONDS = 10.0
_MOST_NAMES, _MOST_SECONDS = 60_000, 3.0
"""How much is looked at beforehand, in processor time: each name takes 6 us, and memory of the kernel's caches."""
_NICE = 10
_UNSTACKABLE = "another file system is mounted in {}, and the kernel puts no layer over that: unmount it"


class Holder:
    """A process in namespaces of its own that mounts a layer when it is told to, and shows it."""

    __slots__ = (
        "_mounted",
        "_notice",
        "_upper_at",
        "folders",
        "ground",
        "known",
        "orders",
        "pid",
        "refused",
        "runs",
        "spent",
    )

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = clone_mapped(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
            except SetupError as error:
                ours.close()
                raise SetupError("layer", str(error)) from error
            if pid == 0:
                _hold(theirs)
        ours.settimeout(_PATIENCE_SECONDS)
        self.orders = ours
        self.pid = pid
        """0 once it was reaped: the number may be another's then."""
        self.runs: list[socket.socket] = []
        """For each run that sees the layer a socket, which ends when the run sees it no more."""
        self.folders: list[str] = []
        self.known: list[tuple[int, int]] = []
        """Which folders those were when they were to be mounted."""
        self.ground: Ground | None = None
        """What proves that nothing below changed since it was mounted."""
        self.spent = False
        """Somebody may have written to the upper folder past the mount: it serves no run after those it has."""
        self.refused = False
        """Its ground could not be surveyed, so that it mounted nothing."""
        self._notice = -1
        self._mounted = False
        self._upper_at = 0

    def mount(self, folders: list[str], ground: Ground | None, *, ahead: bool = False) -> None:
        """Let it mount `lower`, `upper` and `work`; what fails is told where it is shown. Raises SetupError.

        `ahead`: before a run wants it: the ground is surveyed first unless it is already (without that, nothing is
        mounted), and names are looked at afterwards, so that the kernel knows them.
        """
        self.folders, self.ground = folders, ground
        with suppress(OSError):  # it will say what is wrong
            self.known = identities(folders)
        surveys = ahead and ground is not None and not ground.surveyed
        order = {"folders": folders, "surveys": surveys, "ahead": ahead}
        try:
            socket.send_fds(self.orders, [json.dumps(order).encode()], [ground.notes] if ground else [])
        except OSError as error:
            raise SetupError("layer", f"the holder of the layer has ended: {error}") from error

    def show(self) -> socket.socket:
        """A socket on which a copy of the mount arrives. Raises SetupError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                socket.send_fds(self.orders, [b"show"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise SetupError("layer", f"the holder of the layer has ended: {error}") from error
        return ours

    def hear(self) -> None:
        """Take note of what it has said by now."""
        if select.select([self.orders], [], [], 0)[0]:
            self._take()

    def rest(self) -> None:
        """No run sees the layer from now on: nothing in the upper folder may change."""
        with suppress(OSError):
            self._upper_at = os.stat(self.folders[1]).st_ctime_ns

    def may_serve(self, folders: list[str]) -> bool:
        """Whether a run that begins now would see in this mount what it would see in a new one."""
        self.hear()
        if self.spent or not self._mounted or self._has_ended() or self.folders != folders or self.ground is None:
            return False
        try:
            untouched = bool(self.runs) or os.stat(folders[1]).st_ctime_ns == self._upper_at
        except OSError:
            return False
        return untouched and self.ground.is_still()

    def is_of(self, folders: list[str]) -> bool:
        """Whether these paths still mean the folders that are mounted."""
        try:
            return self.folders == folders and self.known == identities(folders)
        except OSError:
            return False

    def end(self) -> int:
        """Let the process go, and with it its hold on the layer.

        Returns an inotify descriptor that becomes readable when the file system is gone; -1 where none was mounted.
        """
        with self.orders, suppress(OSError):
            self.orders.shutdown(socket.SHUT_WR)  # no more orders: it ends when it has answered
            if not self._mounted:
                self._take()
        if self.pid:
            ending.send(self.pid, signal.SIGKILL)
        return self._notice

    def bury(self, notes: int) -> None:
        """End, holding these notes: who holds them last waits until the kernel has let them go."""
        with suppress(OSError):
            socket.send_fds(self.orders, [b"bury"], [notes])
        self.orders.close()

    def _has_ended(self) -> bool:
        """Whether it was killed; it says nothing after it has mounted."""
        return bool(select.select([self.orders], [], [], 0)[0])

    def _take(self) -> None:
        if self._mounted:
            return
        with suppress(OSError):
            answer, descriptors, _flags, _address = socket.recv_fds(self.orders, 4096, 1, socket.MSG_CMSG_CLOEXEC)
            self.refused = not descriptors and bool(answer)
            if descriptors:
                self._notice, self._mounted = descriptors[0], True
                said = json.loads(answer)
                self._upper_at = said["upper"]
                if said["surveyed"] and self.ground is not None:
                    self.ground.surveyed = True


def _hold(orders: socket.socket) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)  # the fork server's: its number will be that of another descriptor here
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing waits for the look, unless a run comes first
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.close_all_but({0, 1, 2, orders.fileno()})
        kernel.set_name("vtcode-layer")
        failure = ""
        root = looking = -1
        while True:
            message, descriptors, _flags, _address = socket.recv_fds(orders, 65536, 1)
            if looking >= 0:
                _end_look(looking)
                looking = -1
            if message in (b"", b"bury"):
                break
            if message != b"show":
                order = json.loads(message)
                lower = order["folders"][0]
                # The notes stay open here, so that it is this process that waits when they are let go: 10 ms.
                if order["surveys"] and not _survey(descriptors[0], lower, orders):
                    break
                root, failure = _mount(orders, order["folders"], surveyed=order["surveys"])
                if order["ahead"] and not failure:
                    looking = _look_ahead(lower)
                    kernel.set_name("vtcode-kept")  # with no process below it any more, every name was looked at
                continue
            with socket.socket(fileno=descriptors[0]) as asked:
                try:
                    if failure:
                        raise OSError(f"the overlay cannot be mounted: {failure}")
                    copy = kernel.copy_mount(root)
                    socket.send_fds(asked, [b"layer"], [copy])
                    os.close(copy)
                except OSError as error:
                    asked.send(str(error).encode())
    finally:
        os._exit(0)


def _survey(notes: int, lower: str, orders: socket.socket) -> bool:
    ordered = select.poll()
    ordered.register(orders, select.POLLIN)
    try:
        survey(notes, lower, lambda: bool(ordered.poll(0)))
    except Unwatchable as error:
        if not ordered.poll(0):  # otherwise a run came first
            orders.send(str(error).encode())
        return False
    return True


def _mount(orders: socket.socket, staging: list[str], *, surveyed: bool) -> tuple[int, str]:
    """Mount the layer and send the notice of its end: its root, open, and what went wrong, as words.

    Nobody goes by the path from then on: when the workspace is moved, the mount goes with it, and at a folder that
    takes the path there is none: who copied that would let runs into the real files.
    """
    try:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        # By descriptor, so that no character of a path means anything; opened here, since overlayfs takes only
        # folders of its own mount namespace.
        folders = [os.open(p, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for p in staging]
        low, up, wk = (f"/proc/self/fd/{d}" for d in folders)
        kernel.mount(
            "vtcode", staging[0], "overlay", kernel.MS_NODEV, f"lowerdir={low},upperdir={up},workdir={wk},userxattr"
        )
        root = os.open(staging[0], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        if not kernel.is_overlay(root) or os.fstat(root).st_dev == os.fstat(folders[0]).st_dev:
            raise OSError(f"{staging[0]} was moved meanwhile")
        upper_at = os.fstat(folders[1]).st_ctime_ns
        for folder in folders:
            os.close(folder)
        notice = kernel.LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        # IN_UNMOUNT is always reported; the watch does not keep the file system alive.
        path = f"/proc/self/fd/{root}".encode()
        watch = kernel.LIBC.inotify_add_watch(notice, path, ctypes.c_uint32(0x400))
        if watch < 0:
            raise OSError(ctypes.get_errno(), f"the layer cannot be watched: {os.strerror(ctypes.get_errno())}")
        said = json.dumps({"upper": upper_at, "surveyed": surveyed})
        socket.send_fds(orders, [said.encode()], [notice])
        os.close(notice)
    except OSError as error:
        return -1, f"{error} ({_UNSTACKABLE.format(staging[0])})" if holds_mounts(staging[0]) else str(error)
    return root, ""


def _look_ahead(lower: str) -> int:
    """A descriptor of the process that asks the fresh mount for every name, at the cost of idle time only."""
    pid = os.fork()
    if pid:
        try:
            return os.pidfd_open(pid)
        except ProcessLookupError:
            return -1  # it is through already
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.set_name("vtcode-look")
        os.nice(_NICE)
        kernel.close_all_but({0, 1, 2})
        _look_at_names(lower)
    finally:
        os._exit(0)


def _end_look(looking: int) -> None:
    """A run comes first: nobody may look at the layer by path while it can move what lies there."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(looking, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(-1, 0)
    os.close(looking)


def _look_at_names(lower: str) -> None:
    """Folders near the root first; the bulk of a repository's own objects is of no use to anybody's look."""
    left, pending = _MOST_NAMES, [lower]
    for folder in pending:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)
                left -= 1
                if entry.is_dir(follow_symlinks=False) and not folder.endswith("/.git/objects"):
                    pending.append(entry.path)
        if left < 0 or time.process_time() > _MOST_SECONDS:
            return


def receive_mount(shown: socket.socket) -> int:
    """The mount that a holder sends. Raises SetupError."""
    with shown:
        shown.settimeout(_PATIENCE_SECONDS)
        try:
            answer, descriptors, _flags, _address = socket.recv_fds(shown, 4096, 1)
        except OSError as error:
            answer, descriptors = str(error).encode(), []
    if not descriptors:
        raise SetupError("layer", f"the layer is not shown: {answer.decode() or 'its holder ended'}")
    return descriptors[0]
