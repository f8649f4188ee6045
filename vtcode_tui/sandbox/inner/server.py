"""The fork server: `python -I -S server.py PARENT_OF_PACKAGE FD MODULE...`, one supervisor forked for each run.

It is started before the main process has a thread, has one thread itself and reads nothing but its socket.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress

sys.path.append(sys.argv[1])

from vtcode_tui.sandbox.inner import cgroup, ending, kernel, rehearsal, sentinel, tree
from vtcode_tui.sandbox.inner.job import SetupError, read_all
from vtcode_tui.sandbox.inner.layers import Layers
from vtcode_tui.sandbox.inner.reserve import Reserve
from vtcode_tui.sandbox.inner.vigils import Vigils

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AGAIN_MS = 200
"""How often runs that wait are looked at."""
_MOST_PROCESSES = 4096
"""Of all runs together, where a control group can be had; each run has its own limit below that."""


def serve(control: socket.socket, preload: list[str]) -> None:
    """Fork a supervisor for each message until the main process is gone."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.set_name("vtcode-spawner")
    kernel.close_all_but({0, 1, 2, control.fileno()})
    for module in preload:
        try:
            importlib.import_module(module)
        except ImportError as error:
            os.write(2, f"vtcode: preload: {error}\n".encode())
    gc.collect()
    gc.freeze()
    wake, ended = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(ended, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: None)
    memory = int(kernel.memory_of_machine()[0] * 0.9)
    group = cgroup.Group(f"{cgroup.PREFIX}{os.getpid()}", _MOST_PROCESSES, memory)
    group.enter()
    _Server(control, wake, Reserve(group)).serve()


class _Wanted:
    """A run that was asked for."""

    __slots__ = ("descriptors", "outline", "said")

    def __init__(self, said: dict[str, Any], descriptors: list[int]) -> None:
        self.said = said
        self.outline = descriptors.pop(1)
        self.descriptors = descriptors

    def is_over(self) -> bool:
        """Whether the main process has said something already, or is gone: that the run is to end."""
        return bool(select.select(self.descriptors[:1], [], [], 0)[0])

    def refuse(self, why: str, step: str) -> None:
        """Say that it does not begin."""
        with socket.socket(fileno=os.dup(self.descriptors[0])) as events, suppress(OSError):
            events.send(json.dumps({"setup_error": why, "step": step, "survivors": 0}).encode())

    def close(self) -> None:
        """Let go of what it was to be given."""
        for descriptor in (self.outline, *self.descriptors):
            os.close(descriptor)


class _Server:
    """Who works for us: supervisors of runs, crews that wait for one, holders of layers."""

    def __init__(self, control: socket.socket, wake: int, reserve: Reserve) -> None:
        self._control = control
        self._wake = wake
        self._reserve = reserve
        self._poll = select.poll()
        self._layers = Layers(self._poll)
        self._vigils = Vigils(self._poll)
        self._supervisors: set[int] = set()
        self._waiting: list[_Wanted] = []
        """For the unmounting of their layer."""

    def serve(self) -> None:
        poll = self._poll
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        # Readable with priority whenever a file system was mounted or unmounted on this machine.
        mounts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        poll.register(mounts, select.POLLPRI)
        self._introduce()
        while True:
            ready = dict(poll.poll(self._wait_ms()))
            if mounts in ready:
                # Those that wait hold the mounts of before.
                self._reserve.dismiss()
                self._layers.dismiss()
                self._vigils.look_at_mounts()
            self._vigils.hear(ready)
            if self._layers.watched.intersection(ready):
                self._layers.leave()
            if self._wake in ready:
                told = os.read(self._wake, 4096)
                self._reap()
                if signal.SIGTERM in told:  # the sentinel is gone: without it we would be the last
                    for pid in self._supervisors:
                        ending.send(pid, signal.SIGTERM)
                    break
            if self._control.fileno() in ready:
                if not self._take():
                    break
            elif self._reserve.refill():
                self._layers.refill()
                rehearsal.of_giving(self._wake)
            else:
                self._layers.idle()
            self._begin_waiting()
        for wanted in self._waiting:
            wanted.close()
        self._reserve.dismiss()
        self._layers.dismiss()
        self._vigils.leave()
        # Each supervisor sees the end of the main process itself, and ends its run.
        # What one that was killed left behind may have forked meanwhile: it is looked for until there is none.
        while self._end_strays() or self._supervisors | self._reserve.pids:
            self._reap(block=True)

    def _wait_ms(self) -> int | None:
        """How long there is nothing to do unless somebody says something; None for ever."""
        waits = (self._reserve.wait_ms(), self._layers.wait_ms(), _AGAIN_MS if self._waiting else None)
        return min((wait for wait in waits if wait is not None), default=None)

    def _introduce(self) -> None:
        """Say our process id, with a descriptor that tells our end: others may hold our end of the socket then."""
        lives = list[int]()
        with suppress(OSError):  # a machine without them runs nothing: each supervisor finds that out, and says it
            lives.append(os.pidfd_open(os.getpid()))
        socket.send_fds(self._control, [str(os.getpid()).encode()], lives)
        for life in lives:
            os.close(life)

    def _take(self) -> bool:
        """Start the run of one message; False when the main process is gone."""
        try:
            text, descriptors, _flags, _address = socket.recv_fds(self._control, 65536, 16)
        except OSError:
            return False
        if not text:
            return False
        wanted = _Wanted(json.loads(text), descriptors)
        if not self._begin(wanted):
            self._waiting.append(wanted)
        return True

    def _begin_waiting(self) -> None:
        """Start those runs whose layer can be mounted now, and forget those that are wanted no more."""
        for wanted in list(self._waiting):
            over = wanted.is_over()
            if over:
                wanted.refuse("the run was ended before its layer could be mounted", "layer")
                wanted.close()
            if over or self._begin(wanted):
                self._waiting.remove(wanted)

    def _begin(self, wanted: _Wanted) -> bool:
        """Start a run, or say why it cannot be started; False where its layer is still mounted from before."""
        said, descriptors = wanted.said, wanted.descriptors
        outline = wanted.outline
        try:
            staging = said["staging"]
            holder = self._layers.enter(staging, alone=said["alone"]) if staging else None
            if staging and holder is None:
                return False
            writes = self._layers.release(said["writes"])
            words = b""
            if holder is not None:
                descriptors.append(holder.show().detach())
                words = b" staged"
            elif said["guarded"]:
                self._reserve.expect(read_all(descriptors[-1]))
                words, watched = self._vigils.give(said["guarded"])
                words = b" guarded" + words
                descriptors += watched
            crew = self._reserve.start(outline, b"run" + words, descriptors)
            self._supervisors.add(crew.pid)
            if writes:
                self._layers.write(said["writes"], crew.control.dup())
            if holder is not None:
                self._layers.join(holder, crew.control)
            elif said["guarded"]:
                self._vigils.join(said["guarded"], words, crew.control)
            else:
                crew.control.close()
        except (SetupError, OSError) as error:
            step = error.step if isinstance(error, SetupError) else "fork"
            wanted.refuse(error.message if isinstance(error, SetupError) else str(error), step)
            self._layers.leave()
        wanted.close()
        return True

    def _reap(self, *, block: bool = False) -> None:
        """Take note of what ended, and kill what a supervisor that was killed left behind."""
        while True:
            try:
                pid, status = os.waitpid(-1, 0 if block else os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                break
            self._reserve.ended(pid)
            self._layers.ended(pid)
            if pid in self._supervisors and status:
                self._layers.distrust()
            self._supervisors.discard(pid)
            block = False
        self._end_strays()

    def _end_strays(self) -> bool:
        """Kill what a supervisor that was killed has left to us; their end wakes us again, until none is left."""
        ours = self._supervisors | self._reserve.pids | self._layers.pids
        strays = [p for p in tree.children_of(os.getpid()) if p not in ours]
        if strays:
            ending.kill_all(tree.family(strays))
        return bool(strays)


if __name__ == "__main__":
    sentinel.stand_behind()
    serve(socket.socket(fileno=int(sys.argv[2])), sys.argv[3:])
