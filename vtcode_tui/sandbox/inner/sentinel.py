"""The parent of the fork server: it waits for its end, and then ends what nobody else is left to end.

In tier kernel a daemon of a run is nobody's child once its supervisor and the fork server are killed at the same
moment. It becomes ours then, as a subreaper's: whatever is under a filter of ours belongs to a run and is killed; a
supervisor, which is under none, ends its own run first and leaves by itself. We do nothing else.
"""

from __future__ import annotations

import os
import signal
import time

from vtcode_tui.sandbox.inner import ending, kernel, tree

_PATIENCE_SECONDS = 30.0
"""How long supervisors may take to end their runs, compare protected paths, and report."""


def stand_behind() -> None:
    """Fork: the child returns and is to become the fork server; the parent stays behind it and never returns."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    me, server = os.getpid(), os.fork()
    if server == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != me:
            os._exit(1)
        return
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        kernel.close_all_but({0, 1, 2})
        kernel.set_name("vtcode-sentinel")
        while os.waitpid(-1, 0)[0] != server:
            continue
        _end_what_is_left()
    finally:
        os._exit(0)


def _end_what_is_left() -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while ending.reap():
        left = tree.children_of(os.getpid())
        strays = left if time.monotonic() > deadline else [pid for pid in left if tree.is_filtered(pid)]
        if strays:
            ending.kill_all(tree.family(strays))
        else:
            time.sleep(0.005)
