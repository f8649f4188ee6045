"""Nobody else of the same user reads our memory, and a crash leaves none of it behind. Each attack works before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")

ATTACKS = r"""
import ctypes, os, sys
sys.path.insert(0, sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
libc.prctl(4, 1, 0, 0, 0)
libc.prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)  # PR_SET_PTRACER_ANY, where Yama is in force
secret = ctypes.create_string_buffer(b"the key of this session")
place, size, target = ctypes.addressof(secret), len(secret.value), os.getpid()

class Stretch(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]

def mem():
    with open(f"/proc/{target}/mem", "rb", 0) as memory:
        memory.seek(place)
        return memory.read(size) == secret.value

def readv():
    got = ctypes.create_string_buffer(size)
    mine, its = Stretch(ctypes.addressof(got), size), Stretch(place, size)
    return libc.process_vm_readv(target, ctypes.byref(mine), 1, ctypes.byref(its), 1, 0) == size

def ptrace():
    if libc.ptrace(16, target, None, None):
        return False
    os.waitpid(target, 0)
    libc.ptrace(17, target, None, None)
    return True

def tried(attack):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        libc.prctl(4, 1, 0, 0, 0)
        try:
            os.write(writing, b"1" if attack() else b"0")
        except OSError:
            os.write(writing, b"0")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return os.read(reading, 1) == b"1"

before = [tried(attack) for attack in (mem, readv, ptrace)]
from vtcode_tui.sandbox.harden import harden
harden(close=False)
print(before, [tried(attack) for attack in (mem, readv, ptrace)])
"""


def test_another_process_of_the_user_reads_our_memory_in_none_of_three_ways() -> None:
    # An ordinary user may not enter the home of root, where this Python may be.
    shown = subprocess.run(
        ["/usr/bin/python3", "-c", ATTACKS, str(ROOT)], capture_output=True, text=True, check=False, cwd="/"
    )
    if "ModuleNotFoundError" in shown.stderr or "PermissionError" in shown.stderr:
        pytest.skip("an ordinary user cannot read this checkout")
    assert shown.stdout.strip() == "[True, True, True] [False, False, False]", shown.stderr


def crashed(folder: Path, *command: str, first: bytes = b"") -> tuple[int, bool, list[str]]:
    """The signal that ended a program, whether its memory was written somewhere, and what it left in its folder."""
    folder.mkdir()
    program = ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *command]
    environ = os.environ | {"VTCODE_HOME": str(folder.parent / "home")}
    with subprocess.Popen(
        program, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(first)
        process.stdin.flush()
        assert process.stdout.readline(), "it runs"
        os.kill(process.pid, signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
    return os.WTERMSIG(status), os.WCOREDUMP(status), [path.name for path in folder.iterdir()]


def test_a_crash_of_the_program_writes_its_memory_nowhere(tmp_path: Path) -> None:
    control = crashed(tmp_path / "control", sys.executable, "-c", "print(1, flush=True); input()")
    if not control[1]:
        pytest.skip("this machine writes no core files at all, so there is nothing to prevent")
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}}
    program = shutil.which("vtcode", path=str(Path(sys.executable).parent)) or "vtcode"
    found = crashed(tmp_path / "real", program, "acp", first=json.dumps(asked).encode() + b"\n")
    assert found == (signal.SIGSEGV, False, [])
