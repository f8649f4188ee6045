"""The processes of a run where no kernel feature collects them: found by several marks, ended all.

macOS has no subreaper and no process namespace: an orphan becomes a child of launchd. A process belongs to the run
when it was seen below the run's first process, is in a group or below a process that belongs, or (macOS) when it is
in the run's sandbox, which is inherited, cannot be left, and is recognised by what it allows: writing in the run's
own temp folder, and nothing beside it. `libproc` is asked, not `ps`. The macOS half was not run on a Mac by us.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import signal
import struct
import time

from vtcode_tui.sandbox.inner import ending, kernel, tree
from vtcode_tui.sandbox.inner.tree import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BSD_INFO, _BSD_INFO_SIZE = 3, 136
_TASK_INFO, _TASK_INFO_SIZE = 4, 96
_USAGE_SIZE = 96
_PATH_FILTER = 1 | 0x40000000
"""SANDBOX_FILTER_PATH | SANDBOX_CHECK_NO_REPORT."""
_PATIENCE_SECONDS = 10.0


class System:
    """What is asked of Linux: used by the tests, which run this code behind a stand-in."""

    def table(self) -> dict[int, Entry]:
        """Every process that is alive, zombies left out."""
        return {pid: entry for pid, entry in tree.table().items() if entry.alive}

    def send(self, pid: int, start: int, number: int) -> None:
        """Signal the process of that number and start, and no other that has the number by now."""
        ending.send_to(pid, start, number)

    def memory_and_threads(self, pid: int) -> tuple[int, int]:
        """Bytes that a process holds, and the number of its threads."""
        return tree.memory_of(pid)[0], tree.threads_of(pid)

    def total_memory(self) -> int:
        """Bytes of memory of the machine."""
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def in_sandbox(self, pid: int, inside: str, outside: str) -> bool:
        """Whether a process is in the sandbox that may write `inside` and not `outside`: cannot be asked here."""
        del pid, inside, outside
        return False


class Darwin(System):
    """What is asked of macOS, through libproc and libsandbox in libSystem."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL(ctypes.util.find_library("System") or "/usr/lib/libSystem.B.dylib", use_errno=True)
        for name in ("sandbox_check", "proc_pidinfo", "proc_listallpids", "proc_pid_rusage"):
            if not hasattr(self._lib, name):
                raise OSError(f"this macOS has no {name}, without which a run's processes cannot all be found")
        # Variadic: on Apple silicon the fixed arguments must be declared, the rest travels on the stack.
        self._check = self._lib.sandbox_check
        self._check.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        self._check.restype = ctypes.c_int
        self._info = self._lib.proc_pidinfo
        self._info.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int]
        self._all = self._lib.proc_listallpids
        self._all.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._usage = self._lib.proc_pid_rusage
        self._usage.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]

    def table(self) -> dict[int, Entry]:
        """Every process that is alive and may be looked at; a zombie has no information."""
        room = max(1024, int(self._all(None, 0)) * 2)
        pids = (ctypes.c_int * room)()
        count = int(self._all(pids, ctypes.sizeof(pids)))
        found = {}
        for pid in pids[: max(0, count)]:
            entry = self._entry(pid)
            if entry is not None:
                found[pid] = entry
        return found

    def send(self, pid: int, start: int, number: int) -> None:
        """By the number, right after it was looked whose it is: macOS has no descriptors of processes."""
        entry = self._entry(pid)
        if entry is not None and entry.start == start:
            ending.send(pid, number)

    def _entry(self, pid: int) -> Entry | None:
        text = self._ask(pid, _BSD_INFO, _BSD_INFO_SIZE)
        if not text:
            return None
        parent, group = struct.unpack_from("=I", text, 16)[0], struct.unpack_from("=I", text, 100)[0]
        seconds, micros = struct.unpack_from("=QQ", text, 120)
        return Entry(parent, group, seconds * 1_000_000 + micros)

    def memory_and_threads(self, pid: int) -> tuple[int, int]:
        """The footprint that Activity Monitor shows, and the number of threads."""
        buffer = ctypes.create_string_buffer(_USAGE_SIZE)
        memory = struct.unpack_from("=Q", buffer.raw, 72)[0] if self._usage(pid, 0, buffer) == 0 else 0
        task = self._ask(pid, _TASK_INFO, _TASK_INFO_SIZE)
        return memory, struct.unpack_from("=i", task, 84)[0] if task else 1

    def in_sandbox(self, pid: int, inside: str, outside: str) -> bool:
        """Sandboxed, allowed to write `inside` (a path with a random name) and refused `outside`."""
        if self._check(pid, None, 0) != 1:
            return False
        may = [
            int(self._check(pid, b"file-write-data", _PATH_FILTER, ctypes.c_char_p(os.fsencode(path))))
            for path in (inside, outside)
        ]
        return may == [0, 1]

    def _ask(self, pid: int, flavor: int, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        return buffer.raw if self._info(pid, flavor, 0, buffer, size) == size else b""


class Family:
    """The processes of one run. Look often: what was seen once is known, wherever it goes afterwards."""

    def __init__(self, system: System, leader: int, inside: str, outside: str) -> None:
        self.system = system
        self._leader = leader
        self._marks = inside, outside
        table = system.table()
        self._known = {leader: table[leader].start} if leader in table else dict[int, int]()

    def look(self, *, thorough: bool = False) -> list[int]:
        """Those alive now, the leader included. `thorough` also asks which processes are in the run's sandbox."""
        table = self.system.table()
        me = os.getpid()
        alive = {pid for pid, start in self._known.items() if pid in table and table[pid].start == start}
        if thorough:
            others = [pid for pid in table if pid not in alive and pid not in (0, 1, me)]
            alive.update(pid for pid in others if self.system.in_sandbox(pid, *self._marks))
        groups = {pid for pid in {*self._known, self._leader} if pid not in table or pid in alive}
        below = dict[int, list[int]]()
        for pid, entry in table.items():
            below.setdefault(entry.parent, []).append(pid)
            if entry.group in groups:
                alive.add(pid)
        queue = list(alive)
        while queue:
            fresh = [pid for pid in below.get(queue.pop(), ()) if pid not in alive]
            alive.update(fresh)
            queue += fresh
        alive.discard(me)
        self._known.update({pid: table[pid].start for pid in alive})
        return sorted(alive)

    def end(self, reap: Callable[[], None]) -> int:
        """Kill them all and look again until none is left, ten seconds at most; how many were still alive.

        Each is stopped before any is killed, so that none forks a successor meanwhile.
        """
        killed: set[int] = set()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while alive := self.look(thorough=True):
            for how in (signal.SIGSTOP, signal.SIGKILL):
                for pid in alive:
                    self.system.send(pid, self._known[pid], how)
            killed.update(alive)
            reap()
            if time.monotonic() > deadline:
                break
            time.sleep(0.002)
        return len(killed)


def here() -> System:
    """The system that this runs on."""
    return Darwin() if kernel.MAC else System()
