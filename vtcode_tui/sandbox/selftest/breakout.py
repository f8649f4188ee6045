"""A worker that tries to break out in a few cheap ways; the self-test at start runs it in a sandbox."""

from __future__ import annotations

import ctypes
import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, BinaryIO


def attempt(arguments: Mapping[str, Any], out: BinaryIO) -> dict[str, object]:
    """Try each way out and name those that worked; `arguments` says where the canaries are."""
    del out
    canary, inside = str(arguments["canary"]), str(arguments["inside"])
    tries: dict[str, Callable[[], object]] = {
        "read a file outside": lambda: os.close(os.open(canary, os.O_RDONLY)),
        "write a file outside": lambda: os.close(os.open(canary, os.O_WRONLY)),
        "connect to a listener": lambda: _connect(socket.AF_INET, ("127.0.0.1", int(arguments["port"]))),
        "connect to an abstract socket": lambda: _connect(socket.AF_UNIX, "\0" + str(arguments["abstract"])),
        "signal the program that started it": lambda: os.kill(int(arguments["pid"]), 0),
        "open a raw socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "trace another process": lambda: _call("ptrace", 16, int(arguments["pid"]), 0, 0),
        "enter a new user namespace": lambda: _call("unshare", 0x10000000),
    }
    if os.readlink("/proc/self/ns/pid") != arguments.get("processes", ""):
        # Here that number names another process, or this one's own parent where vtcode is process 1 of a container.
        del tries["signal the program that started it"], tries["trace another process"]
    escaped = [name for name, way in tries.items() if _works(way)]
    # Whether this made something outside, only the outside can see.
    _works(lambda: os.mkdir(canary + ".d"))
    wrote = _works(lambda: os.close(os.open(inside, os.O_WRONLY | os.O_CREAT, 0o600)))
    return {"escaped": escaped, "wrote": wrote, "tried": len(tries)}


def _works(way: Callable[[], object]) -> bool:
    try:
        way()
    except OSError:
        return False
    return True


def _connect(family: int, address: str | tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        probe.connect(address)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*(ctypes.c_long(a) for a in arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)
