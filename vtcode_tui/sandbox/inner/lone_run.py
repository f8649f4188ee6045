"""One process per run where no fork server is: `python -I -S lone_run.py PARENT EVENTS JOB STREAM...`.

It guards the protected paths, starts the work (on macOS `sandbox-exec`), watches the limits, ends everything and
reports, in the messages that `sandbox.flight` knows, one per line. Not run on a Mac by us: the tests run it on
Linux behind a stand-in for `sandbox-exec` that enforces nothing.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import termios
import time
from fcntl import F_DUPFD_CLOEXEC, fcntl, ioctl

sys.path.append(sys.argv[1])

from vtcode_tui.sandbox.inner import ending, guard, kernel, owner, processes, target, watch
from vtcode_tui.sandbox.inner.job import Job, SetupError, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_SETUP_SECONDS = 20.0
_LOOK_MS = 25
_THOROUGH_SECONDS = 0.5
_MOVED = 100
"""As in `target`: descriptors go above this number first, so that dup2 cannot overwrite one of them."""


class Watch(watch.Watch):
    """Processes and memory as the system of the run counts them; the rest as everywhere."""

    def __init__(self, job: Job, begun: float, family: processes.Family) -> None:
        super().__init__(job, begun, enclosed=False)
        self._family = family
        self._memory = min(job.limits["memory"], family.system.total_memory() * 0.8)
        self._thorough = 0.0

    def _processes(self) -> tuple[str, str] | None:
        thorough = time.monotonic() >= self._thorough
        pids = self._family.look(thorough=thorough)
        if thorough:
            self._thorough = time.monotonic() + _THOROUGH_SECONDS
        held = [self._family.system.memory_and_threads(pid) for pid in pids]
        most = self._limits["processes"]
        if len(pids) >= most or sum(threads for _memory, threads in held) >= 2 * most:
            return "processes", f"{most:.0f} processes or twice as many threads"
        if sum(memory for memory, _threads in held) > self._memory:
            return "memory", f"more than {self._memory / (1 << 20):.0f} MiB of memory"
        return None


class Run:
    """The whole life of a run; whatever is learnt goes to the main process as a line of JSON."""

    def __init__(self, job: Job, events: socket.socket, streams: list[int], text: int) -> None:
        self.job = job
        self.events = events
        self.streams = streams
        self.text = text
        self.begun = time.monotonic()
        self.leader = 0
        self.status: int | None = None
        self.usage: resource.struct_rusage | None = None
        self.setup_error: SetupError | None = None
        self.killed = ""
        self.limit = ""
        self.wake, self.ended = os.pipe()
        for end in (self.wake, self.ended):
            os.set_blocking(end, False)

    def see_through(self) -> None:
        """Guard, start, watch, end, compare, report."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._asked_to_end)
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        signal.set_wakeup_fd(self.ended, warn_on_full_buffer=False)
        job = self.job
        protected = guard.Guard(job.workspace, job.guarded, os.path.dirname(job.folder) + "/quarantine")
        survivors, findings = 0, list[dict[str, object]]()
        family = None
        try:
            with target.step("processes"):
                system = processes.here()
                if job.reaps:
                    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
            with target.step("protected paths"):
                protected.remember()
            self._start()
            family = processes.Family(system, self.leader, job.own_tmp, job.folder)
            self._watch(family)
        except SetupError as error:
            self.setup_error = error
            self._reap(block=bool(self.leader))
        except Exception as error:  # noqa: BLE001 - whatever it was, the run ends here and what it did is compared
            self._fail(error)
        if family is not None:
            try:
                survivors = self._end(family)
            except Exception as error:  # noqa: BLE001 - the guard still has to compare, and the report to go out
                self._fail(error)
        if self.leader:
            findings = protected.verify_surely()
        watch.remove_tree(job.folder)
        self._report(survivors, findings)

    def _fail(self, error: Exception) -> None:
        """Let the run end because of an error that nobody foresaw, and say so."""
        self.killed = f"the supervisor failed: {error!r}"[:1000]
        if self.leader and self.status is None:
            os.kill(self.leader, signal.SIGKILL)

    def _asked_to_end(self, _signal: int, _frame: object) -> None:
        self.killed = self.killed or "the spawner ended"

    def _start(self) -> None:
        """Fork the work and wait until it has become another program, or said why it could not."""
        with target.step("fork"):
            theirs, ours = os.pipe()
            pid = os.fork()
        if pid == 0:
            os.close(theirs)
            self._become(ours)
        self.leader = pid
        os.close(ours)
        with os.fdopen(theirs, "rb", buffering=0) as said:
            if not select.select([said], [], [], _SETUP_SECONDS)[0]:
                os.kill(pid, signal.SIGKILL)
                raise SetupError("start", "setting up took too long")
            text = said.read()
        if text:
            failed = json.loads(text)
            raise SetupError(failed["step"], failed["setup_error"])
        for descriptor in {*self.streams[3:], self.text}:
            os.close(descriptor)
        self.tell({"started": pid})

    def _become(self, complain: int) -> NoReturn:
        job = self.job
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTTOU):
                signal.signal(number, signal.SIG_DFL)
            with target.step("session"):
                os.setsid()
                if job.reaps:
                    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
                    target.be_expendable()
            with target.step("descriptors"):
                complain = self._take_places(complain)
            with target.step("limits"):
                target.default_signals()
                target.limit(job)
            with target.step("working folder"):
                os.chdir(job.cwd)
                os.umask(0o022)
            with target.step("pinned files"):
                target.check_pins(job.pins, job.writable)
            with target.step("execute"):
                os.execve(job.argv[0], job.argv, job.environment)
        except SetupError as error:
            os.write(complain, json.dumps({"setup_error": error.message[:2000], "step": error.step}).encode())
        finally:
            os._exit(126)

    def _take_places(self, complain: int) -> int:
        """Streams at 0, 1, 2; a worker's result pipe at 3 and its job at 4; nothing else stays open in the work."""
        invoked = len(self.streams) > 3
        given = [*self.streams, *([self.text] if invoked else [])]
        moved = [fcntl(d, F_DUPFD_CLOEXEC, _MOVED) for d in given]
        complain = fcntl(complain, F_DUPFD_CLOEXEC, _MOVED)
        if self.job.terminal:
            columns, rows = self.job.terminal
            termios.tcsetwinsize(moved[0], (rows, columns))
            ioctl(moved[0], termios.TIOCSCTTY, 0)
        os.closerange(3, _MOVED)
        for place, descriptor in enumerate(moved):
            os.dup2(descriptor, place, inheritable=True)
        if invoked:
            os.lseek(4, 0, os.SEEK_SET)
        return complain

    def _watch(self, family: processes.Family) -> None:
        poll = select.poll()
        poll.register(self.events, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        limits = Watch(self.job, self.begun, family)
        while not self.killed:
            ready = dict(poll.poll(min(_LOOK_MS, limits.next_ms())))
            if self.events.fileno() in ready:
                self.killed, self.limit = owner.end_wanted(self.events)
            if self.wake in ready:
                os.read(self.wake, 4096)
            self._reap()
            if self.status is not None:
                break
            family.look()
            exceeded = limits.check()
            if exceeded is not None:
                self.limit, self.killed = exceeded[0], f"limit: {exceeded[1]}"

    def _end(self, family: processes.Family) -> int:
        """End everything that still runs; how many processes outlived the work itself."""
        finished = self.status is not None
        outlived = family.end(self._reap)
        self._reap(block=True)
        if self.job.reaps:
            outlived += ending.end_all()  # daemons that went by without being seen are ours now
        return outlived if finished else max(0, outlived - 1)

    def _reap(self, *, block: bool = False) -> None:
        if self.status is not None or not self.leader:
            return
        pid, status, usage = os.wait4(self.leader, 0 if block else os.WNOHANG)
        if pid:
            self.status, self.usage = status, usage

    def _report(self, survivors: int, findings: list[dict[str, object]]) -> None:
        message: dict[str, object] = {
            "survivors": survivors,
            "killed": self.killed,
            "limit": self.limit,
            "wall_ms": int((time.monotonic() - self.begun) * 1000),
            "protected": findings[:50],
        }
        if self.usage is not None:
            message["cpu_ms"] = int((self.usage.ru_utime + self.usage.ru_stime) * 1000)
            # Bytes on macOS, kilobytes on Linux.
            message["max_rss_kb"] = self.usage.ru_maxrss >> 10 if kernel.MAC else self.usage.ru_maxrss
        if self.setup_error is not None:
            message |= {"setup_error": self.setup_error.message, "step": self.setup_error.step}
        else:
            unknown = signal.SIGKILL if self.killed else 0
            message["exit"] = os.waitstatus_to_exitcode(unknown if self.status is None else self.status)
        self.tell(message)

    def tell(self, message: dict[str, object]) -> None:
        """Send a line to the main process; if that is gone, the run has no owner and ends."""
        try:
            self.events.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.killed = self.killed or "vtcode ended"


def main() -> None:
    """See one run through, in a session of its own so that no key pressed in the terminal reaches it."""
    os.setsid()
    events, job, *streams = (int(word) for word in sys.argv[2:])
    for descriptor in (events, job, *streams):
        os.set_inheritable(descriptor, False)
    Run(Job(read_all(job)), socket.socket(fileno=events), streams, job).see_through()


if __name__ == "__main__":
    main()
