"""A refusal as a person and a model read it: what, and what could be approved to let it through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vtcode_tui.sandbox.inner.numbers import ROUTE_SOCKET
from vtcode_tui.sandbox.run import Denial

_TRACED = frozenset({"ptrace", "personality"})
_TRACING = (
    "let programs of a run trace each other: `debug = true` under [sandbox] in your own vtcode.toml, or --debug"
)
_KEYS = {name: f"{name}_mb" for name in ("memory", "file_size", "disk", "output")}
_KEYS |= {name: name for name in ("processes", "wall_seconds")}
"""The settings of the limits that can be raised."""
_NETWORK = "approve the host for this run (--allow-host HOST, or the approval's host list)"
_BY_TCP = "; it is reached by TCP only"


PROTECTED = "make this change yourself, or let the model edit the file: you are asked for it by name"
"""What can be done about a protected path: a run never changes one."""


def denial(row: Mapping[str, Any]) -> Denial:
    """The refusal behind a message of the supervisor."""
    kind, detail = str(row["kind"]), str(row["detail"])
    return Denial(
        kind=kind,
        detail=detail,
        layer=str(row.get("layer", "seccomp")),
        remedy=str(row.get("remedy") or remedy(kind, detail)),
        pid=int(row.get("pid", 0)),
        process=str(row.get("process", "")),
        count=int(row.get("count", 1)),
    )


def undone(what: str) -> str:
    """What the guard did about a protected path, and how else the change could be made."""
    return f"{what}; {PROTECTED}" if what.endswith(("taken away", "restored")) else what


def worth_telling(found: Denial, exit_code: int | None) -> bool:
    """Whether a refusal says anything to anybody: not where libc tried for itself and the run went on without."""
    return found.detail != ROUTE_SOCKET or exit_code not in (0, None)


def remedy(kind: str, detail: str) -> str:
    """What a human could approve, or an empty text where nothing can be."""
    if kind == "host":
        if detail.startswith(("unix socket", "abstract unix socket")):
            return "sockets of other programs stay out of reach; nothing can be approved"
        # Most often it is a name that is asked for: with the host approved the proxy does that.
        return _NETWORK + (_BY_TCP if detail.startswith(("IPv4 socket", "IPv6 socket")) else "")
    if kind == "syscall":
        return _TRACING if detail in _TRACED else "nothing can be approved for this call"
    if kind == "path":
        place = detail.partition(" ")[2]
        return f"allow runs to write {place}: `write` under [sandbox] in your own vtcode.toml, or --write {place}"
    if kind == "limit":
        return f"raise `{_KEYS[detail]}` under [sandbox] in your own vtcode.toml" if detail in _KEYS else ""
    return ""
