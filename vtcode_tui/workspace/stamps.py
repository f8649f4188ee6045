"""By what the status of a file or folder shows that it is as it was. Standard library only.

A program can set the time of a change of content, and none the time of a change of status (ctime): whatever is
changed, that changes. But file systems count in steps, and a second change within one leaves the same time.
"""

from __future__ import annotations

import os

TICK_NS = 50_000_000
"""The step of the clock by which files are stamped, with room: it is 10 ms at most."""
_COARSE_NS = 2_500_000_000
"""Of file systems that count whole seconds (ext2 and ext3, ext4 with small inodes) or two (FAT), with room."""


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """What shows that a file is as it was when it was read."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def has_settled(changed_ns: int, now_ns: int) -> bool:
    """Whether what was changed then gets another time when it is changed from now on."""
    return changed_ns < now_ns - (TICK_NS if changed_ns % 1_000_000_000 else _COARSE_NS)
