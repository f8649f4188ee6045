"""The layer that the runs of a session share: one overlay mount, held by a process of its own, shown to each run.

The kernel allows one mount of an upper folder at a time. The holder mounts it in its own namespaces and gives each
run a copy of the mount, which the run attaches in its own. After the last run of a layer has ended the holder goes,
and the next run mounts the folders as they are then, so that what people changed meanwhile in the real workspace
is seen.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
from contextlib import suppress

from vtcode_tui.sandbox.inner import ending, kernel
from vtcode_tui.sandbox.inner.job import SetupError
from vtcode_tui.sandbox.inner.space import clone_mapped
from vtcode_tui.sandbox.inner.unmounting import STUCK, Unmounting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_IN_UNMOUNT = 0x2000
_PATIENCE_SECONDS = 10.0


class Holder:
    """A process in namespaces of its own that mounts a layer when it is told to, and shows it."""

    __slots__ = ("orders", "pid", "runs")

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

    def mount(self, staging: list[str]) -> None:
        """Let it mount `lower`, `upper` and `work`; what fails is told where it is shown. Raises SetupError."""
        try:
            self.orders.send(json.dumps(staging).encode())
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

    def end(self) -> int:
        """Let the process go, and with it its hold on the layer.

        Returns an inotify descriptor that becomes readable when the file system is gone; -1 where none was mounted.
        """
        descriptors: list[int] = []
        with self.orders, suppress(OSError):
            self.orders.shutdown(socket.SHUT_WR)  # no more orders: it ends when it has answered
            _answer, descriptors, _flags, _address = socket.recv_fds(self.orders, 4096, 1)
        if self.pid:
            ending.send(self.pid, signal.SIGKILL)
        return descriptors[0] if descriptors else -1


class Layers:
    """The layers in use, by their upper folder, and a holder in reserve."""

    def __init__(self, poll: select.poll) -> None:
        self.watched: set[int] = set()
        """Sockets of runs, registered with `poll`: when one is ready, `leave` has something to do."""
        self._poll = poll
        self._live: dict[str, Holder] = {}
        self._going: dict[str, Unmounting] = {}
        self._spare: Holder | None = None
        self._used = False

    @property
    def pids(self) -> set[int]:
        """The holders."""
        spare = [self._spare] if self._spare is not None else []
        return {holder.pid for holder in (*self._live.values(), *spare)}

    def enter(self, staging: list[str], *, alone: bool) -> Holder | None:
        """The holder of a layer, which is mounted now if no run uses it. Raises SetupError.

        None while an earlier mount of it is going: ask again, when `watched` says so and a few times a second.

        `alone`: every other run of the layer has ended, whether or not its mount is gone already.
        """
        upper = staging[1]
        self._used = True
        if alone and upper in self._live:
            self._wait_until_left(self._live[upper])
        self._forget_gone()
        if upper not in self._live:
            if upper in self._going:
                if self._going[upper].is_stuck():
                    raise SetupError("layer", STUCK)
                return None
            holder, self._spare = self._spare or Holder(), None
            holder.mount(staging)
            self._live[upper] = holder
        return self._live[upper]

    def join(self, holder: Holder, run: socket.socket) -> None:
        """A run sees the layer from now on, until `run` ends."""
        holder.runs.append(run)
        self.watched.add(run.fileno())
        self._poll.register(run, select.POLLIN)

    def leave(self) -> None:
        """Take note of mounts that are gone and of runs that have ended; the last one of a layer takes it away."""
        self._forget_gone()
        for upper, holder in list(self._live.items()):
            ended, _, _ = select.select(holder.runs, [], [], 0)
            for run in ended:
                self._poll.unregister(run)
                self.watched.discard(run.fileno())
                run.close()
                holder.runs.remove(run)
            if not holder.runs:
                notice = holder.end()
                if notice >= 0:
                    self._going[upper] = Unmounting(notice)
                    self.watched.add(notice)
                    self._poll.register(notice, select.POLLIN)
                del self._live[upper]

    def ended(self, pid: int) -> None:
        """A child was reaped: perhaps a holder that was killed."""
        for holder in [*self._live.values(), *([self._spare] if self._spare is not None else [])]:
            if holder.pid == pid:
                holder.pid = 0

    def refill(self) -> None:
        """Have a holder ready, once layers are used at all."""
        if self._used and self._spare is None:
            with suppress(SetupError, OSError):  # the next run tries for itself, and says what is wrong
                self._spare = Holder()

    def dismiss(self) -> None:
        """End the holder in reserve: the mounts that it holds are no longer those of the machine."""
        if self._spare is not None:
            self._spare.end()
            self._spare = None

    def _wait_until_left(self, holder: Holder) -> None:
        for run in holder.runs:
            select.select([run], [], [], _PATIENCE_SECONDS)
        self.leave()

    def _forget_gone(self) -> None:
        for upper, going in list(self._going.items()):
            if going.is_over():
                self._poll.unregister(going.notice)
                self.watched.discard(going.notice)
                going.close()
                del self._going[upper]


def _hold(orders: socket.socket) -> NoReturn:
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.close_all_but({0, 1, 2, orders.fileno()})
        kernel.set_name("vtcode-layer")
        lower = failure = ""
        while True:
            message, descriptors, _flags, _address = socket.recv_fds(orders, 65536, 1)
            if not message:
                break
            if message != b"show":
                lower = json.loads(message)[0]
                failure = _mount(orders, json.loads(message))
                continue
            with socket.socket(fileno=descriptors[0]) as asked:
                try:
                    if failure:
                        raise OSError(f"the overlay cannot be mounted: {failure}")
                    copy = kernel.copy_mount(lower)
                    socket.send_fds(asked, [b"layer"], [copy])
                    os.close(copy)
                except OSError as error:
                    asked.send(str(error).encode())
    finally:
        os._exit(0)


def _mount(orders: socket.socket, staging: list[str]) -> str:
    """Mount the layer and send the notice of its end; what went wrong, as words."""
    try:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        # By descriptor, so that no character of a path means anything; opened here, since overlayfs takes only
        # folders of its own mount namespace.
        folders = [os.open(p, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for p in staging]
        low, up, wk = (f"/proc/self/fd/{d}" for d in folders)
        kernel.mount(
            "vtcode", staging[0], "overlay", kernel.MS_NODEV, f"lowerdir={low},upperdir={up},workdir={wk},userxattr"
        )
        for folder in folders:
            os.close(folder)
        notice = kernel.LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        # IN_UNMOUNT is always reported; the watch does not keep the file system alive.
        watch = kernel.LIBC.inotify_add_watch(notice, os.fsencode(staging[0]), ctypes.c_uint32(0x400))
        if watch < 0:
            raise OSError(ctypes.get_errno(), f"the layer cannot be watched: {os.strerror(ctypes.get_errno())}")
        socket.send_fds(orders, [b"mounted"], [notice])
        os.close(notice)
    except OSError as error:
        return str(error)
    return ""


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
