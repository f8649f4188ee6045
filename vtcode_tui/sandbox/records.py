"""What Landlock refused, from the kernel's audit records: every path, also one that a program does not name.

The records go to whoever may read the machine's audit (CAP_AUDIT_READ in its first user namespace) and only while
that is switched on, which is nothing for us to change. Elsewhere there is no reader, and `complaints` has the
program's own words alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Iterator

from vtcode_tui.sandbox.inner import kernel

_AUDIT, _GET, _ACCESS, _DOMAIN = 9, 1000, 1423, 1424
_READERS = 1
"""The group of the audit's netlink that hears every record (AUDIT_NLGRP_READLOG)."""
_FIRST_ABI = 7
"""Landlock writes records, and lets a program choose which, from this version on."""
_MOST_DOMAINS, _MOST_PATHS = 256, 64
_RECORD = re.compile(
    rb"domain=([0-9a-f]+) (?:blockers=(\S+)(?: path=(\"[^\"]*\"|(?:[0-9A-F]{2})+\b))?|"
    rb"status=allocated .*?pid=(\d+))"
)

Refused = tuple[str, bool]
"""A path, and whether it was to be changed."""


class Records:
    """Listens for as long as its event loop runs, and knows what was refused to which process's domain."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._paths: dict[bytes, dict[Refused, None]] = {}
        self._domains: dict[int, bytes] = {}
        source.setblocking(False)
        asyncio.get_running_loop().add_reader(source, self._hear)

    def of(self, pid: int) -> list[Refused]:
        """What was refused to the run that began as process `pid`, as far as the kernel has told by now."""
        self._hear()
        return list(self._paths.get(self._domains.pop(pid, b""), ()))

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._source)
        self._source.close()

    def _hear(self) -> None:
        with contextlib.suppress(OSError):  # none is left, or so many came that the kernel dropped some
            while message := self._source.recv(65536):
                self.note(message)

    def note(self, message: bytes) -> None:
        """Take one message of the kernel."""
        kind = struct.unpack_from("=H", message, 4)[0] if len(message) >= 16 else 0
        found = _RECORD.search(message[16:]) if kind in (_ACCESS, _DOMAIN) else None
        if found is None:
            return
        domain, blockers, path, pid = found.groups()
        paths = self._paths.setdefault(domain, {})
        if pid is not None:
            self._domains[int(pid)] = domain
        elif path is not None and blockers.startswith(b"fs.") and len(paths) < _MOST_PATHS:
            name = path[1:-1] if path[:1] == b'"' else bytes.fromhex(path.decode())
            paths[
                name.decode(errors="replace"), not re.fullmatch(rb"(fs\.(read_file|read_dir|execute),?)+", blockers)
            ] = None
        while len(self._paths) > _MOST_DOMAINS:
            del self._paths[next(iter(self._paths))]
        while len(self._domains) > _MOST_DOMAINS:
            del self._domains[next(iter(self._domains))]


def source() -> tuple[socket.socket | None, str]:
    """A socket on which records arrive, or None; and in words why, or why not."""
    if kernel.landlock_abi() < _FIRST_ABI:
        return None, "this kernel's Landlock writes no audit records (Linux 6.15 and newer)"
    with contextlib.ExitStack() as stack:
        try:
            if not _is_on():
                return None, "the machine's audit is switched off (`auditctl -e 1` switches it on)"
            heard = stack.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _AUDIT))
            heard.bind((0, _READERS))
        except OSError as error:
            return (
                None,
                f"the machine's audit may not be read ({error.strerror}): that takes root outside of a container",
            )
        stack.pop_all()
        return heard, "refused paths are read from the machine's audit"


def _is_on() -> bool:
    """Ask the audit for its state. Raises OSError where we may not."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _AUDIT) as asked:
        asked.bind((0, 0))
        asked.settimeout(1.0)
        asked.send(struct.pack("=IHHII", 16, _GET, 1, 1, 0))
        for kind, body in _messages(asked.recv(8192)):
            if kind == 2:
                number = -struct.unpack_from("=i", body)[0]
                raise OSError(number, "audit")
            if kind == _GET:
                return bool(struct.unpack_from("=I", body, 4)[0])
    return False


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        yield kind, data[16:length]
        data = data[max(16, length + 3 & ~3) :]
