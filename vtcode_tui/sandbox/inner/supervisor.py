"""One process per run, outside its sandbox: sets it up, answers its notifier, watches its limits, ends it all."""

from __future__ import annotations

import array
import json
import os
import resource
import select
import signal
import socket
import struct
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner import cgroup, guard, kernel, mounts, space, target, tree, watch
from vtcode_tui.sandbox.inner.job import Job, SetupError, read_all
from vtcode_tui.sandbox.inner.notify import Notifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from vtcode_tui.sandbox.inner.space import Layer

_SETUP_SECONDS = 20.0


class Supervisor:
    """Sees one run through; whatever it learns goes to the main process as a JSON message."""

    def __init__(
        self, job: Job, events: socket.socket, wires: target.Wires, layer: Layer | None, group: cgroup.Group
    ) -> None:
        self.job = job
        self.events = events
        self.wires = wires
        self.layer = layer
        self.begun = time.monotonic()
        self.leader = 0
        """What we wait for: the work itself in tier kernel, the first process of its namespace in tier full."""
        self.status: int | None = None
        self.survivors = 0
        self.setup_error: SetupError | None = None
        self.started = False
        self.killed = ""
        self.limit = ""
        self.usage: resource.struct_rusage | None = None
        self.notifier: Notifier | None = None
        self.group = group
        self.kills = group.kills()
        self.enclosed = False
        """Whether our signals reach our own run only, so that all of it can be killed at once (tier kernel)."""
        self.poll = select.poll()
        self.stop_read, self.stop_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def tell(self, message: dict[str, object], descriptors: tuple[int, ...] = ()) -> None:
        """Send a message to the main process; if that is gone, the run has no owner and ends."""
        try:
            socket.send_fds(self.events, [json.dumps(message).encode()], descriptors)
        except OSError:
            self.killed = self.killed or "vtcode ended"

    def run(self) -> None:
        """The whole life of the run."""
        signal.signal(signal.SIGTERM, self._spawner_died)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.set_name("vtcode-run")
        if not self.job.full:
            self.enclosed = tree.enclose()
        protected = guard.Guard(
            self.job.workspace, self.job.guarded, os.path.dirname(self.job.folder) + "/quarantine"
        )
        try:
            self._make_folders()
            with target.step("protected paths"):
                protected.remember()
            self._start()
        except SetupError as error:
            self.setup_error = error
        else:
            self._watch()
        survivors = self._end()
        if not self.limit and self.group.kills() > self.kills:
            self.limit, self.killed = "memory", "limit: the kernel's memory limit of all runs"
        findings = protected.verify() if self.started else []
        watch.remove_tree(self.job.folder)
        self._report(survivors, findings)

    def _spawner_died(self, _signal: int, _frame: object) -> None:
        os.write(self.stop_write, b"!")

    def _make_folders(self) -> None:
        with target.step("private folders"):
            # In tier kernel the main process has made them already, for the rules.
            for path in (self.job.caches, self.job.folder, self.job.own_home, self.job.own_tmp):
                os.makedirs(path, 0o700, exist_ok=True)
            if not self.job.full:
                os.symlink(self.job.caches, self.job.own_home + "/.cache")
                self._link_toolchains()

    def _link_toolchains(self) -> None:
        """In tier kernel the private home is another folder: toolchains of the real one are linked into it."""
        for path in self.job.readable:
            if not path.startswith(self.job.home + "/"):
                continue
            place = self.job.own_home + path[len(self.job.home) :]
            os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
            if not os.path.lexists(place):
                os.symlink(path, place)

    def _start(self) -> None:
        with target.step("process descriptors"):
            os.close(os.pidfd_open(os.getpid()))  # found out before anything runs
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.control = ours
        self.wires.control = theirs.fileno()
        if self.job.full:
            self._start_full(ours, theirs)
        else:
            with target.step("fork"):
                pid = os.fork()
            if pid == 0:
                self._be_target(theirs)
            self.leader = pid
        theirs.close()
        for descriptor in {self.wires.stdin, self.wires.stdout, self.wires.stderr, self.wires.ruleset}:
            os.close(descriptor)
        if self.wires.result >= 0:
            os.close(self.wires.result)
        self._await_start()

    def _start_full(self, ours: socket.socket, theirs: socket.socket) -> None:
        if self.layer is None:
            self.leader = space.clone_mapped(space.EVERYTHING)
            if self.leader == 0:
                self._be_first(ours, theirs)
            return
        with target.step("layer"):
            pid = os.fork()
        if pid == 0:
            self._enter_layer(ours, theirs)
        _pid, status = os.waitpid(pid, 0)
        if code := os.waitstatus_to_exitcode(status):
            raise SetupError("layer", f"the layer cannot be entered: {os.strerror(abs(code))}")

    def _enter_layer(self, ours: socket.socket, theirs: socket.socket) -> NoReturn:
        assert self.layer is not None
        try:
            kernel.setns(self.layer.users, kernel.CLONE_NEWUSER)
            kernel.setns(self.layer.mounts, kernel.CLONE_NEWNS)
            if kernel.clone(space.WITHOUT_USER | kernel.CLONE_PARENT) == 0:
                self._be_first(ours, theirs)
        except OSError as error:
            os._exit(min(error.errno or 125, 125))
        os._exit(0)

    def _be_first(self, ours: socket.socket, theirs: socket.socket) -> NoReturn:
        """Process 1 of the run's pid namespace: builds its world, starts the work, reaps, passes the status on."""
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        ours.close()
        try:
            theirs.send(b'{"first":true}')  # fails if the supervisor died before the death signal was set
            mounts.build(self.job)
            mounts.finish()
            with target.step("fork"):
                pid = os.fork()
        except (SetupError, OSError) as error:
            failed = error if isinstance(error, SetupError) else SetupError("namespaces", str(error))
            theirs.send(json.dumps({"setup_error": failed.message[:2000], "step": failed.step}).encode())
            os._exit(126)
        if pid == 0:
            self._be_target(theirs)
        kernel.close_all_but({self.stop_write})
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.seccomp_load(self.job.codes[0])
        while True:
            reaped, status = os.wait()
            if reaped == pid:
                others = sum(1 for name in os.listdir("/proc") if name.isdigit()) - 1
                os.write(self.stop_write, struct.pack("=cii", b"=", status, others))
                os._exit(0)

    def _be_target(self, theirs: socket.socket) -> NoReturn:
        self.wires.control = theirs.detach()
        target.become(self.job, self.wires)

    def _await_start(self) -> None:
        """Take what the target says while it sets itself up; the end of its socket is the start of the work."""
        self.control.settimeout(_SETUP_SECONDS)
        while True:
            try:
                message, descriptors, pid = _receive(self.control)
            except TimeoutError:
                raise SetupError("start", "setting up took too long") from None
            if not message:
                break
            said = json.loads(message)
            if "setup_error" in said:
                raise SetupError(str(said["step"]), str(said["setup_error"]))
            if "first" in said:
                self.leader = pid
            elif "terminal" in said:
                self.tell({"terminal": True}, tuple(descriptors))
                os.close(descriptors[0])
            elif "listener" in said:
                self.notifier = Notifier(self.job, descriptors[0], self.tell)
                self.pid = pid
        if self.notifier is None:
            raise SetupError("start", "the work ended before its filters were in place")
        self.control.close()
        self.started = True
        self.tell({"started": self.pid})

    def _watch(self) -> None:
        assert self.notifier is not None
        pidfd = os.pidfd_open(self.leader)
        listener = self.notifier.listener
        for descriptor in (self.events.fileno(), listener, pidfd, self.stop_read):
            self.poll.register(descriptor, select.POLLIN)
        limits = watch.Watch(self.job, self.begun)
        with suppress(OSError):
            # Where we may (as root, whom no rlimit holds): ahead of a thousand processes that all want to run.
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        while not self.killed:
            ready = dict(self.poll.poll(limits.next_ms()))
            if ready.get(listener, 0) & select.POLLIN:
                self.notifier.serve()
            elif listener in ready:
                self.poll.unregister(listener)  # every process of the run has ended
            if self.events.fileno() in ready:
                self._obey()
            if self.stop_read in ready and not self._take_status():
                self.killed = "the spawner ended"
            if pidfd in ready:
                break
            exceeded = limits.check()
            if exceeded is None and limits.just_looked and self.group.kills() > self.kills:
                exceeded = "memory", "the kernel's memory limit of all runs"
            if exceeded is not None:
                self.limit, self.killed = exceeded[0], f"limit: {exceeded[1]}"
                self.tell({"limit": exceeded[0], "detail": exceeded[1]})
        os.close(pidfd)

    def _take_status(self) -> bool:
        data = os.read(self.stop_read, 64)
        if data[:1] == b"=":
            self.status, self.survivors = struct.unpack("=ii", data[1:9])
            return True
        return False

    def _obey(self) -> None:
        try:
            text = self.events.recv(65536)
        except OSError:
            text = b""
        if not text:
            self.killed = "vtcode ended"
            return
        said = json.loads(text)
        if "kill" in said:
            self.killed = str(said["kill"]) or "killed"
            self.limit = str(said.get("limit", ""))

    def _end(self) -> int:
        """End everything that still runs; how many processes outlived the work itself."""
        if not self.leader:
            tree.end_all(enclosed=self.enclosed)
            return 0
        if self.job.full:
            tree.send(self.leader, signal.SIGKILL)
            _pid, _status, self.usage = os.wait4(self.leader, 0)
            if self.status is None:
                try:
                    self._take_status()
                except BlockingIOError:
                    self.status = 9
            tree.end_all()
            return self.survivors
        if self.killed or self.setup_error:
            if self.enclosed:
                tree.kill_enclosed()
            else:
                tree.kill_all(tree.descendants(os.getpid()))
        _pid, self.status, self.usage = os.wait4(self.leader, 0)
        return tree.end_all(enclosed=self.enclosed)

    def _report(self, survivors: int, findings: list[dict[str, object]]) -> None:
        message: dict[str, object] = {
            "survivors": survivors,
            "killed": self.killed,
            "limit": self.limit,
            "wall_ms": int((time.monotonic() - self.begun) * 1000),
            "protected": findings[:50],
        }
        if self.notifier is not None:
            message["denials"] = self.notifier.summary()
        if self.usage is not None:
            message["cpu_ms"] = int((self.usage.ru_utime + self.usage.ru_stime) * 1000)
            message["max_rss_kb"] = self.usage.ru_maxrss
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


def supervise(
    events: socket.socket, descriptors: list[int], job_file: int, layer: Layer | None, group: cgroup.Group
) -> NoReturn:
    """The body of a supervisor process."""
    job = Job(read_all(job_file))
    os.close(job_file)
    ruleset, stdin, stdout, stderr, *result = descriptors
    wires = target.Wires(-1, ruleset, stdin, stdout, stderr, result[0] if result else -1)
    Supervisor(job, events, wires, layer, group).run()
    os._exit(0)
