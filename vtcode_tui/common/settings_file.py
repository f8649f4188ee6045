"""Reads a file of settings that may lie in a hostile workspace: bounded, regular, and never waited for."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from vtcode_tui.common.errors import ConfigError

LARGEST = 1 << 20
"""A file of settings with more bytes than this is a mistake or an attack."""


def read_settings(path: Path, *, follow: bool = True, largest: int = LARGEST) -> bytes | None:
    """The content of the file at `path`, or None when there is none. Raises ConfigError for anything else.

    With `follow` off (files of a workspace) a symbolic link is an error: it could name a file of the human's.
    """
    # O_NONBLOCK: a FIFO in a hostile workspace must not hang the start.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigError("is a symbolic link: put the file itself there", file=str(path)) from error
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError("is not a regular file", file=str(path))
        raw = file.read(largest + 1)
    if len(raw) > largest:
        raise ConfigError(f"is larger than {largest >> 20} MB: no configuration needs that", file=str(path))
    return raw
