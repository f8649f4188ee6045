"""When files were made, and which came first: what was there before a run began is not the run's."""

from __future__ import annotations

import ctypes
import os
import struct
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner import kernel


def born_ns(descriptor: int) -> int:
    """When a file was made, in nanoseconds; 0 where its file system does not say. Nothing a run does changes it."""
    if kernel.MAC:
        return int(getattr(os.fstat(descriptor), "st_birthtime", 0.0) * 1_000_000_000)
    buffer = ctypes.create_string_buffer(256)
    kernel.syscall("statx", kernel.SYS_STATX, descriptor, b"", kernel.AT_EMPTY_PATH, 0x800, buffer)
    mask = struct.unpack_from("=I", buffer.raw)[0]
    seconds, nanoseconds = struct.unpack_from("=qI", buffer.raw, 80)
    return seconds * 1_000_000_000 + nanoseconds if mask & 0x800 else 0


def moment(folder: str) -> int:
    """Now, in nanoseconds, as files are stamped: what was made before is born earlier, what is made later is not.

    The clock that stamps files lags behind by up to 4 ms, and is not always CLOCK_REALTIME_COARSE since Linux 6.13:
    a file whose time was asked for gets an exact one at its next change, and none after it an earlier one. So that
    is done with a file without a name in `folder`; where that cannot be had, the clock has to do.
    """
    if not kernel.MAC:
        with suppress(OSError):
            file = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                os.fstat(file)
                os.fchmod(file, 0o600)
                return os.fstat(file).st_ctime_ns
            finally:
                os.close(file)
    return time.clock_gettime_ns(kernel.CLOCK_OF_FILES)
