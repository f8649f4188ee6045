"""Patches as data, applied to one text at a time. Standard library only.

Applying never guesses: the lines to replace must be found, exactly or but for white space and typographic
characters, and the lines that stay are kept as the file has them. Reading: `patches`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.lines import split_lines

Tag: TypeAlias = Literal[" ", "+", "-"]


@dataclass(slots=True)
class Chunk:
    """Lines that stay, go and come, in order; where they are, as far as the patch says."""

    lines: list[tuple[Tag, bytes]] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    """Lines to look for first, one after the other (`@@ class A`)."""
    at_end: bool = False
    old_start: int = 0
    """The 1-based line that a unified diff names; 0: none."""
    bare_end: bool = False
    """The last new line has no line feed."""


@dataclass(slots=True)
class Section:
    """What a patch says of one file."""

    path: str
    op: Literal["add", "update", "delete"]
    moved_to: str = ""
    chunks: list[Chunk] = field(default_factory=list)


_TYPOGRAPHIC = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f"), '"'),
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2009\u202f\u3000"), " "),
}


def patched(section: Section, path: str, old: bytes | None) -> bytes | None:
    """The content of a file after its section of a patch; None when it is deleted."""
    if section.op == "add":
        return _joined([line for chunk in section.chunks for _, line in chunk.lines], section)
    if old is None:
        raise WorkspaceError(f"{path!r} does not exist: the patch cannot {section.op} it")
    if section.op == "delete":
        if section.chunks and _apply(section, path, old).strip():
            raise WorkspaceError(f"{path!r} holds more than the patch deletes")
        return None
    return _apply(section, path, old)


def _joined(lines: Sequence[bytes], section: Section) -> bytes:
    text = b"".join(line + b"\n" for line in lines)
    bare = bool(section.chunks) and section.chunks[-1].bare_end
    return text[:-1] if bare and text else text


def _apply(section: Section, path: str, old: bytes) -> bytes:
    lines, made, at = split_lines(old), list[bytes](), 0
    ending = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    bare = [_bare(line) for line in lines]
    for chunk in section.chunks:
        start = _place(chunk, path, bare, at)
        made += lines[at:start]
        at = start
        for tag, line in chunk.lines:
            if tag == "+":
                _end(made, ending)
                made.append(line + ending)
            else:
                if tag == " ":
                    made.append(lines[at])
                at += 1
        if chunk.bare_end and made and at == len(lines):
            made[-1] = _bare(made[-1])
    if at < len(lines):
        _end(made, ending)
    return b"".join(made + lines[at:])


def _end(made: list[bytes], ending: bytes) -> None:
    if made and not made[-1].endswith(b"\n"):
        made[-1] += ending


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _place(chunk: Chunk, path: str, lines: Sequence[bytes], at: int) -> int:
    for header in chunk.headers:
        found = _seek([header], lines, at)
        if found is None:
            raise WorkspaceError(f"the line {_text(header)!r} after @@ was not found in {path!r}")
        at = found + 1
    wanted = [line for tag, line in chunk.lines if tag != "+"]
    if not wanted:
        if chunk.old_start:
            # An insertion of a unified diff stands after the line that it names.
            return max(at, min(chunk.old_start, len(lines)))
        return at if chunk.headers else len(lines)
    if chunk.at_end and len(wanted) <= len(lines):
        found = _seek(wanted, lines, max(at, len(lines) - len(wanted)))
        if found is not None:
            return found
    found = _nearest(wanted, lines, at, chunk.old_start - 1) if chunk.old_start else _seek(wanted, lines, at)
    if found is None:
        shown = "\n".join(map(_text, wanted[:6])) + ("\n…" if len(wanted) > 6 else "")
        raise WorkspaceError(f"these lines of the patch were not found in {path!r}: read it again\n{shown}")
    return found


def _typographic(line: bytes) -> bytes:
    return (
        line.decode("utf-8", "surrogateescape").translate(_TYPOGRAPHIC).strip().encode("utf-8", "surrogateescape")
    )


_LENIENCY: tuple[Callable[[bytes], bytes], ...] = (bytes, bytes.rstrip, bytes.strip, _typographic)


def _seek(wanted: Sequence[bytes], lines: Sequence[bytes], start: int) -> int | None:
    for form in _LENIENCY:
        target = [form(line) for line in wanted]
        shaped = [form(line) for line in lines[start:]]
        for place in range(len(shaped) - len(target) + 1):
            if shaped[place] == target[0] and shaped[place : place + len(target)] == target:
                return start + place
    return None


def _nearest(wanted: Sequence[bytes], lines: Sequence[bytes], start: int, hint: int) -> int | None:
    for form in _LENIENCY:
        target = [form(line) for line in wanted]
        shaped = [form(line) for line in lines]
        fits = [
            place
            for place in range(start, len(shaped) - len(target) + 1)
            if shaped[place] == target[0] and shaped[place : place + len(target)] == target
        ]
        if fits:
            return min(fits, key=lambda place: abs(place - hint))
    return None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
