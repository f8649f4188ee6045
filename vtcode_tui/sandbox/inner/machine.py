"""What the whole machine counts and a single run could use up for everybody."""

from __future__ import annotations

_NOT_THE_KERNELS = (b"MemFree", b"Buffers", b"Cached", b"SwapCached", b"AnonPages", b"SReclaimable")


def terminals() -> int:
    """How many pseudo-terminals there are; 0 where the kernel does not say."""
    return _number("/proc/sys/kernel/pty/nr")


def requests() -> int:
    """How many asynchronous requests (io_setup) there is room made for; 0 where the kernel does not say."""
    return _number("/proc/sys/fs/aio-nr")


def memory_of_kernel() -> int:
    """Bytes that the kernel holds for itself: buffers of sockets and pipes, tables, stacks; no caches."""
    with open("/proc/meminfo", "rb") as file:
        said = {name: int(rest.split()[0]) for name, _, rest in (line.partition(b":") for line in file)}
    return (said[b"MemTotal"] - sum(said[name] for name in _NOT_THE_KERNELS)) << 10


def written() -> int:
    """How much was ever handed to disks to be written, in kilobytes; 0 where the kernel does not say."""
    try:
        with open("/proc/vmstat", "rb") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(b"pgpgout ")), 0)
    except OSError:
        return 0


def _number(path: str) -> int:
    try:
        with open(path, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0
