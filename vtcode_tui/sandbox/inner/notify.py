"""Answers the seccomp notifier of a run: refuses, says why, and makes connections in the run's stead.

A decision about something in memory (an address, a path) is never left to the kernel to read again: another
thread could change it in between. `connect` is therefore done here, on the run's own socket with our copy.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import suppress

from vtcode_tui.sandbox.inner import births, kernel, loopback, metadata, terminals
from vtcode_tui.sandbox.inner.memory import Memory, small
from vtcode_tui.sandbox.inner.numbers import NAMES, OTHER_PROCESS, ROUTE_SOCKET, SIGNALS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vtcode_tui.sandbox.inner.job import Job

_LONGEST_DETAIL = 300
_DISTINCT = 200
"""Kinds of refusal that are told apart in one run: the run controls how many it provokes."""
_FAMILIES = {1: "unix", 2: "IPv4", 10: "IPv6", 16: "netlink", 17: "packet", 38: "AF_ALG", 40: "vsock", 44: "XDP"}
_NETLINK, _ROUTE = 16, 0
_QUIET = ("/run/nscd/", "/var/run/nscd/", "/run/systemd/userdb/", "/var/run/systemd/userdb/")
"""Sockets that libc tries by itself at every start: refused without a word."""
_CONNECT_SECONDS = 0.5
"""While we wait for a connection nobody watches the run's limits: who does not accept gets no longer."""
_FORMS = {"fcntl": "fcntl F_SETLEASE", "renameat2": "renameat2 RENAME_WHITEOUT"}
"""Calls of which one form alone is refused."""
_KEPT_OPTIONS = {socket.SO_PASSCRED: 4, socket.SO_RCVTIMEO: 16, socket.SO_SNDTIMEO: 16}
"""What a run may have set on a socket before it connects it, with the size of the value."""
_CORE = 4
"""RLIMIT_CORE."""
_TARGETS = {**OTHER_PROCESS, **SIGNALS, "prlimit64": 0}


class Notifier:
    """The run's side of its seccomp listener."""

    def __init__(self, job: Job, listener: int, tell: Callable[[dict[str, object]], None]) -> None:
        self.listener = listener
        self._full = job.full
        self._writable = [*job.writable, job.own_home, job.own_tmp, job.caches, "/dev/shm"]
        self._roots = [*job.writable, *job.readable, job.folder, job.caches]
        self._proxy = {(str(address), int(str(port))) for address, port in job.connect}
        self._loopback = loopback.Loopback()
        self._tell = tell
        self._counts: dict[tuple[str, str, str], int] = {}
        self._overflow = 0
        self._born = births.moment(job.folder)

    def serve(self) -> None:
        """Answer one notification."""
        try:
            ident, thread, number, arguments = kernel.notify_receive(self.listener)
        except OSError:
            return  # the caller died meanwhile
        name = NAMES.get(number, f"system call {number}")
        try:
            if name == "ioctl" and arguments[1] & 0xFFFFFFFF == terminals.PEER and not self._full:
                self._give_terminal(ident, thread, arguments)
                return
            if name == "connect":
                error, proceed = self._connect(ident, thread, arguments)
            elif name == "bind" and not self._full:
                error, proceed = self._bind(ident, thread, arguments)
            elif name == "listen":
                error, proceed = self._listen(thread, arguments)
            elif name in metadata.CALLS and not self._full:
                error, proceed = self._change(name, Memory(self.listener, ident, thread), arguments), False
            elif name == "setrlimit" or (name == "prlimit64" and arguments[1] & 0xFFFFFFFF == _CORE):
                error, proceed = self._limit_cores(name, Memory(self.listener, ident, thread), arguments), False
            elif name in _TARGETS and self._inside(name, arguments):
                # The pid is passed by value, so that there is nothing to change after we looked.
                error, proceed = 0, True
            else:
                error, proceed = self._refuse(name, thread, arguments), False
        except OSError as failure:
            # Whatever we cannot look at we do not let through.
            error, proceed = failure.errno or errno.EPERM, False
        except (ArithmeticError, LookupError, TypeError, ValueError, struct.error):
            # Nothing that a run passes may end its supervisor: the guard and the limits would end with it.
            error, proceed = errno.EINVAL, False
        try:
            kernel.notify_answer(self.listener, ident, error, proceed=proceed)
        except OSError:
            return

    def _give_terminal(self, ident: int, thread: int, arguments: tuple[int, ...]) -> None:
        flags = arguments[2] & 0xFFFFFFFF
        ours = terminals.open_peer(thread, arguments[0] & 0xFFFFFFFF, flags)
        try:
            theirs = kernel.notify_add(self.listener, ident, ours, cloexec=bool(flags & os.O_CLOEXEC))
        finally:
            os.close(ours)
        with suppress(OSError):  # the caller died meanwhile
            kernel.notify_answer(self.listener, ident, 0, value=theirs)

    def summary(self) -> list[dict[str, object]]:
        """Every kind of refusal with how often it happened."""
        rows: list[dict[str, object]] = [
            {"kind": kind, "detail": detail, "process": process, "count": count}
            for (kind, detail, process), count in self._counts.items()
        ]
        if self._overflow:
            rows.append(
                {"kind": "syscall", "detail": "other refused calls", "process": "", "count": self._overflow}
            )
        return rows

    def _note(self, kind: str, detail: str, thread: int) -> None:
        process = small(f"/proc/{thread}/comm").strip()
        if kind == "host" and not detail.startswith(("unix", "abstract")):
            only = "only the proxy in HTTP_PROXY can be reached" if self._proxy else "the network is off"
            detail = f"{detail} ({only})"
        detail = detail if len(detail) <= _LONGEST_DETAIL else f"{detail[:_LONGEST_DETAIL]}..."
        key = (kind, detail, process)
        if key in self._counts:
            self._counts[key] += 1
        elif len(self._counts) < _DISTINCT:
            self._counts[key] = 1
            self._tell({"denied": {"kind": kind, "detail": detail, "process": process, "pid": thread}})
        else:
            self._overflow += 1

    def _inside(self, name: str, arguments: tuple[int, ...]) -> bool:
        """Whether a call that acts on a process acts on one of this run."""
        target = arguments[_TARGETS[name]] & 0xFFFFFFFF
        single = {"setpriority": 0, "ioprio_set": 1}  # the first argument: one process, and no group or user
        if name == "pidfd_send_signal" or arguments[0] & 0xFFFFFFFF != single.get(name, arguments[0] & 0xFFFFFFFF):
            return False
        pid = target - (1 << 32) if target >> 31 else target
        return pid == 0 or (pid != -1 and _descends(abs(pid), os.getpid()))

    def _refuse(self, name: str, thread: int, arguments: tuple[int, ...]) -> int:
        if name in {"socket", "socketpair"}:
            family = arguments[0] & 0xFFFFFFFF
            kind = "host" if family in {2, 10} else "syscall"
            if name == "socket" and (family, arguments[2] & 0xFFFFFFFF) == (_NETLINK, _ROUTE):
                self._note(kind, ROUTE_SOCKET, thread)
                # As where there is no such socket: ZeroMQ, and with it Jupyter, aborts on every other error.
                return errno.EOPNOTSUPP
            self._note(kind, f"{_FAMILIES.get(family, f'family {family}')} {name}", thread)
            return errno.EACCES
        if name == "ioctl":
            name = f"ioctl {arguments[1] & 0xFFFFFFFF:#x}"
        self._note("syscall", _FORMS.get(name, name), thread)
        return errno.EPERM

    def _limit_cores(self, name: str, caller: Memory, arguments: tuple[int, ...]) -> int:
        """Let a program that wants no core files believe that it sees to it: the limit says so, and stays."""
        address = arguments[1 if name == "setrlimit" else 2]
        oneself = name == "setrlimit" or not (arguments[0] & 0xFFFFFFFF or arguments[3])
        if oneself and max(struct.unpack("=QQ", caller.exactly(address, 16))) <= 1:
            return 0
        self._note("syscall", "setrlimit RLIMIT_CORE", caller.thread)
        return errno.EPERM

    def _change(self, name: str, caller: Memory, arguments: tuple[int, ...]) -> int:
        """Change a file's metadata in the run's stead, below what it may write."""
        try:
            metadata.carry_out(name, arguments, caller, self._writable)
        except metadata.Refused as refused:
            self._note(refused.kind, refused.detail, caller.thread)
            return refused.errno or errno.EACCES
        return 0

    def _connect(self, ident: int, thread: int, arguments: tuple[int, ...]) -> tuple[int, bool]:
        raw = Memory(self.listener, ident, thread).upto(arguments[1], min(arguments[2] & 0xFFFFFFFF, 128))
        family = struct.unpack_from("=H", raw.ljust(2, b"\0"))[0]
        descriptor = arguments[0] & 0xFFFFFFFF
        if family == socket.AF_UNIX:
            return self._connect_unix(ident, raw, thread, descriptor), False
        if family in {socket.AF_INET, socket.AF_INET6}:
            return self._connect_inet(ident, raw, thread, descriptor)
        if family == socket.AF_UNSPEC:  # undoes an earlier connect
            return (0, True) if self._full else (self._loopback.disconnect(thread, descriptor), False)
        self._note("syscall", f"connect to {_FAMILIES.get(family, f'family {family}')}", thread)
        return errno.EACCES, False

    def _connect_inet(self, ident: int, raw: bytes, thread: int, descriptor: int) -> tuple[int, bool]:
        address, port = _inet_address(raw)
        if (address, port) in self._proxy:
            return self._to_proxy(ident, raw, thread, descriptor), False
        if self._full:
            # The run's own network namespace holds nothing but its own loopback: whatever the memory says by the
            # time the kernel reads it, there is nowhere else to go.
            if not loopback.is_loopback(address):
                self._note("host", _place(address, port), thread)
            return 0, True
        if not loopback.is_this_machine(address):
            self._note("host", _place(address, port), thread)
            return errno.EACCES, False
        try:
            return self._loopback.connect(thread, descriptor, address, port), False
        except ConnectionRefusedError:
            self._note("host", f"{_place(address, port)}, where no server of this run is", thread)
            raise

    def _bind(self, ident: int, thread: int, arguments: tuple[int, ...]) -> tuple[int, bool]:
        raw = Memory(self.listener, ident, thread).upto(arguments[1], min(arguments[2] & 0xFFFFFFFF, 128))
        family = struct.unpack_from("=H", raw.ljust(2, b"\0"))[0]
        if family == socket.AF_UNIX:
            # Landlock decides about the path; should the memory say something else by then, what is bound there
            # can still neither listen nor connect.
            return 0, True
        if family not in {socket.AF_INET, socket.AF_INET6}:
            return errno.EAFNOSUPPORT, False
        return self._loopback.bind(thread, arguments[0] & 0xFFFFFFFF, *_inet_address(raw)), False

    def _to_proxy(self, ident: int, raw: bytes, thread: int, descriptor: int) -> int:
        flags = _descriptor_flags(thread, descriptor)
        family = socket.AF_INET if struct.unpack_from("=H", raw)[0] == socket.AF_INET else socket.AF_INET6
        ours = socket.socket(family, socket.SOCK_STREAM)
        try:
            ours.settimeout(_CONNECT_SECONDS)
            address, port = _inet_address(raw)
            ours.connect((address, port))
            ours.setblocking(not flags & os.O_NONBLOCK)
            kernel.notify_replace(
                self.listener, ident, ours.fileno(), descriptor, cloexec=bool(flags & os.O_CLOEXEC)
            )
        except OSError as error:
            return error.errno or errno.ECONNREFUSED
        finally:
            ours.close()
        return 0

    def _connect_unix(self, ident: int, raw: bytes, thread: int, descriptor: int) -> int:
        name = raw[2:]
        if not name or name[:1] == b"\0":
            self._note("host", "abstract unix socket", thread)
            return errno.EACCES
        path = os.fsdecode(name.split(b"\0", 1)[0])
        place, held = self._find_socket(path, thread)
        if held < 0:
            if not path.startswith(_QUIET):
                self._note("host", f"unix socket {place}", thread)
            return errno.EACCES if held == -1 else errno.ENOENT
        try:
            with loopback.taken(thread, descriptor) as own:
                return self._connect_own(ident, own, held, thread, descriptor, place)
        except OSError as error:
            return error.errno or errno.EACCES
        finally:
            os.close(held)

    def _connect_own(
        self, ident: int, own: socket.socket, held: int, thread: int, descriptor: int, place: str
    ) -> int:
        """Give the run a socket that is connected to a server of its own in the place of the one it has.

        Each of them listens because we let it (`listen`), and the kernel names who did: us. It says so when the
        connection stands, and the run shall not have one by then that leads to anybody else.
        """
        if own.family != socket.AF_UNIX or own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return errno.EINVAL
        with suppress(OSError):
            own.getpeername()
            return errno.EISCONN
        with socket.socket(socket.AF_UNIX, own.type) as ours:
            for option, size in _KEPT_OPTIONS.items():
                ours.setsockopt(socket.SOL_SOCKET, option, own.getsockopt(socket.SOL_SOCKET, option, size))
            blocking = os.get_blocking(own.fileno())
            ours.settimeout(_CONNECT_SECONDS)
            try:
                ours.connect(f"/proc/self/fd/{held}")
            except TimeoutError:
                return errno.EAGAIN
            listener = struct.unpack("=i", ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4])[0]
            if listener != os.getpid() or own.getsockname():
                self._note("host", f"unix socket {place}", thread)
                return errno.EACCES
            os.set_blocking(ours.fileno(), blocking)
            cloexec = bool(_descriptor_flags(thread, descriptor) & os.O_CLOEXEC)
            kernel.notify_replace(self.listener, ident, ours.fileno(), descriptor, cloexec=cloexec)
        return 0

    def _listen(self, thread: int, arguments: tuple[int, ...]) -> tuple[int, bool]:
        descriptor = arguments[0] & 0xFFFFFFFF
        if self._full:
            with loopback.taken(thread, descriptor) as own:
                if own.family != socket.AF_UNIX:  # the run's own network namespace
                    return 0, True
        return self._loopback.listen(thread, descriptor, arguments[1] & 0xFFFFFFFF), False

    def _find_socket(self, path: str, thread: int) -> tuple[str, int]:
        """The socket file as the run would find it, held open; a negative number where it may not be used."""
        place = path if path.startswith("/") else os.path.join(os.readlink(f"/proc/{thread}/cwd"), path)
        root = os.open(f"/proc/{thread}/root", os.O_PATH | os.O_CLOEXEC)
        try:
            flags = os.O_PATH | os.O_NOFOLLOW
            held = kernel.open_inside(root, place.lstrip("/"), flags, kernel.RESOLVE_IN_ROOT)
        except OSError:
            return place, -2
        finally:
            os.close(root)
        real = os.readlink(f"/proc/self/fd/{held}")
        inside = self._full or any(real.startswith(r + "/") for r in self._roots)
        # A socket that was there before the run belongs to somebody outside, wherever its file may lie.
        if not inside or births.born_ns(held) < self._born:
            os.close(held)
            return place, -1
        return place, held


def _descends(pid: int, ancestor: int) -> bool:
    """Whether `ancestor` is above the process (or thread) `pid`."""
    while pid > 1:
        parent = 0
        for line in small(f"/proc/{pid}/status").splitlines():
            if line.startswith("PPid:"):
                parent = int(line.split()[1])
        if parent == ancestor:
            return True
        pid = parent
    return False


def _descriptor_flags(thread: int, descriptor: int) -> int:
    for line in small(f"/proc/{thread}/fdinfo/{descriptor}").splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8)
    return 0


def _inet_address(raw: bytes) -> tuple[str, int]:
    if len(raw) >= 8 and struct.unpack_from("=H", raw)[0] == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), struct.unpack_from("!H", raw, 2)[0]
    if len(raw) >= 24:
        return socket.inet_ntop(socket.AF_INET6, raw[8:24]), struct.unpack_from("!H", raw, 2)[0]
    raise OSError(errno.EINVAL, "address")


def _place(address: str, port: int) -> str:
    return f"name lookup at {address}" if port == 53 else f"{address} port {port}"
