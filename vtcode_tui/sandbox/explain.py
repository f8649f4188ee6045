"""A refusal as a person and a model read it: what, and what could be approved to let it through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vtcode_tui.sandbox.run import Denial

_NETWORK = "approve the host for this run (--allow-host HOST, or the approval's host list)"


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


def remedy(kind: str, detail: str) -> str:
    """What a human could approve, or an empty text where nothing can be."""
    if kind == "host":
        if detail.startswith("unix socket"):
            return "sockets of other programs stay out of reach; nothing can be approved"
        return _NETWORK
    if kind == "syscall" and detail == "ptrace":
        return "approve the debug profile for this run"
    if kind == "path":
        place = detail.partition(" ")[2]
        return f"allow runs to write {place}: `write` under [sandbox] in your own vtcode.toml, or --write {place}"
    if kind == "limit":
        return "raise the limit in [sandbox] of your vtcode.toml"
    return ""
