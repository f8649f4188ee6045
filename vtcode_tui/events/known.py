"""Exact values that vtcode knows to be secret, found in every spelling, and where those are wrapped or escaped."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import ahocorasick_rs

from vtcode_tui.events.disguises import escaped_stretches, uncoloured, undisguised

SHORTEST = 8
"""A known value that is shorter is too likely to be an ordinary word."""
_SHORTEST_DISGUISED = 16
"""Put together from two lines, less than this is too likely to be chance."""
_PIECE = 12
"""Bytes; in ordinary text no such stretch is part of a secret."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a secret stands, in bytes."""

    start: int
    end: int
    rule: str


def spellings(value: str) -> set[bytes]:
    """The ways in which a value can appear: raw, UTF-16, JSON, HTML, URL, hex, and in base64 at any alignment."""
    raw = value.encode("utf-8", "surrogateescape")
    ways = {raw, value.encode("utf-16-le", "surrogatepass")}
    for digits in (raw.hex(), raw.hex(" "), raw.hex(":")):
        ways |= {digits.encode(), digits.upper().encode()}
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        # Some encoders escape a slash too; and JSON is put into JSON.
        for one in (text, text.replace("/", "\\/"), json.dumps(text)[1:-1]):
            ways.add(one.encode("utf-8", "surrogateescape"))
    ways.add(html.escape(value).encode("utf-8", "surrogateescape"))
    ways |= {one.encode() for one in (quote(raw, safe=""), quote_plus(raw), quote(raw))}
    ways |= {one.lower() for one in ways if b"%" in one}
    for shift in range(3):
        # The characters that depend on what stands before or after the value are left off.
        encoded = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
        whole = (len(raw) + shift) * 8 // 6
        inner = encoded[(0, 2, 3)[shift] : whole]
        ways |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return {way for way in ways if len(way) >= SHORTEST}


def _pieces(way: bytes) -> Iterator[bytes]:
    """Two pieces of a spelling, one of which is whole wherever it is broken at most once in every 24 bytes."""
    size = min(_PIECE, len(way) // 2)
    yield way[:size]
    yield way[size : 2 * size]


class Known:
    """Values under their names. `longest` is the length of the longest spelling, in bytes."""

    def __init__(self) -> None:
        self._ways: dict[bytes, tuple[str, bytes]] = {}
        self._engines: _Engines | None = None
        self.longest = 0

    def learn(self, known: Mapping[str, str]) -> None:
        """From now on find these values too; those shorter than 8 are ignored."""
        ways = dict(self._ways)
        for name, value in known.items():
            if len(value) >= SHORTEST:
                for way in spellings(value):
                    ways.setdefault(way, (name, value.encode("utf-8", "surrogateescape")))
        self._ways, self.longest = ways, max(map(len, ways), default=0)

    def find(self, data: bytes) -> Iterable[tuple[Span, bytes]]:
        """Every known value in `data`, with the value itself; spans may overlap."""
        ways, engines = self._ways, self._engines
        if not ways:
            return ()
        if engines is None or engines.ways is not ways:
            # Made when first needed, which is off the event loop: it takes milliseconds.
            engines = self._engines = _Engines.of(ways)
        found = [(Span(start, end, name), value) for start, end, name, value in engines.plain.find(data)]
        for begin, stop in engines.suspicious(data, 8 * self.longest + 256):
            found += _disguised(data, begin, stop, engines)
        return found


def _disguised(data: bytes, begin: int, stop: int, engines: _Engines) -> Iterator[tuple[Span, bytes]]:
    for view in undisguised(data[begin:stop]):
        for start, end, name, value in engines.disguised.find(view.data):
            first, behind = view.origin(start, end)
            yield Span(begin + first, begin + behind, name), value


def _stretches(found: list[tuple[int, int]], reach: int) -> Iterator[tuple[int, int]]:
    """These places with what is within reach of them, joined where that overlaps."""
    begin, stop = 0, -1
    for start, end in sorted(found):
        if stop >= 0 and start - reach <= stop:
            stop = max(stop, end + reach)
            continue
        if stop >= 0:
            yield begin, stop
        begin, stop = max(0, start - reach), end + reach
    if stop >= 0:
        yield begin, stop


@dataclass(frozen=True, slots=True)
class _Automaton:
    engine: Any
    names: list[tuple[str, bytes]]

    @classmethod
    def of(cls, ways: Mapping[bytes, tuple[str, bytes]], *, swift: bool = False) -> _Automaton:
        kind = ahocorasick_rs.Implementation.DFA if swift else None
        longest = ahocorasick_rs.MatchKind.LeftmostLongest
        engine = ahocorasick_rs.BytesAhoCorasick(list(ways), matchkind=longest, implementation=kind)
        return cls(engine, list(ways.values()))

    def find(self, data: bytes) -> list[tuple[int, int, str, bytes]]:
        found = self.engine.find_matches_as_indexes(data)
        return [(start, end, *self.names[index]) for index, start, end in found]


@dataclass(frozen=True, slots=True)
class _Engines:
    """What looks for all spellings, for pieces of the long ones, and for these once they are undisguised."""

    ways: Mapping[bytes, tuple[str, bytes]]
    plain: _Automaton
    pieces: _Automaton
    disguised: _Automaton

    @classmethod
    def of(cls, ways: Mapping[bytes, tuple[str, bytes]]) -> _Engines:
        long = {way: said for way, said in ways.items() if len(way) >= _SHORTEST_DISGUISED}
        pieces = {piece: said for way, said in long.items() for piece in _pieces(way)}
        return cls(ways, _Automaton.of(ways, swift=True), _Automaton.of(pieces, swift=True), _Automaton.of(long))

    def suspicious(self, data: bytes, reach: int) -> Iterable[tuple[int, int]]:
        """The stretches worth a close look, because a piece of a value or a row of escapes stands there; `reach` is
        how far a value can go on around it: a byte may be written with six, and lines may be indented."""
        if (plain := uncoloured(data)) is not None and self.pieces.find(plain):
            return ((0, len(data)),)
        found = [(start, end) for start, end, _, _ in self.pieces.find(data)]
        found += escaped_stretches(data)
        return _stretches(found, reach) if found else ()
