"""session.md as items: readable in any Markdown viewer, and parsed back to the very bytes by lengths and hashes.

    <!-- vt:item {"seq":3,"role":"assistant","kind":"text","message":2,"lead":14,"bytes":21,"sha256":"..."} -->
    ## Assistant

    What the model said.
    <!-- /vt 3 5f9c41a7d2e80b36 -->

`lead` bytes of heading (and fence) stand before the body and `bytes` bytes are the body, whatever it contains.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Role = Literal["user", "assistant", "tool", "system"]
Kind = Literal["text", "thinking", "tool_use", "tool_result", "image", "summary", "rewind", "note"]
_KINDS: tuple[Kind, ...] = get_args(Kind)

_OPEN = re.compile(rb"^<!-- vt:item (\{[^\n]*\}) -->\n", re.M)
_RUNS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Item:
    """One part of the conversation; items with the same `message` number belong to one message."""

    seq: int
    role: Role
    kind: Kind
    body: str
    message: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the kind needs besides its body: ids, names, signatures."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a session.md holds, and what is to be said about its state."""

    items: tuple[Item, ...]
    modified: tuple[int, ...] = ()
    """Items whose body is not what was written: somebody edited the file by hand."""
    torn: bool = False
    """The last item was not finished and is left out."""


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _heading(item: Item) -> str:
    match item.kind:
        case "thinking":
            return "### Reasoning"
        case "tool_use":
            return f"### Tool call {_one_line(item.facts.get('id', ''))}: {_one_line(item.facts.get('name', ''))}"
        case "tool_result":
            return f"### Result of {_one_line(item.facts.get('id', ''))}"
        case "image":
            return f"### Image ({_one_line(item.facts.get('media_type', ''))})"
        case "summary":
            return "## Summary of what came before"
        case "rewind":
            return "## Went back"
        case "note":
            return "### Note"
        case "text" if item.facts.get("by") == "cut":
            return "### The answer above is not whole"
        case "text":
            return {"user": "## You", "assistant": "## Assistant", "tool": "## Tool", "system": "## vtcode"}[
                item.role
            ]


def _one_line(value: object) -> str:
    return re.sub(r"[^ -~]", "?", str(value))[:80]


def written(item: Item) -> bytes:
    """The item as it stands in the file."""
    longest = max((len(run) for run in _RUNS.findall(item.body)), default=0)
    fence = "`" * max(3, longest + 1) if item.kind in {"tool_use", "tool_result", "image"} else ""
    lead = f"{_heading(item)}\n\n" + (f"{fence}{'json' if item.kind == 'tool_use' else ''}\n" if fence else "")
    trail = f"\n{fence}\n" if fence else "\n"
    body = _encoded(item.body)
    digest = hashlib.sha256(body).hexdigest()
    facts = {
        "seq": item.seq,
        "role": item.role,
        "kind": item.kind,
        "message": item.message,
        "lead": len(lead.encode()),
        "bytes": len(body),
        "trail": len(trail.encode()),
        "sha256": digest,
        **({"facts": dict(item.facts)} if item.facts else {}),
    }
    # `-->` inside the JSON would end the comment for a Markdown viewer.
    opener = json.dumps(facts, separators=(",", ":"), ensure_ascii=True).replace(">", "\\u003e")
    return f"<!-- vt:item {opener} -->\n{lead}".encode() + body + trail.encode() + _closer(item.seq, digest) + b"\n"


def _closer(seq: int, digest: str) -> bytes:
    # No body can contain a piece of its own digest, so none can be cut short by a closer of its own.
    return f"<!-- /vt {seq} {digest[:16]} -->\n".encode()


def parse(data: bytes) -> Parsed:
    """Read a session.md back. Bodies are found by their lengths, so no content can be taken for structure."""
    items: list[Item] = []
    modified: list[int] = []
    position = 0
    while found := _OPEN.search(data, position):
        try:
            facts = json.loads(found.group(1))
            seq, lead, size, trail = (int(facts[name]) for name in ("seq", "lead", "bytes", "trail"))
        except (ValueError, KeyError, TypeError, RecursionError):
            position = found.end()
            continue
        closer = _closer(seq, str(facts.get("sha256")))
        start = found.end() + lead
        end = start + size + trail
        if data[end : end + len(closer)] == closer:
            body, position = data[start : start + size], end + len(closer)
        else:
            # The lengths do not fit: edited by hand (the closer is further on) or torn (there is none).
            end = data.find(b"\n" + closer, found.end()) + 1
            if end <= 0:
                return Parsed(tuple(items), tuple(modified), torn=True)
            body, position = data[start : max(end - trail, start)], end + len(closer)
        if hashlib.sha256(body).hexdigest() != facts.get("sha256"):
            modified.append(seq)
        items.append(_item(seq, facts, body))
    return Parsed(tuple(items), tuple(modified))


def _item(seq: int, facts: Mapping[str, Any], body: bytes) -> Item:
    extra = facts.get("facts")
    role, kind = facts.get("role"), facts.get("kind")
    return Item(
        seq,
        role if role in ("user", "assistant", "tool", "system") else "system",
        kind if kind in _KINDS else "note",
        body.decode("utf-8", "surrogatepass" if _paired(body) else "replace"),
        int(facts.get("message", 0)),
        extra if isinstance(extra, dict) else {},
    )


def _paired(body: bytes) -> bool:
    try:
        body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
