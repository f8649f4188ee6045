"""Process 1 of a run's pid namespace: builds its world, reaps, passes the status on."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct

from vtcode_tui.sandbox.inner import ending, holder, kernel, mounts, rehearsal, target
from vtcode_tui.sandbox.inner.job import Job, SetupError, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from vtcode_tui.sandbox.inner.outline import Outline


class Lines:
    """What it hears and answers by: its orders, those of the work, the reports of both, and the status."""

    __slots__ = ("orders", "report", "status", "work_orders")

    def __init__(
        self, orders: socket.socket, work_orders: socket.socket, report: socket.socket, status: int
    ) -> None:
        self.orders = orders
        self.work_orders = work_orders
        self.report = report
        self.status = status


def become(lines: Lines, outline: Outline, folder: str, *, rehearses: bool) -> NoReturn:
    """Be the first process. Never returns; a failure is told through the reporting socket."""
    report = lines.report
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        held = (lines.orders.fileno(), lines.work_orders.fileno(), report.fileno(), lines.status)
        kernel.close_all_but({0, 1, 2, *held})
        mounts.prepare(outline, folder)
        with target.step("fork"):
            pid = os.fork()
        if pid == 0:
            target.become(lines.work_orders, report, outline, folder, rehearses=rehearses)
        lines.work_orders.close()
        if rehearses and not rehearsal.is_over(lines.orders):
            rehearsal.of_job(outline, folder)
        message, descriptors, _flags, _address = socket.recv_fds(lines.orders, 4096, 8)
        if not message:
            os._exit(0)  # the supervisor is gone
        job = Job(read_all(descriptors[0]))
        layer = holder.receive_mount(socket.socket(fileno=descriptors[1])) if len(descriptors) > 1 else -1
        mounts.build(job, outline, layer)
        mounts.finish()
        # The supervisor's word, above all. One of the run that says it ends its own run.
        signal.signal(signal.SIGTERM, lambda _signal, _frame: ending.send(-1, signal.SIGKILL))
        report.send(b'{"world":true}')
    except (SetupError, OSError) as error:
        failed = error if isinstance(error, SetupError) else SetupError("namespaces", str(error))
        report.send(json.dumps({"setup_error": failed.message[:2000], "step": failed.step}).encode())
        os._exit(126)
    kernel.close_all_but({lines.status})
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.seccomp_load(outline.first)
    while True:
        reaped, status = os.wait()
        if reaped == pid:
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu_ms = int((used.ru_utime + used.ru_stime) * 1000)
            os.write(lines.status, struct.pack("=ciiqq", b"=", status, _others(), cpu_ms, used.ru_maxrss))
            os._exit(0)


def _others() -> int:
    """How many processes are left besides this one. All descend from it: without a child there is none."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return sum(1 for name in os.listdir("/proc") if name.isdigit()) - 1
