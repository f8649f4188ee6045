"""New namespaces for a run.

A child that was cloned into a new user namespace cannot write its own id maps for root's whole range; its parent
does, while the child waits. See `docs/sandbox.md` for who enters what.
"""

from __future__ import annotations

import os
import socket

from vtcode_tui.sandbox.inner import kernel
from vtcode_tui.sandbox.inner.job import SetupError
from vtcode_tui.sandbox.inner.target import step

EVERYTHING = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
)


def clone_mapped(flags: int) -> int:
    """Clone into a new user namespace in which every id we have means what it means outside; 0 in the child."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with step("namespaces"):
        # /proc/PID/uid_map belongs to root while a process is not dumpable.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        try:
            pid = kernel.clone(flags)
        finally:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        if pid == 0:
            ours.close()
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
            theirs.send(b"?")
            if theirs.recv(1) != b"!":
                os._exit(126)
            theirs.close()
            return 0
    theirs.close()
    try:
        ours.recv(1)
        with step("id maps"):
            _write_maps(pid)
        ours.send(b"!")
    except SetupError:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        raise
    finally:
        ours.close()
    return pid


def _write_maps(pid: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        try:
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/self/{name}") as known:
                    rows = [line.split() for line in known]
                _write(f"/proc/{pid}/{name}", "".join(f"{row[0]} {row[0]} {row[2]}\n" for row in rows))
        except PermissionError:
            pass
        else:
            return
    _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/uid_map", f"{uid} {uid} 1\n")
    _write(f"/proc/{pid}/gid_map", f"{gid} {gid} 1\n")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
