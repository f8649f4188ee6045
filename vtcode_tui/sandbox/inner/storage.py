"""What a run holds on disk: found in its folders however deep, and in files that have no name any more."""

from __future__ import annotations

import os
import resource
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def free(path: str) -> tuple[int, int]:
    """Bytes and inodes that are free on the file system of a path."""
    try:
        known = os.statvfs(path)
    except OSError:
        return 0, 0
    return known.f_bfree * known.f_frsize, known.f_ffree


def written_since(roots: list[str], pids: list[int], begun_ns: int) -> tuple[int, int]:
    """Bytes and inodes (folders are some too) that were written since then, by whomever, or are a run's own.

    `pids`: the run's processes, whose deleted files count as long as they are open.
    """
    size = count = 0
    for root in roots:
        for known in below(root):
            if known.st_ctime_ns >= begun_ns:
                size += known.st_blocks * 512
                count += 1
    for known in _deleted(pids):
        size += known.st_blocks * 512
        count += 1
    return size, count


def below(root: str) -> Iterator[os.stat_result]:
    """Everything below a folder, one folder open at a time, so that no depth is too deep.

    Ends early where a folder is moved while it is looked through.
    """
    try:
        here = os.open(root, _FOLDER)
    except OSError:
        return
    try:
        above = [(_names(here), os.fstat(here))]
        while above:
            names, self = above[-1]
            if not names:
                above.pop()
                if above:
                    here = _replaced(here, os.open("..", _FOLDER, dir_fd=here))
                    if not os.path.samestat(os.fstat(here), above[-1][1]):
                        return
                continue
            name = names.pop()
            with suppress(OSError):
                known = os.stat(name, dir_fd=here, follow_symlinks=False)
                yield known
                if stat.S_ISDIR(known.st_mode) and known.st_dev == self.st_dev:
                    inner = os.open(name, _FOLDER, dir_fd=here)
                    if not os.access(".", os.X_OK, dir_fd=inner):  # no way back from there
                        os.close(inner)
                        continue
                    here = _replaced(here, inner)
                    above.append((_names(here), os.fstat(here)))
    except OSError:
        return
    finally:
        os.close(here)


def _replaced(old: int, new: int) -> int:
    os.close(old)
    return new


def _names(folder: int) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


_IN_MEMORY = ("/memfd:", "/dev/shm/", "/dev/zero", "/SYSV")


def _deleted(pids: list[int]) -> Iterator[os.stat_result]:
    seen = set()
    for pid in pids:
        for name in _listed(f"/proc/{pid}/fd"):
            with suppress(OSError):
                known = os.stat(f"/proc/{pid}/fd/{name}")
                key = known.st_dev, known.st_ino
                if known.st_nlink or not stat.S_ISREG(known.st_mode) or key in seen:
                    continue
                seen.add(key)
                if not os.readlink(f"/proc/{pid}/fd/{name}").startswith(_IN_MEMORY):
                    yield known


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def sent_to_disk(pids: list[int]) -> int:
    """Bytes that the run's processes, and the children that they and we have waited for, wrote to file systems.

    That a file was written over counts twice, that it was deleted before it was stored not at all.
    """
    sent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock * 512
    for pid in pids:
        with suppress(OSError), open(f"/proc/{pid}/io", "rb", buffering=0) as file:
            said = dict(line.split(b": ") for line in file.read(4096).splitlines())
            sent += max(0, int(said[b"write_bytes"]) - int(said[b"cancelled_write_bytes"]))
    return sent


def hides(pids: list[int]) -> bool:
    """Whether a living process of the run keeps us from seeing what it holds open."""
    for pid in pids:
        try:
            os.listdir(f"/proc/{pid}/fd")
        except PermissionError:
            return True
        except OSError:
            continue
    return False
