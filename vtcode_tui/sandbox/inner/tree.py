"""The processes of a run: find them all, measure them."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Entry:
    """One process of the machine, as it was when it was looked at.

    With its number, the start (in units that only compare) says which process is meant: numbers come around again.
    """

    __slots__ = ("alive", "group", "parent", "start")

    def __init__(self, parent: int, group: int, start: int, *, alive: bool = True) -> None:
        self.parent = parent
        self.group = group
        self.start = start
        self.alive = alive
        """Not a zombie."""


def entry(pid: int) -> Entry | None:
    """What a process is now; None where there is none of that number."""
    stat = _read(f"/proc/{pid}/stat")
    # The command may hold spaces and parentheses: fields are counted from the last `)`.
    fields = stat[stat.rfind(b")") + 2 :].split(b" ", 20)
    if len(fields) < 20:
        return None
    return Entry(int(fields[1]), int(fields[2]), int(fields[19]), alive=fields[0] not in {b"Z", b"X"})


def table() -> dict[int, Entry]:
    """Every process of the machine that we can see, zombies included."""
    found = {int(name): entry(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    return {pid: known for pid, known in found.items() if known is not None}


def children_of(pid: int) -> list[int]:
    """The direct children of a process with one thread."""
    return [int(p) for p in _read(f"/proc/{pid}/task/{pid}/children").split()]


def descendants(root: int) -> list[int]:
    """Everything below `root`, itself not included, zombies included."""
    return list(_below([root], table()))


def family(children: Iterable[int] | None = None) -> dict[int, Entry]:
    """Children of this process (all, unless they are named) and everything below them, parents first."""
    seen = table()
    if children is None:
        return _below([os.getpid()], seen)
    found = {pid: seen[pid] for pid in children if pid in seen}
    return found | _below(list(found), seen)


def _below(roots: list[int], seen: dict[int, Entry]) -> dict[int, Entry]:
    children: dict[int, list[int]] = {}
    for pid, known in seen.items():
        children.setdefault(known.parent, []).append(pid)
    found: dict[int, Entry] = {}
    queue = [*roots]
    for parent in queue:
        # What is there already would go round in a circle: numbers came around again during the look.
        fresh = [pid for pid in children.get(parent, ()) if pid not in found and pid not in roots]
        found.update((pid, seen[pid]) for pid in fresh)
        queue += fresh
    return found


def threads_of(pid: int) -> int:
    """How many threads a process has."""
    stat = _read(f"/proc/{pid}/stat")
    fields = stat[stat.rfind(b")") + 2 :].split()
    return int(fields[17]) if len(fields) > 17 else 0


def threads_of_machine() -> int:
    """How many threads there are on this machine, of whomever, in one short read."""
    fields = _read("/proc/loadavg").split()
    return int(fields[3].partition(b"/")[2]) if len(fields) > 3 else 0


def threads_of_user(uid: int) -> int:
    """How many threads a user has on this machine: what the kernel compares with the limit on processes."""
    count = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                tasks = os.stat(f"{entry.path}/task")
            except OSError:
                continue
            count += tasks.st_nlink - 2 if tasks.st_uid == uid else 0
    return count


def is_filtered(pid: int) -> bool:
    """Whether a process is under a seccomp filter, which it can neither hide nor leave."""
    return b"\nSeccomp:\t2" in _read(f"/proc/{pid}/status")


def memory_of(pid: int) -> tuple[int, int]:
    """Bytes of memory that a process holds for itself (swapped out and page tables too), and of shared memory."""
    own = shared = 0
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith((b"RssAnon:", b"VmPTE:", b"VmSwap:")):
            own += int(line.split()[1]) << 10
        elif line.startswith(b"RssShmem:"):
            shared = int(line.split()[1]) << 10
    return own, shared


def descriptors_of(pid: int) -> int:
    """How many descriptors a process has open; as many as none can have where it does not let us see."""
    try:
        return os.stat(f"/proc/{pid}/fd").st_size or len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return 1 << 30
    except OSError:
        return 0


def terminals_of(pid: int) -> int:
    """How many ends of pseudo-terminals a process has open.

    As many as none can have where it does not let us see, or has descriptors on their way through a socket: these
    may be any, with more of them behind.
    """
    ends = 0
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                link = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                continue
            if link.startswith("socket:"):
                # The kernel's count (`unix_show_fdinfo`), at the end of the file.
                if _read(f"/proc/{pid}/fdinfo/{name}").rpartition(b"scm_fds:")[2].strip() not in {b"", b"0"}:
                    return 1 << 30
            elif "/pts/" in link or "/ptmx" in link:
                ends += 1
    except PermissionError:
        return 1 << 30
    except OSError:
        return ends
    return ends


def requests_of(pid: int) -> int:
    """For how many asynchronous requests (io_setup) a process may have made room, as many as none can have where it
    does not let us see."""
    size = 0
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            for line in file:
                if b"/[aio]" in line:
                    first, last = line.split(b" ", 1)[0].split(b"-")
                    size += int(last, 16) - int(first, 16)
    except PermissionError:
        return 1 << 30
    except OSError:
        return 0
    return size // 64  # two entries of 32 bytes for each


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536)
    except OSError:
        return b""
