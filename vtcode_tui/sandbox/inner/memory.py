"""What a caller of the notifier has in its memory, and which process it belongs to."""

from __future__ import annotations

import errno
import os

from vtcode_tui.sandbox.inner import kernel


class Memory:
    """The memory of a thread that waits for the answer to a notification.

    Each read asks afterwards whether it still waits: the number of a thread that died may be another's by now.
    """

    __slots__ = ("_ident", "_listener", "thread")

    def __init__(self, listener: int, ident: int, thread: int) -> None:
        self._listener = listener
        self._ident = ident
        self.thread = thread

    def check(self) -> None:
        """Raise OSError if the caller does not wait any more."""
        if not kernel.notify_valid(self._listener, self._ident):
            raise OSError(errno.EPERM, "the caller is gone")

    def upto(self, address: int, size: int) -> bytes:
        """At most `size` bytes at `address`."""
        descriptor = os.open(f"/proc/{self.thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(descriptor, size, address)
        except OverflowError:
            raise OSError(errno.EFAULT, "address") from None
        finally:
            os.close(descriptor)
        self.check()
        return data

    def exactly(self, address: int, size: int) -> bytes:
        """`size` bytes at `address`."""
        data = self.upto(address, size)
        if len(data) < size:
            raise OSError(errno.EFAULT, "address")
        return data

    def text(self, address: int, most: int) -> bytes:
        """A text that ends with a zero byte, which must come within `most` bytes."""
        found = b""
        while len(found) < most:
            # Not beyond the page: the next may not exist, and a read that crosses into it would fail as a whole.
            size = min(4096 - (address + len(found)) % 4096, most - len(found))
            piece = self.upto(address + len(found), size)
            before, zero, _after = piece.partition(b"\0")
            found += before
            if zero:
                return found
            if not piece:
                raise OSError(errno.EFAULT, "address")
        raise OSError(errno.ENAMETOOLONG, "text")


def process_of(thread: int) -> int:
    """The process of a thread."""
    for line in small(f"/proc/{thread}/status").splitlines():
        if line.startswith("Tgid:"):
            return int(line.split()[1])
    raise ProcessLookupError(errno.ESRCH, "the caller is gone")


def small(path: str) -> str:
    """A small file of /proc; an empty text when it is gone."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(4096).decode(errors="replace")
    except OSError:
        return ""
