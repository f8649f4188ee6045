"""Walks a journal line by line: the chain of digests, the order of events, the signed checkpoints."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

from pydantic_core import from_json

from vtcode_tui.events.lines import GENESIS, MAXIMUM, MOST_UNSIGNED, bounded_lines, opened
from vtcode_tui.events.notes import Note, read_note
from vtcode_tui.events.seal import origin_of

Layer: TypeAlias = Literal["chain", "checkpoint", "root", "anchor", "meaning", "signature"]

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_ENVELOPE = re.compile(
    rb'\{"v":\d++,"seq":(\d{1,18}+),"id":"[^"\\]*+","time":"([^"\\]*+)","mono_ns":(\d{1,20}+),"type":"([a-z_.]++)",'
    rb'"severity":"[a-z]++","outcome":"[a-z]++","session":(%b),"turn":-?\d++,"call":(null|%b),"parent":(?:null|%b),'
    rb'"actor":\{"kind":"([a-z]++)","id":%b,"auth":(null|"[a-z-]++")\},"data":(?=\{)' % ((_TEXT,) * 4)
)
"""All of a line before its payload, as it is always written: whatever else says the same is not ours."""
_BEHIND = len(',"prev":""}\n') + len(GENESIS)
"""Bytes of a line after its payload."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that must not be: which layer noticed, at which event, in one sentence."""

    layer: Layer
    seq: int | None
    text: str


@dataclass(slots=True)
class Walk:
    """What a walk over a journal found."""

    size: int = 0
    head: str = GENESIS
    session: str = ""
    torn: int = 0
    """Bytes after the last whole line."""
    final: bool = False
    """The last event is a final checkpoint."""
    checkpoints: int = 0
    signed_last: int = -1
    """The last checkpoint or opening: each opening is a line of the root log too."""
    trusted: int = 0
    """So many events are covered by the last good checkpoint."""
    root_heads: list[str] = field(default_factory=list)
    """The root log's heads that this journal names, one for each opening."""
    root_anchors: list[tuple[int, str]] = field(default_factory=list)
    """Anchors of the root log that events carry."""
    set_aside: list[tuple[int, str, str]] = field(default_factory=list)
    """Torn lines that were kept: the event that says so, the file, its digest."""
    notes: list[Note] = field(default_factory=list)
    openings: list[int] = field(default_factory=list)
    heads: dict[int, str] = field(default_factory=dict)
    """The digest of the line before, at the sizes that were asked for."""
    problems: list[Problem] = field(default_factory=list)


class Meaning(Protocol):
    """Judges events in order; only those of the types in `reads` are taken apart for it."""

    reads: frozenset[bytes]
    notes: list[str]

    def __call__(self, seq: int, event: dict[str, Any]) -> list[Problem]:
        """What cannot be about this event, given those before it."""
        ...


_OPENING = frozenset({b"session.started", b"session.resumed"})
_OWN = _OPENING | {b"log.checkpoint", b"log.recovered"}


def walk(path: Path, *, keys: Collection[str] | None, wanted: Collection[int], meaning: Meaning) -> Walk:
    """Verify a journal's chain and checkpoints. Stops at the first line that does not continue the chain.

    `keys` are the session keys that the root log knows; None where there is no root log, and then the keys that the
    journal itself names are believed. Raises JournalError when the file cannot be read.
    """
    result = Walk()
    named: set[str] = set()
    with opened(path) as stream:
        _lines(result, stream, named, wanted, meaning)
    if result.size in wanted:
        result.heads[result.size] = result.head
    # Of a session that the root log does not know, no key is: that is said there, and nothing is trusted.
    if keys is None or keys:
        _signatures(result, named if keys is None else keys)
    return result


def _lines(result: Walk, stream: BinaryIO, named: set[str], wanted: Collection[int], meaning: Meaning) -> None:
    """The loop over every line; kept flat, because it is what the speed of `audit verify` depends on."""
    head, seq, session, mono_before, time_before = GENESIS, 0, b"", 0, b""
    reads, sha256, envelope_of = meaning.reads | _OWN, hashlib.sha256, _ENVELOPE.match
    end = b'"prev":"%b"}\n' % GENESIS.encode()
    for raw in bounded_lines(stream):
        if raw[-1] != 10:
            _unended(result, seq, len(raw))
            break
        if seq in wanted:
            result.heads[seq] = head
        if not raw.endswith(end):
            result.problems.append(_broken(seq, raw[:-1], head))
            break
        envelope = envelope_of(raw)
        if envelope is None or int(envelope[1]) != seq:
            result.problems.append(_not_an_event(seq))
            break
        time, mono, kind, its = envelope.group(2, 3, 4, 5)
        mono = int(mono)
        if its != session:
            if session:
                result.problems.append(_stranger(seq, its))
            session = session or its
            result.session = session[1:-1].decode(errors="replace")
        if mono < mono_before or time < time_before:
            _clocks(meaning, seq, kind, (mono_before, time_before), (mono, time))
        mono_before, time_before = mono, time
        result.final = False
        if kind in reads:
            event = _parsed(raw, envelope, head)
            if event is None:
                result.problems.append(_not_an_event(seq))
                break
            if kind in _OWN:
                _own(result, seq, head, event, named)
            result.problems += meaning(seq, event)
        head = sha256(raw[:-1]).hexdigest()
        end = f'"prev":"{head}"}}\n'.encode()
        seq += 1
    result.head, result.size = head, seq
    _gap(result, seq)


def _unended(result: Walk, seq: int, size: int) -> None:
    """A crash tears a line; no crash leaves more of one than was ever written at once."""
    result.torn = size
    if size > MAXIMUM:
        result.problems.append(_not_an_event(seq))


def _broken(seq: int, line: bytes, head: str) -> Problem:
    envelope = _ENVELOPE.match(line)
    if seq and envelope is not None and int(envelope[1]) == seq:
        text = f"event {seq - 1} is not what event {seq} names: one of the two was changed; expected {head}"
        return Problem("chain", seq - 1, text)
    return Problem("chain", seq, f"line {seq + 1} is not event {seq}: something was removed, added or moved")


def _not_an_event(seq: int) -> Problem:
    return Problem("chain", seq, f"line {seq + 1} is not the event {seq} of a journal")


def _stranger(seq: int, its: bytes) -> Problem:
    return Problem("chain", seq, f"event {seq} belongs to another session, {its[1:-1].decode(errors='replace')}")


def _clocks(meaning: Meaning, seq: int, kind: bytes, before: tuple[int, bytes], now: tuple[int, bytes]) -> None:
    if now[0] < before[0] and kind not in _OPENING:
        meaning.notes.append(f"event {seq}: the monotonic clock went back (another boot, or another machine)")
    if now[1] < before[1]:
        meaning.notes.append(f"event {seq}: the clock was set back, from {before[1]!r} to {now[1]!r}")


def _own(result: Walk, seq: int, head: str, event: dict[str, Any], named: set[str]) -> None:
    data = event["data"]
    if data.get("root_anchor"):
        result.root_anchors.append((seq, str(data["root_anchor"])))
    if event["type"] == "log.recovered":
        result.set_aside.append((seq, str(data.get("file")), str(data.get("sha256"))))
        return
    if event["type"] == "log.checkpoint":
        _checkpoint(result, seq, head, data)
        return
    _gap(result, seq)
    named.add(str(data.get("log_key", "")))
    result.openings.append(seq)
    if data.get("root_head"):
        result.root_heads.append(str(data["root_head"]))


def _parsed(raw: bytes, envelope: re.Match[bytes], head: str) -> dict[str, Any] | None:
    """What is judged of an event; its envelope is not read twice: that was most of the price."""
    kind, session, call, actor, auth = envelope.group(4, 5, 6, 7, 8)
    try:
        data = from_json(raw[envelope.end() : -_BEHIND], cache_strings="keys")
        if not isinstance(data, dict):
            return None
        return {
            "type": kind.decode(),
            "session": from_json(session),
            "call": None if call == b"null" else from_json(call),
            "actor": {"kind": actor.decode(), "auth": None if auth == b"null" else auth[1:-1].decode()},
            "data": data,
            "prev": head,
        }
    except ValueError:
        return None


def _checkpoint(result: Walk, seq: int, head: str, data: dict[str, Any]) -> None:
    """Check what a checkpoint says: exactly what stands before it, in the session's name."""
    result.checkpoints += 1
    _gap(result, seq)
    result.final = data.get("kind") == "final"
    try:
        note = read_note(data["note"])
        said = (note.origin, note.size, note.head, data["size"], data["head"])
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        result.problems.append(Problem("checkpoint", seq, f"the checkpoint at event {seq} cannot be read: {error}"))
        return
    if said != (origin_of(result.session), seq, head, seq, head):
        text = f"the checkpoint at event {seq} speaks of another journal or another state of this one"
        result.problems.append(Problem("checkpoint", seq, text))
    else:
        result.notes.append(note)


def _gap(result: Walk, seq: int) -> None:
    first, result.signed_last = result.signed_last + 1, seq
    if seq - first > MOST_UNSIGNED:
        text = f"the {seq - first} events from {first} on have no checkpoint among them: it was removed"
        result.problems.append(Problem("checkpoint", first, text))


def _decoded(key: str) -> bytes:
    try:
        return base64.b64decode(key, validate=True)
    except ValueError:
        return b""


def _signatures(result: Walk, keys: Collection[str]) -> None:
    """Check the last checkpoint of each opening: by the chain it vouches for all that came before it.

    One that is not signed rightly is a problem, and the one before it is tried, to say how far trust reaches.
    """
    raw = [public for key in keys if (public := _decoded(key))]
    ends = {max((note.size for note in result.notes if note.size < at), default=-1) for at in result.openings[1:]}
    for index in range(len(result.notes) - 1, -1, -1):
        note = result.notes[index]
        if result.trusted and note.size not in ends:
            continue
        if any(note.signed_by(key) for key in raw):
            result.trusted = max(result.trusted, note.size)
        else:
            text = f"the checkpoint at event {note.size} is not signed by a key of this session"
            result.problems.append(Problem("checkpoint", note.size, text))
    result.problems.sort(key=lambda problem: -1 if problem.seq is None else problem.seq)
