"""Runs one attack or workload, in a sandbox as a worker or without one as the control: the same code both times."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

LIBC = ctypes.CDLL(None, use_errno=True)


def attack(arguments: Mapping[str, Any], out: BinaryIO) -> dict[str, object]:
    """Do what `arguments["code"]` says, as `kind` sh or py, and wait until it has ended or its time is over."""
    del out
    pid = os.fork()
    if pid == 0:
        try:
            _be(arguments)
        except Exception as error:  # noqa: BLE001 - whatever it was, the attack came to nothing, and says why
            os.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "backslashreplace"))
        finally:
            os._exit(70)
    deadline = time.monotonic() + float(arguments.get("seconds", 8))
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return {"status": os.waitstatus_to_exitcode(status)}
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return {"status": -9, "late": True}
        time.sleep(0.002)


def _be(arguments: Mapping[str, Any]) -> None:
    world = {name: str(value) for name, value in arguments["world"].items()}
    if arguments["kind"] == "sh":
        environment = {**os.environ, **world}
        os.execvpe("bash", ["bash", "-c", arguments["code"]], environment)
    os.environ.update(world)
    names = {"W": arguments["world"], "sc": _syscall, "libc": LIBC, "broke": lambda: _broke(world), "ok": _ok}
    exec(compile(arguments["code"], "<attack>", "exec"), names)  # the attack table of this package
    sys.stdout.flush()
    os._exit(0)


def _syscall(number: int, *arguments: int | bytes) -> int:
    """A raw system call: its result, or minus the errno."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(LIBC.syscall(ctypes.c_long(number), *words))
    return -ctypes.get_errno() if result < 0 else result


def _broke(world: Mapping[str, str]) -> None:
    """Say that something was obtained: the nonce backwards, which no echo of the command contains."""
    os.write(1, world["NONCE"][::-1].encode() + b"\n")


def _ok(result: int) -> None:
    """Fail the attack unless a system call succeeded."""
    if result < 0:
        raise OSError(-result, "refused")
    os.write(1, os.environ["NONCE"][::-1].encode() + b"\n")


def serve() -> None:
    """The control: carry out one attack per line of stdin, each in a child with its output in a pipe."""
    LIBC.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what an attack leaves behind becomes a child of ours
    for line in sys.stdin:
        _end_what_is_left()
        arguments = json.loads(line)
        # A file and not a pipe: an attack may say more than a pipe holds, and its daemons may keep it open.
        held = os.memfd_create("vtcode-control")
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.chdir(arguments["cwd"])
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for place in (1, 2):
                os.dup2(held, place)
            attack(arguments, sys.stdout.buffer)
            os._exit(0)
        os.waitpid(pid, 0)
        said = os.pread(held, 1 << 24, 0)
        os.close(held)
        sys.stdout.write(json.dumps({"output": said.decode("latin-1")}) + "\n")
        sys.stdout.flush()
    _end_what_is_left()


def _end_what_is_left() -> None:
    """Kill the daemons of attacks, whose children become ours in turn, until there is none."""
    while True:
        with open("/proc/thread-self/children") as file:
            for pid in file.read().split():
                os.kill(int(pid), signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        time.sleep(0.001)


if __name__ == "__main__":
    serve()
