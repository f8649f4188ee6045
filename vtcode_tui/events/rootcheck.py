"""Verifies the root log, and says what it knows of each session."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.anchors import ORIGIN, find_anchors
from vtcode_tui.events.chain import Problem
from vtcode_tui.events.lines import GENESIS
from vtcode_tui.events.notes import key_hash, valid
from vtcode_tui.events.rootlog import signed_part

_EXPORTED = re.compile(
    r'"seq":(\d{1,12}),"id":"[^"]*".{0,400}?"session":"([^"\\]{1,80})".*"prev":"([0-9a-f]{64})"\}'
)


@dataclass(slots=True)
class Entry:
    """What the root log says of one session: (size, head) at each opening, mark and closing."""

    keys: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    """The digests of its opening lines: what the journal's `root_head` must name."""
    known: list[tuple[int, str]] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    """The last closing, unless the session was opened again after it."""
    closed_at: int = -1
    """The number of the root line of the last closing."""
    pruned: bool = False


@dataclass(slots=True)
class Root:
    """A verified root log."""

    path: Path
    size: int = 0
    head: str = GENESIS
    torn: bool = False
    public: bytes = b""
    heads: list[str] = field(default_factory=list)
    """The digest of every line."""
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    anchored: int = 0
    """Anchors vouch for so many of its lines."""
    foreign: int = 0
    """Anchors of other keys that were passed over."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was kept elsewhere: anchors of the root log, and (size, head) of sessions seen by an exporter."""

    text: str = ""
    given: bool = False
    stamps: tuple[str, ...] = ()
    """Heads of the root log that RFC 3161 tokens are about."""

    def exported(self, session: str) -> list[tuple[int, str]]:
        """States of a session's journal that events exported from it name."""
        if session not in self.text:
            return []
        return [
            (int(found[1]), found[3])
            for line in self.text.splitlines()
            if (found := _EXPORTED.search(line)) and found[2] == session
        ]


def check_root(path: Path, *, public: bytes | None = None, evidence: Evidence | None = None) -> Root:
    """Verify every line's chain and signature, and the anchors against it. A missing file is an empty root log."""
    root = Root(path)
    try:
        raw = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from error
    whole, _, torn = raw.rpartition(b"\n")
    root.torn = bool(torn)
    for number, line in enumerate(whole.split(b"\n") if whole else []):
        if not _line(root, number, line, public):
            break
    _anchors(root, evidence or Evidence())
    return root


def _line(root: Root, number: int, line: bytes, public: bytes | None) -> bool:
    try:
        unsigned, signature = signed_part(line)
        value = json.loads(line)
        prev, kind, data = str(value["prev"]), str(value["type"]), dict(value["data"])
        session, state = str(value["session"]), (int(data.get("size", 0)), str(data.get("head", GENESIS)))
        named = base64.b64decode(str(data.get("public", "")), validate=True)
    except (ValueError, KeyError, TypeError) as error:
        root.problems.append(Problem("root", number, f"line {number + 1} of the root log cannot be read: {error}"))
        return False
    if prev != root.head or value.get("seq") != number:
        text = f"line {number + 1} of the root log does not continue the line before it"
        root.problems.append(Problem("root", number, text))
        return False
    if number == 0:
        root.public = named
        if public is not None and root.public != public:
            root.problems.append(
                Problem("root", 0, "the root log is signed by another host key than the one given")
            )
            return False
    if not valid(root.public, unsigned, signature):
        root.problems.append(
            Problem("root", number, f"line {number + 1} of the root log is not signed by its host key")
        )
        return False
    root.head = hashlib.sha256(line).hexdigest()
    root.heads.append(root.head)
    root.size += 1
    _enter(root, number, kind, session, data, state)
    return True


def _enter(root: Root, number: int, kind: str, session: str, data: dict[str, Any], state: tuple[int, str]) -> None:
    if not session:
        return
    entry = root.entries.setdefault(session, Entry())
    match kind:
        case "open":
            entry.keys.append(str(data.get("log_key", "")))
            entry.opened.append(root.head)
            entry.known.append(state)
            entry.closed = None
        case "mark":
            entry.known.append(state)
        case "close":
            entry.known.append(state)
            entry.closed, entry.closed_at = state, number
        case "prune":
            entry.pruned = True


def _anchors(root: Root, evidence: Evidence) -> None:
    ours = key_hash(ORIGIN, root.public) if root.public else b""
    for anchor in find_anchors(evidence.text):
        if anchor.signature[:4] != ours or not anchor.signed_by(root.public):
            root.foreign += 1
        elif anchor.size > root.size or root.heads[anchor.size - 1] != anchor.head:
            said = f"an anchor vouches for {anchor.size} lines of the root log ending in {anchor.head[:16]}"
            root.problems.append(
                Problem(
                    "anchor", None, f"{said}, but it has {root.size} lines or others: it was cut back or replaced"
                )
            )
        else:
            root.anchored = max(root.anchored, anchor.size)
    for head in evidence.stamps:
        if head in root.heads:
            root.anchored = max(root.anchored, root.heads.index(head) + 1)
        else:
            text = f"a time stamp vouches for a root log ending in {head[:16]}, which this one never did"
            root.problems.append(Problem("anchor", None, text))
