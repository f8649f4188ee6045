"""The fork server: `python -I -S server.py FD PARENT_OF_PACKAGE MODULE...`, one supervisor forked for each run.

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

sys.path.append(sys.argv[2])

from vtcode_tui.sandbox.inner import cgroup, kernel, tree
from vtcode_tui.sandbox.inner.job import SetupError
from vtcode_tui.sandbox.inner.space import Layers
from vtcode_tui.sandbox.inner.supervisor import supervise

_MOST_PROCESSES = 8192
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
    signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
    layers, supervisors = Layers(), set[int]()
    memory = int(tree.machine_memory()[0] * 0.9)
    group = cgroup.Group(f"{cgroup.PREFIX}{os.getpid()}", _MOST_PROCESSES, memory)
    group.enter()
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake, select.POLLIN)
    control.send(b"ready")
    while True:
        ready = dict(poll.poll())
        if wake in ready:
            os.read(wake, 4096)
            _reap(layers, supervisors)
        if control.fileno() in ready and not _take(control, layers, supervisors, group):
            break
    # Each supervisor sees the end of the main process itself, and ends its run.
    while supervisors:
        _reap(layers, supervisors, block=True)


def _take(control: socket.socket, layers: Layers, supervisors: set[int], group: cgroup.Group) -> bool:
    """Start the run of one message; False when the main process is gone."""
    try:
        text, descriptors, _flags, _address = socket.recv_fds(control, 65536, 16)
    except OSError:
        return False
    if not text:
        return False
    said = json.loads(text)
    events = socket.socket(fileno=descriptors[0])
    try:
        layer = layers.enter(said["staging"]) if said["staging"] else None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # Above all the descriptors that hold other layers: one kept open would keep its layer mounted.
            own = {layer.users, layer.mounts} if layer is not None else set()
            try:
                kernel.close_all_but({0, 1, 2, events.fileno(), *descriptors[1:], *own})
                supervise(events, descriptors[2:], descriptors[1], layer, group)
            except BaseException as error:  # noqa: BLE001 - the last frame of a process: its run ends with it
                failed = {"killed": f"the supervisor failed: {error!r}", "exit": -9, "survivors": 0}
                events.send(json.dumps(failed).encode())
            finally:
                # Whatever went wrong, a supervisor never becomes a second fork server.
                os._exit(125)
        supervisors.add(pid)
        if layer is not None:
            layer.runs.add(pid)
    except (SetupError, OSError) as error:
        step = error.step if isinstance(error, SetupError) else "fork"
        told = error.message if isinstance(error, SetupError) else str(error)
        events.send(json.dumps({"setup_error": told, "step": step, "survivors": 0}).encode())
        layers.leave(-1)
    finally:
        events.close()
        for descriptor in descriptors[1:]:
            os.close(descriptor)
    return True


def _reap(layers: Layers, supervisors: set[int], *, block: bool = False) -> None:
    """Take note of supervisors that ended, and kill what one that was killed left behind."""
    while True:
        try:
            pid, _status = os.waitpid(-1, 0 if block else os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            break
        supervisors.discard(pid)
        layers.leave(pid)
        block = False
    strays = [p for p in tree.children_of(os.getpid()) if p not in supervisors]
    if strays:
        # A supervisor was killed and left these to us. Their end wakes us again, until none is left.
        tree.kill_all([*strays, *tree.descendants_of(strays)])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[3:])
