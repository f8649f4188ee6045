"""A worker that tries to break out of Seatbelt in a few cheap ways; the self-test at start runs it in a sandbox."""

from __future__ import annotations

import ctypes
import os
import socket

from vtcode_tui.sandbox.selftest.breakout import _connect, _works

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, BinaryIO


def attempt(arguments: Mapping[str, Any], out: BinaryIO) -> dict[str, object]:
    """Try each way out and name those that worked; `arguments` says where the canaries are."""
    del out
    canary, inside = str(arguments["canary"]), str(arguments["inside"])
    parent, port = int(arguments["pid"]), int(arguments["port"])
    protected = str(arguments["protected"])
    tries: dict[str, Callable[[], object]] = {
        "read a file outside": lambda: os.close(os.open(canary, os.O_RDONLY)),
        "write a file outside": lambda: os.close(os.open(canary, os.O_WRONLY)),
        "list a folder outside": lambda: os.listdir(os.path.dirname(canary)),
        "write a protected file": lambda: os.close(os.open(protected, os.O_WRONLY | os.O_CREAT, 0o600)),
        "move the folder of a protected file": lambda: os.rename(os.path.dirname(protected), inside + ".moved"),
        "read a hidden file": lambda: os.close(os.open(str(arguments["hidden"]), os.O_RDONLY)),
        "connect to a listener": lambda: _connect(socket.AF_INET, ("127.0.0.1", port)),
        "connect to a socket in a folder": lambda: _connect(socket.AF_UNIX, str(arguments["named"])),
        "send a datagram": lambda: _send(port),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "signal the program that started it": lambda: os.kill(parent, 0),
        "take another process's task": lambda: _task_of(parent),
        "reach the pasteboard": lambda: _look_up(b"com.apple.pasteboard.1"),
        "reach the keychain's server": lambda: _look_up(b"com.apple.SecurityServer"),
        "reach the launcher of programs": lambda: _look_up(b"com.apple.coreservices.launchservicesd"),
    }
    escaped = [name for name, way in tries.items() if _works(way)]
    # Whether this made something outside, only the outside can see.
    _works(lambda: os.mkdir(canary + ".d"))
    wrote = _works(lambda: os.close(os.open(inside, os.O_WRONLY | os.O_CREAT, 0o600)))
    return {"escaped": escaped, "wrote": wrote, "tried": len(tries)}


def _send(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"out", ("127.0.0.1", port))


def _look_up(name: bytes) -> None:
    """Ask launchd for a service; where there is no launchd there is no way out by it."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "bootstrap_look_up"):
        raise OSError("no launchd")
    port = ctypes.c_uint(0)
    launchd = ctypes.c_uint.in_dll(libc, "bootstrap_port")
    if libc.bootstrap_look_up(launchd, ctypes.c_char_p(name), ctypes.byref(port)) != 0:
        raise OSError("refused")


def _task_of(pid: int) -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "task_for_pid"):
        raise OSError("no tasks")
    task = ctypes.c_uint(0)
    own = ctypes.c_uint.in_dll(libc, "mach_task_self_")
    if libc.task_for_pid(own, ctypes.c_int(pid), ctypes.byref(task)) != 0:
        raise OSError("refused")
