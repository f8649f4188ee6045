"""Crews that wait: the processes of a run, made before it is known what the run will be.

Forking and entering namespaces is most of what a start costs, and none of it depends on the run. A crew serves one
run and ends with it; what it waits with holds nothing of any run before it. The fork server makes the next one in
idle time, and one on the spot when none waits.
"""

from __future__ import annotations

import os
import signal
import socket
import time

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.outline import Outline
from vtcode_tui.sandbox.inner.supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from vtcode_tui.sandbox.inner.cgroup import Group

_KEPT, _KEPT_AT_REST = 2, 1
_REST_SECONDS = 5.0
"""So long after the last run began, fewer wait: two are for runs that come one behind the other."""
_STARTING_SECONDS, _PATIENCE_SECONDS, _QUIET_SECONDS = 0.02, 0.05, 1.0
"""How long no crew is made while a run starts, unless it has ended; how long after a run began, unless one ends
before, and after the machine's mounts changed new ones are made: it takes the processor from whatever runs."""


class Crew:
    """A supervisor with what it has started so far, and the socket by which it gets its run.

    The other end closes when nothing of the run is left but the supervisor.
    """

    __slots__ = ("control", "pid")

    def __init__(self, control: socket.socket, pid: int) -> None:
        self.control = control
        self.pid = pid


class Reserve:
    """The crews that wait, all for the kind of run that was asked for last."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._waiting: list[Crew] = []
        self._leaving: set[int] = set()
        self._outline = -1
        self._expected = b""
        self._due = float("inf")
        self._begun = 0.0
        self._last = 0
        """The supervisor of the run that began last."""

    @property
    def pids(self) -> set[int]:
        """The supervisors that wait, or go without having had a run."""
        return self._leaving | {crew.pid for crew in self._waiting}

    def expect(self, places: bytes) -> None:
        """Let crews that are made from now on get ready for runs that guard these (see `Places`)."""
        self._expected = places

    def start(self, outline: int, message: bytes, descriptors: list[int]) -> Crew:
        """Give a run to a crew. Raises OSError where none can be made; the caller closes its socket.

        `outline` is the sealed file that all runs of a kind share: the same file, the same kind.
        """
        if self._outline < 0 or not os.path.sameopenfile(outline, self._outline):
            self.dismiss()
            if self._outline >= 0:
                os.close(self._outline)
            self._outline = os.dup(outline)
        self._begun = time.monotonic()
        self._due = self._begun + _PATIENCE_SECONDS
        while self._waiting:
            crew = self._waiting.pop(0)
            try:
                socket.send_fds(crew.control, [message], descriptors)
            except OSError:
                crew.control.close()  # it was killed while it waited
            else:
                self._last = crew.pid
                return crew
        crew = self._make(waits=False)
        self._last = crew.pid
        socket.send_fds(crew.control, [message], descriptors)
        return crew

    def ended(self, pid: int) -> None:
        """A supervisor has ended: that of a run, so that there is time now, or one that was waiting."""
        self._leaving.discard(pid)
        for crew in self._waiting:
            if crew.pid == pid:
                crew.control.close()
                self._waiting.remove(crew)
                return
        if self._due != float("inf"):
            starting = 0.0 if pid == self._last else _STARTING_SECONDS
            self._due = min(self._due, max(time.monotonic(), self._begun + starting))

    def dismiss(self) -> None:
        """End the crews that wait: what they hold of the machine is no longer what it is."""
        if self._waiting:
            self._due = time.monotonic() + _QUIET_SECONDS
        self._let_go(list(self._waiting))

    def _let_go(self, crews: list[Crew]) -> None:
        for crew in crews:
            crew.control.close()
            self._leaving.add(crew.pid)
            self._waiting.remove(crew)

    def wait_ms(self) -> int | None:
        """How long there is nothing to do here; None for ever."""
        if self._due == float("inf"):
            return None
        return max(0, int((self._due - time.monotonic()) * 1000) + 1)

    def refill(self) -> bool:
        """Make one crew if it is time to and one is missing; whether it did. At rest, let go what is too many."""
        now = time.monotonic()
        if now < self._due:
            return False
        resting = now >= self._begun + _REST_SECONDS
        if resting:
            self._let_go(self._waiting[_KEPT_AT_REST:])
        if len(self._waiting) >= (_KEPT_AT_REST if resting else _KEPT):
            self._due = float("inf") if resting else self._begun + _REST_SECONDS
            return False
        try:
            self._waiting.append(self._make(waits=True))
        except OSError:
            self._due = float("inf")  # the next run tries for itself, and says what is wrong
            return False
        return True

    def _make(self, *, waits: bool) -> Crew:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if pid == 0:
                _be_supervisor(theirs, self._outline, self._group, waits=waits, expected=self._expected)
        return Crew(ours, pid)


def _be_supervisor(control: socket.socket, outline: int, group: Group, *, waits: bool, expected: bytes) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Above all the descriptors that hold layers: one kept open would keep its layer mounted.
        kind = Outline(outline)
        kernel.close_all_but({0, 1, 2, control.fileno()})
        Supervisor(kind, group, waits=waits, expected=expected).serve(control)
    finally:
        # Whatever went wrong, a supervisor never becomes a second fork server.
        os._exit(125)
