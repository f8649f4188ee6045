"""The two seccomp programs of a run, as tables of system calls; `assembler` makes the bytes.

Two programs, so that each is one question.

- F1 knows numbers only. It answers ENOSYS to every call that is newer than our table and to clone3 and openat2
  (their flags lie in memory, out of a filter's sight; callers fall back), and kills 32-bit and x32 callers.
- F2 sends every call of `REFUSED`, and the dangerous forms of others, to the notifier.

Arguments are compared by the 32 bits that the kernel itself looks at, whatever stands in the upper half.
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Iterable, Mapping

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.assembler import (
    ALLOW,
    AUDIT_AARCH64,
    AUDIT_X86_64,
    ENOSYS,
    NOTIFY,
    Program,
    Test,
    assemble,
)
from vtcode_tui.sandbox.inner import metadata
from vtcode_tui.sandbox.inner.numbers import AARCH64, OTHER_PROCESS, SIGNALS, WHOLE_USER, X86_64

_LAST_OLD, _FIRST_NEW, _LAST_NEW = 334, 424, 462
"""The numbers F1 allows: 0-334 (fewer on arm64, where the rest do not exist) and 424-462."""

_CLONE3, _OPENAT2 = 435, 437
_LOW = 0xFFFFFFFF

MACHINES: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "x86_64": (AUDIT_X86_64, X86_64),
    "aarch64": (AUDIT_AARCH64, AARCH64),
}
"""What `uname` calls a machine: its AUDIT_ARCH value and its numbers."""

_REFUSED = """
process_vm_readv process_vm_writev pidfd_getfd kcmp perf_event_open process_madvise lookup_dcookie mount umount2
pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr statmount listmount unshare
setns init_module finit_module delete_module kexec_load kexec_file_load reboot bpf syslog acct swapon swapoff
quotactl quotactl_fd iopl ioperm modify_ldt vhangup sethostname setdomainname settimeofday clock_settime
clock_adjtime adjtimex add_key request_key keyctl io_uring_setup io_uring_enter io_uring_register userfaultfd
open_by_handle_at name_to_handle_at fanotify_init fanotify_mark nfsservctl uselib ustat sysfs _sysctl
migrate_pages move_pages vmsplice memfd_secret process_mrelease
"""
REFUSED = tuple(_REFUSED.split())
"""Calls that no build or test needs, and that reach kernel parts with a history of holes or other processes."""

_SHARED = "shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink"
_SHARED_MEMORY = tuple(_SHARED.split())
_NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_TERMINAL_IOCTLS = (0x5412, 0x541C, 0x541D, 0x5423, 0x5437)
"""TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD, TIOCVHANGUP."""
_PEER_IOCTL = 0x5441
"""TIOCGPTPEER: in tier kernel the notifier opens the other end of a run's own pseudo-terminal, and no other."""
_FLAG_IOCTLS = (0x40086602, 0x40046602, 0x401C5820, 0x40087602, 0x40086604, 0x40047211)
"""FS_IOC_SETFLAGS (and of 32 bits), FS_IOC_FSSETXATTR, FS_IOC_SETVERSION, EXT4_IOC_SETVERSION and
FAT_IOCTL_SET_ATTRIBUTES: they work on files opened for reading."""
_SEALING_IOCTLS = (0x40806685, 0x800C6613)
"""FS_IOC_ENABLE_VERITY and FS_IOC_SET_ENCRYPTION_POLICY: whoever owns a file that is open for reading may."""
_BTRFS, _COPYING = 0x9400, (0x40049409, 0x4020940D, 0xC0189436)
"""Calls of btrfs make and remove subvolumes past Landlock; three that copy (FICLONE...) bear its letter."""
_SET_LEASE = 1024
"""A lease works on a file opened for reading: whoever else opens it for writing waits, up to 45 s and in a loop."""
_LEAVE_WHITEOUT = 4
"""A rename that leaves a device node: Landlock's right to make one is not asked for."""
_CORE = 4
"""RLIMIT_CORE stays 1 (see `inner.job`)."""
_SET_ID = 0o6000
_FAST_OPEN = 0x20000000
_STREAM, _DATAGRAM, _SEQUENCE = 1, 2, 5
_NEW_LISTENER = 8


def compile_filters(*, full: bool, debug: bool, signals: bool = False, machine: str = "") -> tuple[bytes, bytes]:
    """F1 and F2 for a tier.

    `debug`: ptrace inside the run; `signals`: the notifier watches over
    signals, because Landlock does not; `machine`: another one than this. Raises SandboxError where it is not known.
    """
    return _compiled(full, debug, signals, machine or platform.machine())


@functools.lru_cache(maxsize=16)
def _compiled(full: bool, debug: bool, signals: bool, machine: str) -> tuple[bytes, bytes]:
    if machine not in MACHINES:
        known = " and ".join(MACHINES)
        raise SandboxError(f"system calls of {machine} are not known here, only those of {known}", step="seccomp")
    arch, numbers = MACHINES[machine]
    calls = table(numbers, full=full, debug=debug, signals=signals)
    return assemble(NUMBERS_ALLOWED, arch), assemble(calls, arch)


def _numbers() -> Program:
    old_and_new = (*range(_LAST_OLD + 1), *range(_FIRST_NEW, _LAST_NEW + 1))
    return Program({number: ((),) for number in old_and_new if number not in {_CLONE3, _OPENAT2}}, ALLOW, ENOSYS)


NUMBERS_ALLOWED = _numbers()
"""F1."""


class _Builder:
    """Collects what is refused, by name; calls that a machine lacks are left out."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers
        self.rules: dict[int, list[tuple[Test, ...]]] = {}

    def refuse(self, name: str, *tests: Test) -> None:
        """Notify on `name` when every test holds."""
        if name in self._numbers:
            self.rules.setdefault(self._numbers[name], []).append(tests)

    def refuse_bits(self, name: str, argument: int, bits: int) -> None:
        """Notify when any of `bits` is set."""
        self.refuse(name, Test(argument, bits, (0,), inside=False))


def _is(argument: int, *values: int, mask: int = _LOW) -> Test:
    return Test(argument, mask, values)


def _other_than(argument: int, values: Iterable[int], mask: int = _LOW) -> Test:
    return Test(argument, mask, tuple(sorted(values)), inside=False)


def table(numbers: Mapping[str, int], *, full: bool, debug: bool, signals: bool) -> Program:
    """F2: what goes to the notifier."""
    build = _Builder(numbers)
    for name in (*REFUSED, *(() if debug else ("ptrace",)), *(() if full else _SHARED_MEMORY)):
        build.refuse(name)
    # The notifier does both in the run's stead: who listens at a path is known by that.
    build.refuse("connect")
    build.refuse("listen")
    build.refuse("seccomp", _is(0, 1), _is(1, _NEW_LISTENER, mask=_NEW_LISTENER))
    build.refuse_bits("clone", 0, _NEW_NAMESPACES)
    build.refuse("ioctl", _is(1, *_TERMINAL_IOCTLS))
    build.refuse("fcntl", _is(1, _SET_LEASE))
    build.refuse_bits("renameat2", 4, _LEAVE_WHITEOUT)
    build.refuse("setrlimit", _is(0, _CORE))
    build.refuse("prlimit64", _is(1, _CORE), Test(2, whole=True))
    if not debug:
        # Flags such as ADDR_NO_RANDOMIZE; 0xffffffff only asks which are set.
        build.refuse("personality", _is(0, 0, mask=1 << 31), _other_than(0, (0,), mask=0x7FFF0000))
    _set_id(build, metadata=not full)
    if not full:
        _other_processes(build, signals=signals)
        _metadata(build)
    _sockets(build, full=full)
    return Program(build.rules, NOTIFY, ALLOW)


def _other_processes(build: _Builder, *, signals: bool) -> None:
    """Calls that change another process go to the notifier, which lets them pass within the run.

    Tier full has a pid namespace instead. Landlock keeps signals inside from its version 6 on.
    """
    for name, argument in OTHER_PROCESS.items():
        build.refuse_bits(name, argument, _LOW)
    for name, whole_user in WHOLE_USER.items():
        build.refuse(name, _is(0, whole_user))
    build.refuse("prlimit64", _other_than(0, (0,)), Test(2, whole=True))
    for name, argument in SIGNALS.items() if signals else ():
        build.refuse_bits(name, argument, _LOW)


def _metadata(build: _Builder) -> None:
    """Landlock has no right for modes, owners, times and attributes: the notifier makes such changes itself."""
    for name in metadata.CALLS:
        build.refuse(name)
    build.refuse("ioctl", _is(1, *_FLAG_IOCTLS, *_SEALING_IOCTLS, _PEER_IOCTL))
    build.refuse("ioctl", _is(1, _BTRFS, mask=0xFF00), _other_than(1, _COPYING))


def _set_id(build: _Builder, *, metadata: bool) -> None:
    """No file becomes set-user-id or set-group-id: in a workspace it would wait for somebody outside to run it.

    `metadata`: changes of modes go to the notifier anyhow.
    """
    modes = (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2))
    for name, argument in (*(() if metadata else modes), ("creat", 1), ("mknod", 1), ("mknodat", 2)):
        build.refuse_bits(name, argument, _SET_ID)
    for name, flags in (("open", 1), ("openat", 2)):
        for making in (os.O_CREAT, os.O_TMPFILE & ~os.O_DIRECTORY):
            build.refuse(name, _is(flags, making, mask=making), _other_than(flags + 1, (0,), mask=_SET_ID))


def _sockets(build: _Builder, *, full: bool) -> None:
    internet = (2, 10)
    build.refuse("socket", _other_than(0, {1, *internet}))
    build.refuse("socketpair", _other_than(0, {1}))
    # A datagram socket sends to a path without connect: only connected kinds, and no pair of datagram sockets.
    build.refuse("socket", _is(0, 1), _other_than(1, {_STREAM, _SEQUENCE}, mask=0xF))
    build.refuse("socketpair", _other_than(1, {_STREAM, _SEQUENCE}, mask=0xF))
    build.refuse("socket", _is(0, *internet), _other_than(1, {_STREAM, _DATAGRAM} if full else {_STREAM}, mask=0xF))
    if not full:
        # A stream must be plain TCP (MPTCP and SCTP escape Landlock) and must use connect.
        build.refuse("socket", _is(0, *internet), _other_than(2, {0, 6}))
        for name, argument in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
            build.refuse_bits(name, argument, _FAST_OPEN)
        # The notifier binds in the run's stead: see `inner.loopback`.
        build.refuse("bind")
