"""A loopback of a run's own in tier kernel: TCP servers of a run, which this run reaches and no other does.

There is no network namespace there. A run may make TCP sockets, but neither bind, listen nor connect one: those
calls come to the notifier, and its supervisor carries them out on the run's own socket, with its own copy of the
address. Whatever address of this machine a server asks for, it gets one of 127.0.0.0/8 that was drawn for this run,
and whoever connects to a loopback address is led there: to a port where a server of this very run is alive, and
nowhere else. A copy of each server's socket is held here, so that its address cannot become another's in between.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from vtcode_tui.sandbox.inner import kernel, tree
from vtcode_tui.sandbox.inner.memory import process_of

_MOST_SERVERS = 64
"""Ports of the machine that one run may hold: a service that starts on one of them meanwhile would fail."""
_FEW = 8
"""So many ports may stay taken for servers that are gone: to find out which they are costs milliseconds."""
_CONNECT_SECONDS = 0.5
_LONGEST_BACKLOG = 4096


class Server:
    """A socket that was bound for the run, and where it was last seen in it."""

    __slots__ = ("held", "inode", "seen")

    def __init__(self, held: socket.socket, seen: str) -> None:
        self.held = held
        self.inode = f"socket:[{os.fstat(held.fileno()).st_ino}]"
        self.seen = seen

    def is_alive(self) -> bool:
        """Whether a process of the run still has it."""
        return not dead_of([self])


def dead_of(servers: list[Server]) -> list[Server]:
    """Those that no process of the run has any more, from one look at the machine: it costs milliseconds."""
    unseen = {server.inode: server for server in servers if not _leads_to(server.seen, server.inode)}
    for pid in tree.descendants(os.getpid()) if unseen else ():
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            server = unseen.pop(_target(f"{folder}/{name}"), None)
            if server is not None:
                server.seen = f"{folder}/{name}"
    return [*unseen.values()]


class Loopback:
    """The servers of one run, by IP version and port.

    Methods return 0, or raise OSError with the number that the caller is to get.
    """

    def __init__(self) -> None:
        # Another for each version: one program often serves the same port in both.
        third, fourth = os.urandom(1)[0], 2 + os.urandom(1)[0] % 126
        second = 128 + os.urandom(1)[0] % 127
        self._hosts = {4: f"127.{second}.{third}.{fourth}", 6: f"127.{second}.{third}.{fourth + 127}"}
        self._servers: dict[tuple[int, int], Server] = {}
        self._many = _FEW
        """With so many it is looked which of them are gone."""

    def bind(self, thread: int, descriptor: int, address: str, port: int) -> int:
        """Bind the caller's TCP socket to the run's address, with the port that it asked for."""
        if not is_this_machine(address):
            raise OSError(errno.EADDRNOTAVAIL, "not an address of this run")
        self._bind(taken(thread, descriptor), f"/proc/{process_of(thread)}/fd/{descriptor}", port)
        return 0

    def _bind(self, own: socket.socket, seen: str, port: int) -> None:
        try:
            version = _version(own)
            if len(self._servers) >= self._many:
                self._let_dead_go()
            if len(self._servers) >= _MOST_SERVERS:
                raise OSError(errno.ENOBUFS, "too many servers")
            with kernel.without_capabilities():
                try:
                    own.bind(self._place(own, version, port))
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                    self._let_dead_go()
                    own.bind(self._place(own, version, port))
            self._servers[version, own.getsockname()[1]] = Server(own, seen)
        except BaseException:
            own.close()
            raise

    def _let_dead_go(self) -> None:
        """Close what we hold of servers that are gone, so that their ports are free."""
        dead = dead_of([*self._servers.values()])
        for key in [key for key, server in self._servers.items() if server in dead]:
            self._servers.pop(key).held.close()
        self._many = min(max(_FEW, 2 * len(self._servers)), _MOST_SERVERS)

    def listen(self, thread: int, descriptor: int, backlog: int) -> int:
        """Let the caller's socket listen: a unix socket, or one that was bound here (or is bound now)."""
        with taken(thread, descriptor) as own:
            if own.family != socket.AF_UNIX:
                version, port = _version(own), own.getsockname()[1]
                if not port:
                    self._bind(own.dup(), f"/proc/{process_of(thread)}/fd/{descriptor}", 0)
                elif not self._is_ours(own, version, port):
                    raise OSError(errno.EACCES, "not bound here")
            own.listen(backlog if 0 <= backlog <= _LONGEST_BACKLOG else _LONGEST_BACKLOG)
        return 0

    def connect(self, thread: int, descriptor: int, address: str, port: int) -> int:
        """Connect the caller's TCP socket to a server of the run, or raise ECONNREFUSED where there is none."""
        with taken(thread, descriptor) as own:
            _version(own)
            version = self._find(address, port)
            place = self._place(own, version, port)
            if not os.get_blocking(own.fileno()):
                own.connect(place)
                return 0
            own.settimeout(_CONNECT_SECONDS)
            try:
                own.connect(place)
            except TimeoutError:
                raise OSError(errno.ETIMEDOUT, "nobody accepts") from None
            finally:
                os.set_blocking(own.fileno(), True)
        return 0

    def disconnect(self, thread: int, descriptor: int) -> int:
        """Undo an earlier connect of the caller's socket, of whatever kind."""
        with taken(thread, descriptor) as own:
            address = struct.pack("=H14x", socket.AF_UNSPEC)
            kernel.checked(kernel.LIBC.connect(own.fileno(), address, len(address)), "connect")
        return 0

    def _find(self, address: str, port: int) -> int:
        """The IP version of the server that is meant."""
        versions = (6,) if address in {"::1", "::"} else (4, 6)
        for version in versions:
            server = self._servers.get((version, port))
            if server is None:
                continue
            if server.is_alive():
                return version
            self._servers.pop((version, port)).held.close()
        raise OSError(errno.ECONNREFUSED, "no server of this run")

    def _is_ours(self, own: socket.socket, version: int, port: int) -> bool:
        server = self._servers.get((version, port))
        return server is not None and os.path.sameopenfile(own.fileno(), server.held.fileno())

    def _place(self, own: socket.socket, version: int, port: int) -> tuple[str, int]:
        """The run's address as a socket of this kind writes it."""
        host = self._hosts[version]
        if own.family == socket.AF_INET:
            return host, port
        own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return f"::ffff:{host}", port


def taken(thread: int, descriptor: int) -> socket.socket:
    """A descriptor of our own for the caller's socket: whatever it does with its number, ours stays this socket."""
    pidfd = os.pidfd_open(process_of(thread))
    try:
        ours = kernel.pidfd_getfd(pidfd, descriptor)
    finally:
        os.close(pidfd)
    try:
        return socket.socket(fileno=ours)
    except OSError:
        os.close(ours)
        raise


def is_loopback(address: str) -> bool:
    """Whether an address always means the machine itself."""
    return address.startswith(("127.", "::ffff:127.")) or address == "::1"


def is_this_machine(address: str) -> bool:
    """Whether a server may ask for this address, and a client mean a server of the same run by it."""
    return is_loopback(address) or address in {"0.0.0.0", "::", "::ffff:0.0.0.0"}


def _version(own: socket.socket) -> int:
    """4 or 6 for a TCP socket; anything else is refused."""
    if own.family not in (socket.AF_INET, socket.AF_INET6) or own.type != socket.SOCK_STREAM:
        raise OSError(errno.EACCES, "not a TCP socket")
    if own.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) != socket.IPPROTO_TCP:
        raise OSError(errno.EACCES, "not a TCP socket")
    return 4 if own.family == socket.AF_INET else 6


def _leads_to(path: str, target: str) -> bool:
    return _target(path) == target


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
