"""Process 1 of a run's pid namespace: builds its world, reaps, passes the status on."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct

from vtcode_tui.sandbox.inner import kernel, layers, mounts, target
from vtcode_tui.sandbox.inner.job import Job, SetupError, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


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


def become(lines: Lines) -> NoReturn:
    """Be the first process. Never returns; a failure is told through the reporting socket."""
    report = lines.report
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        held = (lines.orders.fileno(), lines.work_orders.fileno(), report.fileno(), lines.status)
        kernel.close_all_but({0, 1, 2, *held})
        mounts.prepare()
        with target.step("fork"):
            pid = os.fork()
        if pid == 0:
            target.become(lines.work_orders, report)
        lines.work_orders.close()
        message, descriptors, _flags, _address = socket.recv_fds(lines.orders, 4096, 8)
        if not message:
            os._exit(0)  # the supervisor is gone
        job = Job(read_all(descriptors[0]))
        layer = layers.receive_mount(socket.socket(fileno=descriptors[2])) if len(descriptors) > 2 else -1
        mounts.build(job, layer)
        mounts.finish()
        code = job.codes(descriptors[1])[0]
        report.send(b'{"world":true}')
    except (SetupError, OSError) as error:
        failed = error if isinstance(error, SetupError) else SetupError("namespaces", str(error))
        report.send(json.dumps({"setup_error": failed.message[:2000], "step": failed.step}).encode())
        os._exit(126)
    kernel.close_all_but({lines.status})
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.seccomp_load(code)
    while True:
        reaped, status = os.wait()
        if reaped == pid:
            others = sum(1 for name in os.listdir("/proc") if name.isdigit()) - 1
            os.write(lines.status, struct.pack("=cii", b"=", status, others))
            os._exit(0)
