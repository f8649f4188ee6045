"""The child that becomes the work: limits, rights, filters, pins, and then the program or the worker function."""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import socket
import struct
import sys
import termios
from contextlib import contextmanager, suppress
from ctypes import c_long
from fcntl import ioctl

from vtcode_tui.sandbox.inner import kernel, rehearsal
from vtcode_tui.sandbox.inner.job import NO_CORE, Job, SetupError, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, NoReturn

    from vtcode_tui.sandbox.inner.outline import Outline

_SHA = importlib.import_module("_sha2" if sys.version_info >= (3, 12) else "_sha256")
"""Without `hashlib`, which takes OpenSSL along; loaded once and not by each run that has a pinned file."""
_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Turn any failure inside into a SetupError that names the step."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise SetupError(name, str(error)) from error


def become(
    orders: socket.socket, report: socket.socket, outline: Outline, folder: str, *, rehearses: bool
) -> NoReturn:
    """Be the work. Never returns; a failure before it begins is told through the reporting socket."""
    try:
        _get_ready(orders, report, outline)
        if rehearses and not rehearsal.is_over(orders):
            rehearsal.of_job(outline, folder)
        message, descriptors, _flags, _address = socket.recv_fds(orders, 4096, 16, socket.MSG_CMSG_CLOEXEC)
        if not message:
            os._exit(0)  # the supervisor is gone
        job = Job(read_all(descriptors[0]))
        job.settle(folder)
        ruleset, result = _take_streams(descriptors)
        with step("limits"):
            limit(job)
        if not job.full:
            _confine(job, ruleset)
        if orders.recv(16) != b"go":
            os._exit(0)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        _take_terminal(job, report)
        with step("working folder"):
            os.chdir(job.cwd)
        if job.invoke is not None:
            # From the installation only, and under the rules like all that it does.
            sys.path[:] = [*sys.path, *(p for p in job.search if p not in sys.path)]
        if job.full:  # the places that its rules are about stand now
            _confine(job, ruleset)
        with step("pinned files"):
            check_pins(job.pins, job.writable)
        if job.invoke is None:
            _execute(job)
        report.send(b'{"started":true}')
        report.close()
        orders.close()
    except (SetupError, OSError) as error:
        failed = error if isinstance(error, SetupError) else SetupError("start", str(error))
        report.send(json.dumps({"setup_error": failed.message[:2000], "step": failed.step}).encode())
        os._exit(126)
    _invoke(job, result)


def _get_ready(orders: socket.socket, report: socket.socket, outline: Outline) -> None:
    """What does not depend on the run: everything is refused already that the filters refuse."""
    with step("session"):
        os.setsid()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        be_expendable()
        os.umask(0o022)
        default_signals()
    with step("descriptors"):
        kernel.close_all_but({0, 1, 2, orders.fileno(), report.fileno()})
    with step("capabilities"):
        kernel.drop_capabilities()
    with step("no new privileges"):
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    with step("limits"):  # the filters refuse to change this one
        _limit("CORE", NO_CORE)
    with step("seccomp filter of numbers"):
        kernel.seccomp_load(outline.first)
    with step("seccomp filter of calls"):
        listener = kernel.seccomp_load(outline.second, listener=True)
        socket.send_fds(report, [b'{"listener":true}'], [listener])
        os.close(listener)


def _take_streams(given: list[int]) -> tuple[int, int]:
    """Put the run's streams in their places; the descriptors of the ruleset and of the pipe for a result."""
    with step("descriptors"):
        job, ruleset, *streams = given  # each above 2, since 0, 1 and 2 were open when they came
        for place in range(3):
            os.dup2(streams[place], place, inheritable=True)
        for done in (job, *streams[:3]):
            os.close(done)
        kernel.close_on_exec(3)
    return ruleset, streams[3] if len(streams) > 3 else -1


def _take_terminal(job: Job, report: socket.socket) -> None:
    """Make the run's terminal its own; in tier full it is made here, inside, and its other end sent out."""
    if job.terminal is None:
        return
    with step("terminal"):
        if job.full:
            master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            ioctl(master, 0x40045431, struct.pack("i", 0))  # TIOCSPTLCK: unlock
            number = struct.unpack("i", ioctl(master, 0x80045430, bytes(4)))[0]  # TIOCGPTN
            slave = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            socket.send_fds(report, [b'{"terminal":true}'], [master])
            os.close(master)
            for place in range(3):
                os.dup2(slave, place, inheritable=True)
            os.close(slave)
        columns, rows = job.terminal
        ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        ioctl(0, termios.TIOCSCTTY, 0)


def default_signals() -> None:
    """Signals back to what a program expects of them."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def limit(job: Job) -> None:
    """Set the resource limits of the run on this process."""
    for name, wanted in job.rlimits.items():
        _limit(name, wanted)


def be_expendable() -> None:
    """Where memory runs out all the same, let the run go before anything of the person's."""
    # What is not dumpable cannot write there: its files in /proc are root's.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def _limit(name: str, wanted: int) -> None:
    which = getattr(resource, f"RLIMIT_{name}")
    _soft, hard = resource.getrlimit(which)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (value, value))


def _confine(job: Job, ruleset: int) -> None:
    with step("landlock rules"):
        _add_rules(job, ruleset)
    with step("landlock"):
        kernel.landlock_restrict(ruleset, kernel.LOG_AFTER_EXEC if job.recorded else 0)
    os.close(ruleset)


def _add_rules(job: Job, ruleset: int) -> None:
    into, how = c_long(ruleset), os.O_PATH | os.O_CLOEXEC
    for path, for_folder, for_file in job.rules:
        try:
            descriptor = os.open(path, how)
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            continue  # what cannot be reached needs no right
        try:
            folder = os.fstat(descriptor).st_mode & 0o170000 == 0o040000
            access = for_folder if folder else for_file
            if access:
                kernel.landlock_allow(into, descriptor, access)
        finally:
            os.close(descriptor)


def digest_of(path: str, stamp: list[int] | None = None, known: str | None = None) -> str | None:
    """The SHA-256 of a file's content, None when there is no such file; `known` where the file has that stamp."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    sha = _SHA.sha256()
    try:
        if stamp is not None and kernel.has_exact_times(descriptor) and kernel.stamp_of(descriptor) == tuple(stamp):
            return known
        while piece := os.read(descriptor, 1 << 20):
            sha.update(piece)
    finally:
        os.close(descriptor)
    return str(sha.hexdigest())


def check_pins(pins: list[tuple[str, str | None, list[int] | None]], writable: list[str]) -> None:
    """Raise SetupError where a file is not what was approved.

    Below `writable` a stamp stands for nothing: a run that has mapped a file changes it without a new time.
    """
    for path, wanted, stamp in pins:
        if stamp is not None:
            real = os.path.realpath(path)
            stamp = None if any(real.startswith(root + "/") for root in writable) else stamp
        found = digest_of(path, stamp, wanted)
        if found != wanted:
            was, now = wanted or "absent", found or "absent"
            raise SetupError("pinned files", f"{path} is not what was approved (was {was[:12]}, is {now[:12]})")


def _execute(job: Job) -> NoReturn:
    try:
        os.execve(job.executable, job.argv, job.environment)
    except OSError as error:
        raise SetupError("execute", f"{job.executable}: {os.strerror(error.errno or 0)}") from error


def _invoke(job: Job, result: int) -> NoReturn:
    status = 1
    os.environ.clear()
    os.environ.update(job.environment)
    out: BinaryIO = os.fdopen(1, "wb", closefd=False)
    try:
        worker = getattr(importlib.import_module(job.module), job.function)
        answer = worker(json.loads(job.invoke or "{}"), out)
        out.flush()
        with os.fdopen(result, "wb") as file:
            file.write(json.dumps(answer).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of a process: whatever it was is written down, and it ends
        sys.excepthook(*sys.exc_info())
        try:
            out.flush()
            sys.stderr.flush()
        except OSError:
            status = 1
    os._exit(status)
