"""Which names and addresses a run may reach: allowlist patterns, and addresses that are never reached.

Two parsers that read a host differently are how allowlists are bypassed, so there is one reading, it is strict, and
what it returns is what is looked up and connected to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_USUAL_PORTS = frozenset((80, 443))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Destination:
    """A host name in its one form (lower case, no final dot) and a port."""

    host: str
    port: int


def read_host(text: str) -> str:
    """The one form of a host name or address; raises ValueError for anything that is not plainly one."""
    name = text.lower()
    if name.startswith("[") and name.endswith("]"):
        return str(ipaddress.IPv6Address(name[1:-1]))
    name = name.removesuffix(".")
    if not name or len(name) > 253 or not name.isascii() or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"not a host name: {text!r}")
    last = name.rsplit(".", 1)[-1]
    if last.isdigit() or last.startswith("0x"):
        # A name whose last label is a number is an address to some resolvers: 127.1, 2130706433, 0x7f.1.
        return str(ipaddress.IPv4Address(name))
    return name


def read_authority(text: str, default_port: int | None = None) -> Destination:
    """`host:port` as CONNECT and URLs have it; no user information, no spaces, no percent signs."""
    host, colon, port = text.rpartition(":")
    if not colon or (host.endswith("]") is False and ":" in host) or text.endswith("]"):
        host, port = text, ""
    if not port:
        if default_port is None or (colon and text.endswith(":")):
            raise ValueError(f"no port in {text!r}")
        return Destination(read_host(host), default_port)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"not a port: {port!r}")
    return Destination(read_host(host), int(port))


class Allowed:
    """The hosts of a grant: `name`, `name:port`, `*.name` (below it, not itself); ports 80 and 443 unless named."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact: set[Destination] = set()
        self._below: set[Destination] = set()
        for pattern in patterns:
            text = pattern.strip()
            wild = text.startswith("*.")
            text = text[2:] if wild else text
            named = read_authority(text, default_port=0 if ":" not in text or text.endswith("]") else None)
            ports = _USUAL_PORTS if named.port == 0 else {named.port}
            (self._below if wild else self._exact).update(Destination(named.host, port) for port in ports)

    def __contains__(self, wanted: Destination) -> bool:
        if wanted in self._exact:
            return True
        labels = wanted.host.split(".")
        return any(Destination(".".join(labels[cut:]), wanted.port) in self._below for cut in range(1, len(labels)))


def is_public(address: Address) -> bool:
    """Whether an address lies in the public internet; forms that carry another address are unwrapped first."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or _translated(address)
        if carried is not None:
            return is_public(carried)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside a NAT64 address (64:ff9b::/96)."""
    value = int(address)
    return ipaddress.IPv4Address(value & 0xFFFFFFFF) if value >> 32 == 0x64FF9B << 64 else None
