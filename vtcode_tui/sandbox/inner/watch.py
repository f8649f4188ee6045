"""What a run uses up, seen from outside, and the removal of its folder."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner import ending, kernel, machine, storage, tree
from vtcode_tui.sandbox.inner.job import Job

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FIRST_MS, _USUAL_MS, _GROWING_MS = 40, 100, 20
_BURST = 256
"""So many more threads on the machine than at the last look may be a flood, whatever the limit of the run."""
_TERMINALS = 256
"""So many pseudo-terminals a run of tier kernel may open: they are those of the whole machine."""
_OWN_TERMINALS = 32
"""Fewer ends of terminals than these, and it is somebody else's run or program that opened so many."""
_REQUESTS = 16384
"""So many asynchronous requests a run may make room for: the machine has 65,536 for everybody."""
_BUFFER = 256 << 10
"""Bytes that a socket or pipe may hold for one of its descriptors (`net.core.wmem_default`, and what it costs)."""


class Watch:
    """Measures a run at intervals; says the name of the first limit that it exceeded."""

    def __init__(self, job: Job, begun: float, *, enclosed: bool) -> None:
        self._limits = job.limits
        self._enclosed = enclosed
        self._threads = tree.threads_of_machine()
        self._terminals = 0 if job.full else machine.terminals()
        self._full = job.full
        self._kernel_limit = 0 if job.full else job.rlimits.get("NPROC", 0)
        self._deadline = begun + job.limits["wall"]
        self._next = time.monotonic() + _FIRST_MS / 1000
        self._next_storage = 0.0
        self.just_looked = False
        self._begun_ns = time.time_ns()
        self._roots = [*job.writable, job.folder, job.caches]
        if job.staging:
            self._roots.append(job.staging[1])
        total, self._unused, self._shared = kernel.memory_of_machine()
        self._memory = min(self._limits["memory"], total * 0.8)
        self._free = {root: storage.free(root) for root in self._roots}

    def next_ms(self) -> int:
        """How long the caller may wait before the next check."""
        now = time.monotonic()
        return max(1, int((min(self._next, self._deadline) - now) * 1000) + 1)

    def check(self) -> tuple[str, str] | None:
        """The limit that is exceeded and a sentence about it, if it is time to look and one is."""
        now = time.monotonic()
        if now >= self._deadline:
            return "wall_seconds", f"ran longer than {self._limits['wall']:g} seconds"
        self.just_looked = now >= self._next
        if not self.just_looked:
            return None
        growing = self._enclosed and tree.threads_of_machine() - self._threads > min(
            _BURST, self._limits["processes"]
        )
        exceeded = self._processes_held() if growing else self._processes()
        looked = time.monotonic()
        if exceeded is None and looked >= self._next_storage:
            exceeded = self._storage()
            # Counting files can take long: never more than a twentieth of the time.
            self._next_storage = time.monotonic() + (time.monotonic() - looked) * 20
        usual = min(0.5, max(_USUAL_MS / 1000, (looked - now) * 10))
        self._next = time.monotonic() + (_GROWING_MS / 1000 if growing else usual)
        return exceeded

    def _processes_held(self) -> tuple[str, str] | None:
        """Count while the run stands still: among thousands that fork, the counting would get no turn."""
        ending.hold_enclosed()
        exceeded = self._processes()
        if exceeded is None:
            ending.release_enclosed()
        return exceeded

    def _processes(self) -> tuple[str, str] | None:
        pids = tree.descendants(os.getpid())  # orphans of the run become children of its supervisor
        threads = sum(map(tree.threads_of, pids))
        self._threads = tree.threads_of_machine()
        if (
            len(pids) >= self._limits["processes"]
            or threads >= 2 * self._limits["processes"]
            or self._at_kernel_limit(threads)
        ):
            return "processes", f"{self._limits['processes']:.0f} processes or twice as many threads"
        many = not self._full and machine.terminals() - self._terminals > _TERMINALS
        if many and sum(map(tree.terminals_of, pids)) >= _OWN_TERMINALS:
            return "descriptors", f"more than {_TERMINALS} pseudo-terminals"
        if machine.requests() > _REQUESTS and sum(map(tree.requests_of, pids)) > _REQUESTS:
            return "descriptors", f"room for more than {_REQUESTS} asynchronous requests"
        held = [tree.memory_of(pid) for pid in pids]
        # Shared memory counts once: every process that maps it shows it.
        memory = sum(own for own, _shared in held) + max(shared for _own, shared in held)
        # Memory that no process maps (a memfd, a file in /dev/shm) is seen on the whole machine only.
        _total, unused, made = kernel.memory_of_machine()
        if max(memory, made - self._shared) > self._memory or self._is_in_kernel(pids, unused):
            return "memory", f"more than {self._memory / (1 << 20):.0f} MiB of memory"
        return None

    def _is_in_kernel(self, pids: list[int], unused: int) -> bool:
        """Whether memory went into buffers of sockets and pipes: no process holds it, but their descriptors do."""
        if self._unused - unused <= self._memory or machine.memory_of_kernel() <= self._memory:
            return False
        return sum(map(tree.descriptors_of, pids)) * _BUFFER > self._memory

    def _at_kernel_limit(self, threads: int) -> bool:
        """Whether the kernel refuses this run more threads; others of the same user may hasten that."""
        most = self._kernel_limit
        return most > 0 and threads > self._limits["processes"] and tree.threads_of_user(os.getuid()) >= most

    def _storage(self) -> tuple[str, str] | None:
        most_bytes, most_files = self._limits["disk"], self._limits["inodes"]
        for root in self._roots:
            blocks, files = storage.free(root)
            used, made = self._free[root][0] - blocks, self._free[root][1] - files
            if used <= most_bytes and made <= most_files:
                continue
            # Others write to the same disk: count what this run wrote before it is blamed.
            pids = tree.descendants(os.getpid())
            size, count = storage.written_since(self._roots, pids, self._begun_ns)
            unseen = used > most_bytes and (storage.sent_to_disk(pids) > most_bytes or storage.hides(pids))
            if size > most_bytes or unseen:
                return "disk", f"wrote more than {most_bytes / (1 << 20):.0f} MiB"
            if count > most_files:
                return "inodes", f"made more than {most_files:.0f} files and folders"
        return None


def remove_tree(path: str) -> None:
    """Remove a folder with everything in it; follows no link and leaves what it may not remove."""
    try:
        top = os.open(path, _FOLDER)
    except OSError:
        return
    try:
        empty(top)
    finally:
        os.close(top)
    with suppress(OSError):
        os.rmdir(path)


def empty(top: int) -> None:
    """Empty a folder, however deep it is: what lies in a folder is brought up beside it before the folder goes."""
    moved, mark = 0, os.urandom(8).hex()
    names = os.listdir(top)
    while names:
        name = names.pop()
        with suppress(OSError):
            if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=top)
                continue
            os.chmod(name, 0o700, dir_fd=top)
            folder = os.open(name, _FOLDER, dir_fd=top)
            try:
                for child in os.listdir(folder):
                    moved += 1
                    names.append(f"{mark}-{moved}")
                    _bring_up(folder, child, top, names[-1])
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)


def _bring_up(folder: int, child: str, top: int, name: str) -> None:
    try:
        os.rename(child, name, src_dir_fd=folder, dst_dir_fd=top)
    except PermissionError:  # a folder whose mode was taken away cannot be moved
        os.chmod(child, 0o700, dir_fd=folder)
        os.rename(child, name, src_dir_fd=folder, dst_dir_fd=top)
