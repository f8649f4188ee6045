"""What ends a run ends nothing else: numbers come around again, so a process is held before it is signalled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel

NUMBERS = """
import contextlib, os, select, signal, socket, sys, time
sys.path.append(sys.argv[1])
from vtcode_tui.sandbox.inner import ending, kernel, tree
from vtcode_tui.sandbox.inner.layers import Layers

def as_number(pid, work):
    "Fork a process that has this number: nobody else forks in this namespace."
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(pid - 1))
    made = os.fork()
    if made == 0:
        work()
    assert made == pid, (made, pid)

def pause():
    while True:
        time.sleep(600)

def until(condition):
    while not condition():
        time.sleep(0.001)

def is_past(start):
    "Whether a process that begins now has another start than this one."
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK") // 10**9 > start + 1

def answers(pid, line):
    "Whether a process still does anything; one with a deadly signal waiting does not."
    ended = os.pidfd_open(pid)
    with contextlib.suppress(OSError):
        line.send(b"?")
    return ended not in select.select([line, ended], [], [])[0]

def echo(line):
    while line.send(line.recv(1)):
        pass
"""

RUN = """
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork() == 0:
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    read, write = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    run = os.fork()
    if run == 0:
        os.setsid()
        inner = os.fork()
        if inner == 0:
            os.setsid()
            write.send(b"%d" % os.getpid())
            write.recv(1)
            os._exit(0)
        os.waitpid(inner, 0)
        pause()
    inner = int(read.recv(64))
    seen = tree.family()
    assert set(seen) == {run, inner}
    until(lambda: is_past(seen[inner].start))
    read.send(b"!")
    until(lambda: tree.entry(inner) is None)
    theirs.send(b"%d" % inner)
    child = int(theirs.recv(64))
    ACT
    ending.end_all()
    theirs.send(b"ended" if tree.entry(run) is None else b"left")
    pause()

lines = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]

def stranger():
    os.setsid()
    echo(lines[0 if os.fork() else 1][1])

inner = int(ours.recv(64))
as_number(inner, stranger)
until(lambda: tree.children_of(inner))
child = tree.children_of(inner)[0]
ours.send(b"%d" % child)
print(ours.recv(64).decode(), answers(inner, lines[0][0]), answers(child, lines[1][0]))
"""

HOLDER = """
layers = Layers(select.poll())
holder = layers.enter([os.getcwd()] * 3, alone=True)
layers.refill()
spare, = layers.pids - {holder.pid}
os.kill(spare, signal.SIGKILL)
os.waitpid(spare, 0)
layers.ended(spare)
line, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
as_number(spare, lambda: echo(other))
assert spare not in layers.pids
layers.dismiss()
print(answers(spare, line))
"""

KILLS = {
    "the list of a run": "ending.kill_all(seen)",
    "a list in which the stranger's child is the run's, as in a look that takes long": (
        "ending.kill_all(seen | {child: tree.entry(child)})"
    ),
    "one process": "ending.send_to(inner, seen[inner].start, signal.SIGKILL)",
}


def in_a_namespace(script: str, folder: Path) -> str:
    """Run a script in a place where nobody else starts processes, so that it decides upon their numbers."""
    root = str(Path(__file__).resolve().parents[2])
    words = ["unshare", "-Urpf", "--kill-child", "--mount-proc", sys.executable, "-c", NUMBERS + script, root]
    ended = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_a_process_that_got_the_number_of_one_of_a_run_is_left_alone(kill: str, tmp_path: Path) -> None:
    assert in_a_namespace(RUN.replace("ACT", kill), tmp_path) == "ended True True\n"


def test_a_signal_by_the_number_alone_would_have_hit_it(tmp_path: Path) -> None:
    assert in_a_namespace(RUN.replace("ACT", "os.kill(inner, 9)"), tmp_path) == "ended False True\n"


def test_a_process_that_got_the_number_of_a_killed_holder_of_a_layer_is_left_alone(tmp_path: Path) -> None:
    assert in_a_namespace(HOLDER, tmp_path) == "True\n"
