"""One process per run, outside its sandbox: sets it up, answers its notifier, watches its limits, ends it all.

It is made before the run is known (see `reserve`): what does not depend on the run is done while it waits.
"""

from __future__ import annotations

import array
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner import (
    cgroup,
    ending,
    first,
    guard,
    kernel,
    own_folder,
    owner,
    rehearsal,
    space,
    target,
    tree,
    vigil,
    watch,
)
from vtcode_tui.sandbox.inner.job import Job, SetupError, fitted, read_all
from vtcode_tui.sandbox.inner.notify import Notifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from vtcode_tui.sandbox.inner.cgroup import Group
    from vtcode_tui.sandbox.inner.outline import Outline

_SETUP_SECONDS = 20.0
_EMPTYING_MS = 10_000
_ANSWER_SECONDS = 2.0


class Supervisor:
    """Sees one run through; whatever it learns goes to the main process as a JSON message."""

    job: Job
    events: socket.socket

    def __init__(self, outline: Outline, group: Group, *, waits: bool, expected: bytes = b"") -> None:
        """`waits`: there is no run yet and time to rehearse; `expected`: the places that it may guard."""
        self.outline = outline
        self.waits = waits
        self.expected = expected
        self.guard: guard.Guard | None = None
        self.full = outline.full
        self.folder = ""
        """The run's own folder, with its private `home` and `tmp`."""
        self.counts = group.counts()
        self.leader = 0
        """What we wait for: the work itself in tier kernel, the first process of its namespace in tier full."""
        self.status: int | None = None
        self.survivors = 0
        self.setup_error: SetupError | None = None
        self.kills = 1 << 62
        """How many processes the kernel's memory limit had cost all runs when this one began."""
        self.released = False
        """Whether the work was told to begin: from then on protected paths may have changed."""
        self.killed = self.limit = ""
        self.cpu_ms = self.max_rss_kb = 0
        self.notifier: Notifier | None = None
        self.enclosed = False
        """Whether our signals reach our own run only, so that all of it can be killed at once (tier kernel)."""
        self.world = not self.full
        """Whether the run's file system stands."""
        self.mounts = vigil.Mounts()
        self.poll = select.poll()
        self.stop_read, self.stop_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def serve(self, control: socket.socket) -> NoReturn:
        """Get ready, wait for a run on `control`, and see it through."""
        try:
            self._muster(control)
            if self.waits and not rehearsal.is_over(control):
                with target.step("rehearsal"):
                    rehearsal.of_supervision(self.outline, self.folder)
                if self.expected and not rehearsal.is_over(control):
                    self._remember_early()
        except (SetupError, OSError) as error:
            self.setup_error = error if isinstance(error, SetupError) else SetupError("namespaces", str(error))
        message, descriptors, _flags, _address = socket.recv_fds(control, 4096, 16)
        if not message:  # the fork server is gone, or needs us no more
            watch.remove_tree(self.folder)
            os._exit(0)
        self.events = socket.socket(fileno=descriptors[0])
        try:
            self._run(descriptors[1:], message.split())
            self._clear_away(control)
        except BaseException as error:  # noqa: BLE001 - the last frame of a process: its run ends with it
            failed = {"killed": f"the supervisor failed: {error!r}", "exit": -9, "survivors": 0}
            self.events.send(json.dumps(failed).encode())
            os._exit(125)
        os._exit(0)

    def tell(self, message: dict[str, object], descriptors: tuple[int, ...] = ()) -> None:
        """Send a message to the main process; if that is gone, the run has no owner and ends."""
        try:
            socket.send_fds(self.events, [fitted(message)], descriptors)
        except OSError:
            self.killed = self.killed or "vtcode ended"

    def _muster(self, control: socket.socket) -> None:
        """Start the processes of a run, up to where they must know it."""
        gc.disable()
        signal.signal(signal.SIGTERM, self._spawner_died)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.set_name("vtcode-run")
        if not self.full:
            self.enclosed = ending.enclose()
        with target.step("process descriptors"):
            os.close(os.pidfd_open(os.getpid()))  # found out before anything runs
        self.control, report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.orders, orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.world_orders, world_orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with target.step("private folders"):
            self.folder = own_folder.make(self.outline)
        with report, orders, world_orders:
            if self.full:
                pid = space.clone_mapped(space.EVERYTHING)
                if pid == 0:
                    lines = first.Lines(world_orders, orders, report, self.stop_write)
                    first.become(lines, self.outline, self.folder, rehearses=self.waits)
            else:
                with target.step("fork"):
                    pid = os.fork()
                if pid == 0:
                    target.become(orders, report, self.outline, self.folder, rehearses=self.waits)
            self.leader = pid

    def _run(self, descriptors: list[int], told: list[bytes]) -> None:
        """The whole life of the run. `told` by the fork server: staged, guarded, watched, watches (`vigils`)."""
        self.begun = time.monotonic()
        self.watches = b"watches" in told
        watched = None
        if b"watched" in told:
            *descriptors, queue, memory = descriptors
            watched = vigil.Vigil(queue, memory)
        places = b""
        if b"guarded" in told:
            places = read_all(descriptors[-1])
            os.close(descriptors.pop())
        text = read_all(descriptors[0])
        if self.setup_error is None:
            self._give_orders(descriptors, layered=b"staged" in told)
        self.job = Job(text)
        self.job.folder = self.folder
        if self.guard is None or places != self.expected:
            self.guard = guard.over(places)
        protected = self.guard
        protected.watch_with(watched, self.mounts)
        try:
            if self.setup_error is not None:
                raise self.setup_error
            if not self.full:
                with target.step("private folders"):
                    own_folder.complete(self.outline, self.job)
            with target.step("protected paths"):
                protected.remember()
            self._await_start()
            self._watch()
        except SetupError as error:
            self.setup_error = error
        except Exception as error:  # noqa: BLE001 - whatever it was, the run ends here and what it did is compared
            self._fail(error)
        survivors = self._end_surely()
        if not self.limit and cgroup.kills(self.counts) > self.kills:
            self.limit, self.killed = "memory", "limit: the kernel's memory limit of all runs"
        self._report(survivors, protected.verify_surely() if self.released else [])

    def _remember_early(self) -> None:
        """Remember the protected paths of the workspace where the last run was: most often the next is there."""
        early = guard.over(self.expected)
        with suppress(OSError):  # then it is looked for anew, and said what is wrong
            early.remember_early()
            self.guard = early

    def _fail(self, error: Exception) -> None:
        """Let the run end because of an error that nobody foresaw, and say so."""
        self.killed = f"the supervisor failed: {error!r}"[:1000]

    def _end_surely(self) -> int:
        """`_end`, or the end of everything below us where that fails."""
        try:
            return self._end()
        except Exception as error:  # noqa: BLE001 - a run that is not ended would go on without anybody watching it
            self._fail(error)
            self.status = 9 if self.status is None else self.status
            return ending.end_all(enclosed=self.enclosed)

    def _clear_away(self, control: socket.socket) -> None:
        """What nobody waits for: the first process, which nothing of the run has outlived, and private folders."""
        with suppress(OSError):  # it must not be in anybody's way
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)
        ending.end_all(enclosed=self.enclosed)
        if self.watches and self.guard is not None and self.guard.looked:
            self._begin_vigil(control)
        control.close()  # says that the run's mounts are gone
        watch.remove_tree(self.job.folder)

    def _begin_vigil(self, control: socket.socket) -> None:
        """Let the kernel watch the workspace for the runs to come, which then need not look through it."""
        with suppress(vigil.Unwatchable, OSError):
            begun = vigil.begin(self.job.workspace)
            control.settimeout(_ANSWER_SECONDS)
            socket.send_fds(control, [b"vigil"], [begun.queue, begun.memory])
            control.recv(16)  # it holds an old one, perhaps, which goes with us

    def _spawner_died(self, _signal: int, _frame: object) -> None:
        os.write(self.stop_write, b"!")

    def _give_orders(self, descriptors: list[int], *, layered: bool) -> None:
        """Tell the waiting processes what the run is. Its work begins at `go`, and no sooner."""
        job, *rest = descriptors
        shown = [rest.pop()] if layered else []
        with suppress(OSError):  # one that has ended has said why, or is missed when its answer is
            if self.full:
                socket.send_fds(self.world_orders, [b"run"], [job, *shown])
            socket.send_fds(self.orders, [b"run"], [job, *rest])
        for descriptor in {*descriptors}:
            os.close(descriptor)

    def _await_start(self) -> None:
        """Let the work begin once its world stands; the end of the reporting socket is the start of the work."""
        self.control.settimeout(_SETUP_SECONDS)
        while not self.world:
            if not self._hear():
                raise SetupError("start", "a process of the run ended before its file system stood")
        with suppress(OSError):
            # Where we may (as root, whom no rlimit holds): ahead of a thousand processes that all want to run, and
            # before the first of them can; a supervisor that gets its turn among them comes too late.
            # In tier full the leader too, which ends everything in its namespace when it is killed.
            for pid in (0, self.leader) if self.full else (0,):
                os.sched_setscheduler(pid, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        self.released = True
        with suppress(OSError):  # a target that has ended has said why, or is missed below
            self.orders.send(b"go")
        self.kills = cgroup.kills(self.counts)  # the program is not there before a millisecond is over
        self.limits = watch.Watch(self.job, self.begun, enclosed=self.enclosed)
        while self._hear():
            pass
        if self.notifier is None:
            raise SetupError("start", "the work ended before its filters were in place")
        for used in (self.control, self.orders, self.world_orders):
            used.close()
        self.tell({"started": self.pid, "folder": self.folder})

    def _hear(self) -> bool:
        """Take one message of the processes that set themselves up; False when the last has done so."""
        try:
            message, descriptors, pid = _receive(self.control)
        except TimeoutError:
            raise SetupError("start", "setting up took too long") from None
        if not message:
            return False
        said = json.loads(message)
        if "setup_error" in said:
            raise SetupError(str(said["step"]), str(said["setup_error"]))
        if "world" in said:
            self.world = True
        elif "terminal" in said:
            self.tell({"terminal": True}, tuple(descriptors))
            os.close(descriptors[0])
        elif "listener" in said:
            self.notifier = Notifier(self.job, descriptors[0], self.tell)
            self.pid = pid
        return True

    def _watch(self) -> None:
        assert self.notifier is not None
        pidfd = os.pidfd_open(self.leader)
        listener = self.notifier.listener
        for descriptor in (self.events.fileno(), listener, pidfd, self.stop_read):
            self.poll.register(descriptor, select.POLLIN)
        limits = self.limits
        while not self.killed:
            ready = dict(self.poll.poll(limits.next_ms()))
            if ready.get(listener, 0) & select.POLLIN:
                self.notifier.serve()
            elif listener in ready:
                self.poll.unregister(listener)  # every process of the run has ended
            if self.events.fileno() in ready:
                self.killed, self.limit = owner.end_wanted(self.events)
            if self.stop_read in ready and not self._take_status():
                self.killed = "the spawner ended"
            if pidfd in ready or (self.status is not None and not self.survivors):
                break
            exceeded = limits.check()
            if exceeded is None and limits.just_looked and cgroup.kills(self.counts) > self.kills:
                exceeded = "memory", "the kernel's memory limit of all runs"
            if exceeded is not None:
                self.limit, self.killed = exceeded[0], f"limit: {exceeded[1]}"
                self.tell({"limit": exceeded[0], "detail": exceeded[1]})
        os.close(pidfd)

    def _take_status(self) -> bool:
        data = os.read(self.stop_read, 64)
        if data[:1] == b"=":
            self.status, self.survivors, self.cpu_ms, self.max_rss_kb = struct.unpack("=iiqq", data[1:25])
            return True
        return False

    def _end(self) -> int:
        """End everything that still runs; how many processes outlived the work itself."""
        if not self.leader:
            ending.end_all(enclosed=self.enclosed)
            return 0
        if self.full:
            if self.killed:
                self._empty()
            ending.send(self.leader, signal.SIGKILL)
            if self.status is not None and not self.survivors:
                return 0  # its last process was reaped by the first, which has ended or is about to
            _pid, _status, usage = os.wait4(self.leader, 0)
            if self.status is None:
                try:
                    self._take_status()
                except BlockingIOError:
                    self.status = 9
                    self._note(usage)
            ending.end_all()
            return 0 if self.killed else self.survivors
        if self.killed or self.setup_error:
            if self.enclosed:
                ending.kill_enclosed()
            else:
                ending.kill_all(tree.family())
        _pid, self.status, usage = os.wait4(self.leader, 0)
        self._note(usage)
        return ending.end_all(enclosed=self.enclosed)

    def _empty(self) -> None:
        """Let the first process kill all others of its namespace, in one call that no fork outruns.

        Its own death would do that too, but later: it gives back its memory before, and for that it waits for locks
        of shared libraries, which thousands of forking processes keep taking from each other.
        """
        ending.send(self.leader, signal.SIGTERM)
        pidfd = os.pidfd_open(self.leader)
        ended = select.poll()
        for descriptor in (pidfd, self.stop_read):
            ended.register(descriptor, select.POLLIN)
        ended.poll(_EMPTYING_MS)
        os.close(pidfd)

    def _note(self, usage: resource.struct_rusage) -> None:
        self.cpu_ms = int((usage.ru_utime + usage.ru_stime) * 1000)
        self.max_rss_kb = usage.ru_maxrss

    def _report(self, survivors: int, findings: list[dict[str, object]]) -> None:
        message: dict[str, object] = {
            "survivors": survivors,
            "killed": self.killed,
            "limit": self.limit,
            "wall_ms": int((time.monotonic() - self.begun) * 1000),
            "cpu_ms": self.cpu_ms,
            "max_rss_kb": self.max_rss_kb,
            "protected": findings[:50],
        }
        if self.notifier is not None:
            message["denials"] = self.notifier.summary()
        if self.setup_error is not None:
            message |= {"setup_error": self.setup_error.message, "step": self.setup_error.step}
        else:
            message["exit"] = os.waitstatus_to_exitcode(self.status or 0)
        self.tell(message)


def _receive(control: socket.socket) -> tuple[bytes, list[int], int]:
    """A message with its descriptors and the sender's pid as we see it."""
    descriptors = array.array("i")
    pid = 0
    room = socket.CMSG_SPACE(16) + socket.CMSG_SPACE(12)
    message, extra, _flags, _address = control.recvmsg(65536, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % 4])
        elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack("3i", data)[0]
    return message, list(descriptors), pid
