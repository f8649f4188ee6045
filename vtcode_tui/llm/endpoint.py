"""Where a model is reached, the key that opens it, and which hosts may be contacted at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from vtcode_tui.config.settings import DataClass, Wire

BREADTH: Mapping[DataClass, int] = {"local": 0, "private": 1, "cloud": 2}
"""Data classes from the narrowest to the widest: what one may see, a narrower one may see too."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Key:
    """A secret: not shown by repr, str, copies of tracebacks or the journal; `reveal` is called by wires alone."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self.__value

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return "Key(hidden)" if self.__value else "Key()"


NO_KEY = Key("")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One provider: its address, the language that it speaks, and what may be sent there."""

    provider: str
    wire: Wire
    base_url: str
    key: Key = NO_KEY
    key_env: str = ""
    headers: Mapping[str, Key] = field(default_factory=dict)
    data_class: DataClass = "cloud"
    context_window: int | None = None
    """The window that a server is asked for, where the wire can ask (Ollama)."""

    @property
    def host(self) -> str:
        """`host:port` of the address."""
        return host_of(self.base_url)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds to wait for the first byte, and between two."""

    first_byte: float = 60.0
    idle: float = 90.0


def host_of(url: str) -> str:
    """`host:port` of a URL in lower case, with the scheme's usual port where none is written; empty if none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = (parts.hostname or "").lower().rstrip(".")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if host else ""


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    try:
        return (urlsplit(url).hostname or "").lower() in _LOOPBACK
    except ValueError:
        return False


class Hosts:
    """The hosts that may be contacted: any when the list is empty, else exactly those listed."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._allow = tuple(word.strip().lower() for word in allow)

    def permits(self, url: str) -> bool:
        """Whether this URL's host is on the list; `host` means any port of it, `host:port` that port alone."""
        if not self._allow:
            return True
        with_port = host_of(url)
        if not with_port:
            return False
        host = with_port.rpartition(":")[0]
        return any(word in {with_port, host, host.strip("[]")} for word in self._allow)

    def __bool__(self) -> bool:
        return bool(self._allow)

    def __str__(self) -> str:
        return ", ".join(self._allow)
