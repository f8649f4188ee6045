"""Walks a journal line by line: the chain of digests, the order of events, the signed checkpoints."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

from vtcode_tui.events.lines import GENESIS, MAXIMUM, MOST_UNSIGNED, bounded_lines
from vtcode_tui.events.notes import Note, read_note
from vtcode_tui.events.seal import origin_of
from vtcode_tui.events.spelling import BEFORE, Around, Frames, beginning, begins, payload_of

Layer: TypeAlias = Literal["chain", "checkpoint", "root", "anchor", "meaning", "signature"]


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
    notes: list[tuple[int, str]]
    """What is no defect and worth a word: the event, and a sentence."""

    def __call__(self, seq: int, kind: bytes, around: Around, data: dict[str, Any], prev: str) -> list[Problem]:
        """What cannot be about this event, given those before it."""
        ...


_OPENING = frozenset({b"session.started", b"session.resumed"})
_OWN = _OPENING | {b"log.checkpoint", b"log.recovered"}


def walk(stream: BinaryIO, *, keys: Collection[str] | None, wanted: Collection[int], meaning: Meaning) -> Walk:
    """Verify a journal's chain and checkpoints. Stops at the first line that does not continue the chain.

    `keys` are the session keys that the root log knows; None where there is no root log, and then the keys that the
    journal itself names are believed. Raises OSError when the file cannot be read.
    """
    result = Walk()
    named: set[str] = set()
    _lines(result, stream, named, wanted, meaning)
    if result.size in wanted:
        result.heads[result.size] = result.head
    # Of a session that the root log does not know, no key is: that is said there, and nothing is trusted.
    if keys is None or keys:
        _signatures(result, named if keys is None else keys)
    return result


def _lines(result: Walk, stream: BinaryIO, named: set[str], wanted: Collection[int], meaning: Meaning) -> None:
    """The loop over every line; kept flat, because it is what the speed of `audit verify` depends on."""
    session: bytes | None = None
    head, seq, mono_before, time_before = GENESIS, 0, b"", b""
    reads, sha256, frames, frame = meaning.reads | _OWN, hashlib.sha256, Frames(), BEFORE
    end = f'"prev":"{GENESIS}"}}\n'.encode()
    for raw in bounded_lines(stream):
        if not raw.endswith(end):
            _discontinued(result, seq, raw, head)
            break
        if seq in wanted:
            result.heads[seq] = head
        found = beginning(raw)
        if found is None or int(found[1]) != seq or raw.find(b"\\", 0, start := found.end()) >= 0:
            result.problems.append(_not_an_event(seq))
            break
        if not raw.startswith(frame[0], start):
            frame = frames.at(raw, start)
        _, time, mono, kind = found.groups()
        text, its, around = frame
        if its != session and (session := _session(result, seq, session, its)) is None:
            break
        if time < time_before or mono < mono_before or len(mono) != len(mono_before):
            _clocks(meaning, seq, kind, (mono_before, time_before), (mono, time))
        mono_before, time_before = mono, time
        result.final = False
        if kind in reads:
            data = payload_of(raw, start + len(text) - 1)
            if data is None or around is None:
                result.problems.append(_not_an_event(seq))
                break
            if kind in _OWN:
                _own(result, seq, head, kind, data, named)
            elif wrong := meaning(seq, kind, around, data, head):
                result.problems += wrong
        head = sha256(raw[:-1]).hexdigest()
        end = f'"prev":"{head}"}}\n'.encode()
        seq += 1
    result.head, result.size = head, seq
    _gap(result, seq)


def _discontinued(result: Walk, seq: int, raw: bytes, head: str) -> None:
    """A line that does not end with `prev` as it must: it is torn, or something was changed."""
    if raw.endswith(b"\n"):
        result.problems.append(_broken(seq, raw, head))
        return
    # A crash tears a line; no crash leaves more of one than was ever written at once.
    result.torn = len(raw)
    if result.torn > MAXIMUM:
        result.problems.append(_not_an_event(seq))


def _broken(seq: int, line: bytes, head: str) -> Problem:
    if seq and begins(seq, line):
        text = f"event {seq - 1} is not what event {seq} names: one of the two was changed; expected {head}"
        return Problem("chain", seq - 1, text)
    return Problem("chain", seq, f"line {seq + 1} is not event {seq}: something was removed, added or moved")


def _not_an_event(seq: int) -> Problem:
    return Problem("chain", seq, f"line {seq + 1} is not the event {seq} of a journal")


def _session(result: Walk, seq: int, session: bytes | None, its: bytes) -> bytes | None:
    """The session of all these events, which is that of the first; None where this one has no frame."""
    if not its:
        result.problems.append(_not_an_event(seq))
        return None
    if session is None:
        result.session = its[1:-1].decode(errors="replace")
        return its
    text = f"event {seq} belongs to another session, {its[1:-1].decode(errors='replace')}"
    result.problems.append(Problem("chain", seq, text))
    return session


def _clocks(meaning: Meaning, seq: int, kind: bytes, before: tuple[bytes, bytes], now: tuple[bytes, bytes]) -> None:
    if int(now[0]) < int(before[0] or b"0") and kind not in _OPENING:
        text = f"event {seq}: the monotonic clock went back (another boot, or another machine)"
        meaning.notes.append((seq, text))
    if now[1] < before[1]:
        meaning.notes.append((seq, f"event {seq}: the clock was set back, from {before[1]!r} to {now[1]!r}"))


def _own(result: Walk, seq: int, head: str, kind: bytes, data: dict[str, Any], named: set[str]) -> None:
    if data.get("root_anchor"):
        result.root_anchors.append((seq, str(data["root_anchor"])))
    if kind == b"log.recovered":
        result.set_aside.append((seq, str(data.get("file")), str(data.get("sha256"))))
        return
    if kind == b"log.checkpoint":
        _checkpoint(result, seq, head, data)
        return
    _gap(result, seq)
    named.add(str(data.get("log_key", "")))
    result.openings.append(seq)
    if data.get("root_head"):
        result.root_heads.append(str(data["root_head"]))


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
