"""The two seccomp programs of a run, compiled by libseccomp through pyseccomp in the main process.

Two programs, since libseccomp silently drops a conditional rule beside an unconditional one for the same call.

- F1 knows numbers only. It answers ENOSYS to every call that is newer than our table and to clone3 and openat2
  (their flags lie in memory, out of a filter's sight; callers fall back), and kills 32-bit and x32 callers.
- F2 sends every call of `REFUSED`, and the dangerous forms of others, to the notifier.

What pyseccomp cannot do is done in `inner.kernel`: its listener works only in the process that loaded the filter,
it lacks WAIT_KILLABLE_RECV, and it compares whole 64-bit arguments where the kernel looks at 32, so that every
comparison here is masked.
"""

from __future__ import annotations

import functools
import os
from typing import Any

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.inner import kernel, metadata
from vtcode_tui.sandbox.inner.numbers import NUMBERS, OTHER_PROCESS, SIGNALS

_LAST_OLD, _FIRST_NEW, _LAST_NEW = 334, 424, 462
"""The numbers F1 allows: 0-334 (fewer on arm64, where the rest do not exist) and 424-462."""

_OPENAT2 = 437
_LOW = 0xFFFFFFFF

_REFUSED = """
process_vm_readv process_vm_writev pidfd_getfd kcmp perf_event_open process_madvise lookup_dcookie mount umount2
pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr statmount listmount unshare
setns init_module finit_module delete_module kexec_load kexec_file_load reboot bpf syslog acct swapon swapoff
quotactl quotactl_fd iopl ioperm modify_ldt vhangup sethostname setdomainname settimeofday clock_settime
clock_adjtime adjtimex add_key request_key keyctl io_uring_setup io_uring_enter io_uring_register userfaultfd
open_by_handle_at name_to_handle_at fanotify_init fanotify_mark nfsservctl uselib ustat sysfs _sysctl
migrate_pages move_pages vmsplice memfd_secret
"""
REFUSED = tuple(_REFUSED.split())
"""Calls that no build or test needs, and that reach kernel parts with a history of holes or other processes."""

_SHARED = "shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink"
_SHARED_MEMORY = tuple(_SHARED.split())
_NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_TERMINAL_IOCTLS = (0x5412, 0x541C, 0x541D, 0x5423, 0x5437)
"""TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD, TIOCVHANGUP."""
_FLAG_IOCTLS = (0x40086602, 0x40046602, 0x401C5820, 0x40087602)
"""FS_IOC_SETFLAGS (and of 32 bits), FS_IOC_FSSETXATTR, FS_IOC_SETVERSION: they work on files opened for reading."""
_SET_ID = 0o6000
_FAST_OPEN = 0x20000000
_STREAM, _DATAGRAM, _SEQUENCE = 1, 2, 5
_NEW_LISTENER = 8


def compile_filters(*, full: bool, inet: bool, debug: bool, signals: bool = False) -> tuple[bytes, bytes]:
    """F1 and F2 for a tier.

    `inet`: IPv4 and IPv6 sockets may exist; `debug`: ptrace inside the run; `signals`: the notifier watches over
    signals, because Landlock does not.
    """
    return _compiled(full, inet, debug, signals)


@functools.lru_cache(maxsize=8)
def _compiled(full: bool, inet: bool, debug: bool, signals: bool) -> tuple[bytes, bytes]:
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise SandboxError(
            f"libseccomp cannot be loaded ({error}): install it (Debian and Ubuntu: apt install libseccomp2; "
            "Fedora: dnf install libseccomp; Alpine: apk add libseccomp)",
            step="seccomp",
        ) from error
    return _numbers(pyseccomp), _calls(pyseccomp, full=full, inet=inet, debug=debug, signals=signals)


def _numbers(api: Any) -> bytes:
    program = api.SyscallFilter(api.ERRNO(38))  # ENOSYS
    program.set_attr(api.Attr.ACT_BADARCH, api.KILL_PROCESS)
    for number in (*range(_LAST_OLD + 1), *range(_FIRST_NEW, _LAST_NEW + 1)):
        if number not in {NUMBERS["clone3"], _OPENAT2}:
            program.add_rule(api.ALLOW, number)
    return _bytes(program)


class _Builder:
    """Adds NOTIFY rules for masked argument values."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.program = api.SyscallFilter(api.ALLOW)
        self.program.set_attr(api.Attr.ACT_BADARCH, api.KILL_PROCESS)

    def refuse(self, name: str, *conditions: tuple[int, int, int]) -> None:
        """Notify on `name` when every (argument, mask, value) matches; calls this machine lacks are skipped."""
        if name not in NUMBERS:
            return
        made = [self.api.Arg(arg, self.api.MASKED_EQ, mask, value) for arg, mask, value in conditions]
        self.program.add_rule(self.api.NOTIFY, NUMBERS[name], *made)

    def refuse_other_process(self, name: str, bit: int) -> None:
        """Notify when argument 0 (a pid other than 0, seen by one of its bits) comes with a value in argument 2."""
        pid = self.api.Arg(0, self.api.MASKED_EQ, 1 << bit, 1 << bit)
        self.program.add_rule(self.api.NOTIFY, NUMBERS[name], pid, self.api.Arg(2, self.api.NE, 0))

    def refuse_bits(self, name: str, argument: int, bits: int) -> None:
        """Notify when any of `bits` is set."""
        bit = 1
        while bit <= bits:
            if bits & bit:
                self.refuse(name, (argument, bit, bit))
            bit <<= 1

    def refuse_other_families(self, name: str, allowed: set[int]) -> None:
        """Notify on every address family that is not allowed, by the 32 bits that the kernel looks at."""
        for family in range(64):
            if family not in allowed:
                self.refuse(name, (0, _LOW, family))
        self.refuse_bits(name, 0, _LOW & ~63)


def _calls(api: Any, *, full: bool, inet: bool, debug: bool, signals: bool) -> bytes:
    build = _Builder(api)
    for name in (*REFUSED, *(() if debug else ("ptrace",)), *(() if full else _SHARED_MEMORY)):
        build.refuse(name)
    build.refuse("connect")
    build.refuse("seccomp", (0, _LOW, 1), (1, _NEW_LISTENER, _NEW_LISTENER))
    build.refuse_bits("clone", 0, _NEW_NAMESPACES)
    for request in _TERMINAL_IOCTLS:
        build.refuse("ioctl", (1, _LOW, request))
    if not debug:
        for shift in range(16, 31):
            # Flags such as ADDR_NO_RANDOMIZE; 0xffffffff only asks which are set.
            build.refuse("personality", (0, 1 << 31 | 1 << shift, 1 << shift))
    _set_id(build, metadata=not full)
    if not full:
        _other_processes(build, signals=signals)
        _metadata(build)
    _sockets(build, full=full, inet=inet)
    return _bytes(build.program)


def _other_processes(build: _Builder, *, signals: bool) -> None:
    """Calls that change another process go to the notifier, which lets them pass within the run.

    Tier full has a pid namespace instead. Landlock keeps signals inside from its version 6 on.
    """
    for name, argument in OTHER_PROCESS.items():
        build.refuse_bits(name, argument, _LOW)
    for bit in range(32):
        build.refuse_other_process("prlimit64", bit)
    for name, argument in SIGNALS.items() if signals else ():
        build.refuse_bits(name, argument, _LOW)


def _metadata(build: _Builder) -> None:
    """Landlock has no right for modes, owners, times and attributes: the notifier makes such changes itself."""
    for name in metadata.CALLS:
        build.refuse(name)
    for request in _FLAG_IOCTLS:
        build.refuse("ioctl", (1, _LOW, request))


def _set_id(build: _Builder, *, metadata: bool) -> None:
    """No file becomes set-user-id or set-group-id: in a workspace it would wait for somebody outside to run it.

    `metadata`: changes of modes go to the notifier anyhow.
    """
    modes = (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2))
    for name, argument in (*(() if metadata else modes), ("creat", 1), ("mknod", 1), ("mknodat", 2)):
        build.refuse_bits(name, argument, _SET_ID)
    for name, flags in (("open", 1), ("openat", 2)):
        for making in (os.O_CREAT, os.O_TMPFILE & ~os.O_DIRECTORY):
            for bit in (0o4000, 0o2000):
                build.refuse(name, (flags, making, making), (flags + 1, bit, bit))


def _sockets(build: _Builder, *, full: bool, inet: bool) -> None:
    inet_families = (2, 10)
    build.refuse_other_families("socket", {1, *(inet_families if inet or full else ())})
    build.refuse_other_families("socketpair", {1})
    # A datagram socket sends to a path without connect: only connected kinds, and no pair of datagram sockets.
    for kind in set(range(16)) - {_STREAM, _SEQUENCE}:
        build.refuse("socket", (0, _LOW, 1), (1, 0xF, kind))
        build.refuse("socketpair", (1, 0xF, kind))
    if not (full or inet):
        return
    allowed = {_STREAM, _DATAGRAM} if full else {_STREAM}
    for family in inet_families:
        for kind in set(range(16)) - allowed:
            build.refuse("socket", (0, _LOW, family), (1, 0xF, kind))
    if not full:
        _only_tcp(build, inet_families)


def _only_tcp(build: _Builder, families: tuple[int, ...]) -> None:
    """In tier kernel a stream must be plain TCP (MPTCP and SCTP escape Landlock) and must use connect."""
    for family in families:
        for protocol in set(range(512)) - {0, 6}:
            build.refuse("socket", (0, _LOW, family), (2, 0x1FF, protocol))
    for name, argument in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        build.refuse_bits(name, argument, _FAST_OPEN)


def _bytes(program: Any) -> bytes:
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as file:
            program.export_bpf(file)
        return os.read(reader, 1 << 16)
    finally:
        os.close(reader)


def loads_here() -> bool:
    """Whether libseccomp is installed."""
    try:
        compile_filters(full=False, inet=False, debug=False)
    except SandboxError:
        return False
    return kernel.SYS_SECCOMP > 0
