"""Where a text stands in a file, and what is almost it when it does not. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_MAX_HINT = 20_000
"""Lines in which something similar is looked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of bytes and its line; `carriage` when it matched with CR LF where the text had LF."""

    start: int
    end: int
    line: int
    carriage: bool = False


def find_text(data: bytes, text: bytes) -> list[Place]:
    """Every place of `text`, without overlaps; as it stands, or else with the file's CR LF line ends."""
    for wanted, carriage in ((text, False), (text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), True)):
        if places := _all(data, wanted, carriage=carriage and b"\n" in text):
            return places
    return []


def _all(data: bytes, text: bytes, *, carriage: bool) -> list[Place]:
    places, at, line, counted = list[Place](), data.find(text), 1, 0
    while at >= 0:
        line += data.count(b"\n", counted, at)
        counted = at
        places.append(Place(at, at + len(text), line, carriage))
        at = data.find(text, at + len(text))
    return places


def missing_text(data: bytes, text: bytes) -> str:
    """A hint for the model: the text with other blanks, or the most similar lines; starts with a blank."""
    if b"\0" in data[:8000]:
        return " It is a binary file."
    if found := _other_blanks(data, text):
        line = data.count(b"\n", 0, found.start()) + 1
        return f" Line {line} has it with other white space:\n{_quoted(found.group())}"
    lines = data.split(b"\n")[:_MAX_HINT]
    wanted = text.strip(b"\n").split(b"\n")
    anchor = max(wanted, key=len).strip()
    if not anchor:
        return ""
    best = max(range(len(lines)), key=lambda n: _similar(lines[n].strip(), anchor), default=-1)
    if best < 0 or _similar(lines[best].strip(), anchor) < 0.6:
        return " Nothing in it is similar: read the file again."
    start = max(0, best - wanted.index(max(wanted, key=len)))
    shown = b"\n".join(lines[start : start + len(wanted)])
    return f" The most similar lines start at line {start + 1}:\n{_quoted(shown)}"


def _other_blanks(data: bytes, text: bytes) -> re.Match[bytes] | None:
    words = text.split()
    if not words or len(words) > 2000:
        return None
    return re.search(rb"[ \t]*" + rb"\s+".join(map(re.escape, words)), data)


def _similar(line: bytes, wanted: bytes) -> float:
    if not line or abs(len(line) - len(wanted)) > max(len(line), len(wanted)) // 2:
        return 0.0
    matcher = SequenceMatcher(None, line, wanted, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= 0.6 else 0.0


def _quoted(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return text if len(text) <= 2000 else f"{text[:2000]}…"
