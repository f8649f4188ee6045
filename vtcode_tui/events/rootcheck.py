"""Verifies the root log, and says what it knows of each session."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vtcode_tui.events.anchors import ORIGIN, Anchor, find_anchors
from vtcode_tui.events.chain import Problem
from vtcode_tui.events.evidence import Evidence
from vtcode_tui.events.lines import GENESIS, opened
from vtcode_tui.events.notes import key_hash, valid
from vtcode_tui.events.rootlog import signed_part

LONGEST_LINE = 1 << 20
"""Bytes; the lines of a root log are far shorter."""


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
    watermark: bool = False
    """The last opening keeps a high-water mark beside the root log."""


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
    notes: list[str] = field(default_factory=list)
    read: int = 0
    """Bytes of the file that were read."""

    def has_grown(self) -> bool:
        """True when lines have come to the file since."""
        return self.path.exists() and self.path.stat().st_size > self.read


def check_root(path: Path, *, public: bytes | None = None, evidence: Evidence | None = None) -> Root:
    """Verify every line's chain and signature, and the anchors against it. A missing file is an empty root log."""
    lines, torn = _read(path)
    root = Root(path, torn=bool(torn), read=sum(map(len, lines)) + len(lines) + len(torn))
    _lines(root, lines, public)
    if len(torn) > LONGEST_LINE:
        text = f"line {len(lines) + 1} of the root log is longer than any that vtcode writes"
        root.problems.append(Problem("root", len(lines), text))
    if path.is_symlink():
        root.problems.append(Problem("root", None, f"{path} is a symbolic link, which vtcode never makes"))
    if root.size and not _signed(root, lines[root.size - 1]):
        # By the chain, the last signature vouches for all before it. When it is bad, the first bad one is named.
        bad = next(number for number, line in enumerate(lines) if not _signed(root, line))
        text = f"line {bad + 1} of the root log is not signed by its host key"
        problem, root = Problem("root", bad, text), Root(path, torn=root.torn, public=root.public, read=root.read)
        _lines(root, lines[:bad], public)
        root.problems.append(problem)
    _anchors(root, evidence or Evidence(), public or root.public)
    return root


def _read(path: Path) -> tuple[list[bytes], bytes]:
    """The whole lines of a root log, without their line breaks, and what follows them."""
    lines: list[bytes] = []
    if path.exists() or path.is_symlink():
        with opened(path) as stream:
            for line in iter(partial(stream.readline, LONGEST_LINE + 1), b""):
                if not line.endswith(b"\n"):
                    return lines, line
                lines.append(line[:-1])
    return lines, b""


def _lines(root: Root, lines: list[bytes], public: bytes | None) -> None:
    for number, line in enumerate(lines):
        if not _line(root, number, line, public):
            return


def _signed(root: Root, line: bytes) -> bool:
    return valid(root.public, *signed_part(line))


def _line(root: Root, number: int, line: bytes, public: bytes | None) -> bool:
    try:
        signed_part(line)
        value = json.loads(line)
        prev, kind, data = str(value["prev"]), str(value["type"]), dict(value["data"])
        session, state = str(value["session"]), (_size(data), str(data.get("head", GENESIS)))
        named = base64.b64decode(str(data.get("public", "")), validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
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
    root.head = hashlib.sha256(line).hexdigest()
    root.heads.append(root.head)
    root.size += 1
    _enter(root, number, kind, session, data, state)
    return True


def _size(data: dict[str, Any]) -> int:
    size = data.get("size", 0)
    if type(size) is not int or size < 0:
        raise ValueError("its size is not a number of events")
    return size


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
            entry.watermark = data.get("watermark") is True
        case "mark":
            entry.known.append(state)
        case "close":
            entry.known.append(state)
            entry.closed, entry.closed_at = state, number
        case "prune":
            entry.pruned = True


def _anchors(root: Root, evidence: Evidence, public: bytes) -> None:
    ours = key_hash(ORIGIN, public) if public else b""
    for anchor in find_anchors(evidence.text):
        if anchor.signature[:4] != ours or not anchor.signed_by(public):
            root.foreign += 1
        elif (problem := contradicted(root, anchor)) is not None:
            root.problems.append(Problem("anchor", None, problem))
        else:
            root.anchored = max(root.anchored, anchor.size)
    for stamp in evidence.stamps:
        if stamp.head not in root.heads:
            text = f"a time stamp vouches for a root log ending in {stamp.head[:16]}, which this one never did"
            root.problems.append(Problem("anchor", None, text))
        elif stamp.trusted:
            root.anchored = max(root.anchored, root.heads.index(stamp.head) + 1)
        else:
            root.notes.append(f"the time stamp of {stamp.time:%Y-%m-%d %H:%M:%S}Z is not believed: {stamp.problem}")


def contradicted(root: Root, anchor: Anchor) -> str | None:
    """What is wrong when an anchor of the host key speaks of another root log than this one."""
    if 0 < anchor.size <= root.size and root.heads[anchor.size - 1] == anchor.head:
        return None
    said = f"an anchor vouches for {anchor.size} lines of the root log ending in {anchor.head[:16]}"
    return f"{said}, but it has {root.size} lines or others: it was cut back or replaced"
