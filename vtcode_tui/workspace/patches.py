"""Patches as models write them, read into sections: the `*** Begin Patch` notation and unified diffs.

Standard library only. Forgiving where no meaning is lost: blanks around markers, a here-document around the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.workspace.patching import Chunk, Section

_BEGIN, _END, _EOF, _MOVE = "*** Begin Patch", "*** End Patch", "*** End of File", "*** Move to:"
_MARKS: tuple[tuple[str, Literal["add", "update", "delete"]], ...] = (
    ("*** Add File:", "add"),
    ("*** Update File:", "update"),
    ("*** Delete File:", "delete"),
)
_RANGE = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def paths_of(text: str) -> list[str]:
    """Every path that a patch names, in order, sources and targets of moves; raises WorkspaceError for no patch."""
    names = [name for section in parse_patch(text) for name in (section.path, section.moved_to) if name]
    return list(dict.fromkeys(names))


def parse_patch(text: str) -> list[Section]:
    """The sections of a patch in either format; raises WorkspaceError with the line that is wrong."""
    whole = text.replace("\r\n", "\n").split("\n")
    lines = list(whole)
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    if len(lines) > 2 and re.fullmatch(r"<<\s*['\"]?(\w+)['\"]?", lines[0].strip()):
        lines = lines[1:-1]
    if lines and lines[0].strip() == _BEGIN:
        return read_marked(lines)
    if any(line.startswith(("--- ", "diff --git ")) for line in lines):
        return read_unified(whole)  # a blank line at its end may be a line of a file
    raise WorkspaceError(f"this is no patch: it should start with {_BEGIN!r} or be a unified diff")


def read_marked(lines: Sequence[str]) -> list[Section]:
    """The `*** Begin Patch` notation; `lines` start with its first marker."""
    sections: list[Section] = []
    ended = False
    for number, line in enumerate(lines[1:], 2):
        bare = line.strip()
        if ended:
            raise WorkspaceError(f"line {number} of the patch stands after {_END!r}")
        if bare == _END:
            ended = True
        elif mark := next(((m, op) for m, op in _MARKS if bare.startswith(m)), None):
            sections.append(Section(_named(bare.removeprefix(mark[0]), number), mark[1]))
        elif not sections:
            raise WorkspaceError(
                f"line {number} of the patch should name a file (*** Update File: path), found {line!r}"
            )
        elif bare.startswith(_MOVE) and sections[-1].op == "update" and not sections[-1].chunks:
            sections[-1].moved_to = _named(bare.removeprefix(_MOVE), number)
        else:
            _marked_line(sections[-1], line, number)
    if not ended:
        raise WorkspaceError(f"the patch does not end with {_END!r}: nothing of it was applied")
    if not sections:
        raise WorkspaceError("the patch names no file")
    for section in sections:
        _complete(section)
    return sections


def _named(text: str, number: int) -> str:
    if not text.strip():
        raise WorkspaceError(f"line {number} of the patch names no file")
    return text.strip()


def _marked_line(section: Section, line: str, number: int) -> None:
    bare = line.strip()
    if section.op == "delete":
        if bare:
            raise WorkspaceError(f"line {number} of the patch: a deleted file has no lines, found {line!r}")
        return
    if section.op == "add":
        if not line.startswith("+"):
            raise WorkspaceError(f"line {number} of the patch: a line of a new file starts with +, found {line!r}")
        if not section.chunks:
            section.chunks.append(Chunk())
        section.chunks[0].lines.append(("+", _bytes(line[1:])))
        return
    if bare == "@@" or bare.startswith("@@ "):
        header = bare[2:].strip().removesuffix("@@").strip()
        if not section.chunks or section.chunks[-1].lines:
            section.chunks.append(Chunk())
        if header and not re.fullmatch(r"-\d+(,\d+)? \+\d+(,\d+)?", header):
            section.chunks[-1].headers.append(_bytes(header))
    elif bare == _EOF:
        if section.chunks:
            section.chunks[-1].at_end = True
    else:
        if not section.chunks:
            section.chunks.append(Chunk())
        _content_line(section.chunks[-1], line, number)


def _content_line(chunk: Chunk, line: str, number: int) -> None:
    if not line:
        chunk.lines.append((" ", b""))  # an empty context line whose blank was lost on the way
        return
    tag, text = line[0], line[1:]
    if tag not in " +-":
        raise WorkspaceError(f"line {number} of the patch should start with a blank, + or -, found {line!r}")
    chunk.lines.append((tag, _bytes(text)))  # type: ignore[arg-type]  # one of three, as the line above checked


def _complete(section: Section) -> None:
    while section.chunks and not section.chunks[-1].lines:
        if section.chunks[-1].headers:
            raise WorkspaceError(f"the patch of {section.path!r} ends with an @@ that nothing follows")
        section.chunks.pop()
    if section.op == "update" and not section.chunks and not section.moved_to:
        raise WorkspaceError(f"the patch of {section.path!r} changes nothing")


class _Unified:
    """A reader of unified diffs, line by line; counts the lines that each range announces."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.old, self.moved_from, self.moved_to = "", "", ""
        self.left_old = self.left_new = 0

    def take(self, line: str, number: int) -> None:
        if self.left_old > 0 or self.left_new > 0:
            self._content(line, number)
        elif line.startswith("diff --git "):
            self.old = self.moved_from = self.moved_to = ""
        elif line.startswith("--- "):
            self.old = _name(line)
        elif line.startswith("+++ "):
            self._file(_name(line), number)
        elif line.startswith("@@"):
            self._range(line, number)
        elif line.startswith("rename from "):
            self.moved_from = line.removeprefix("rename from ")
        elif line.startswith("rename to "):
            self.moved_to = line.removeprefix("rename to ")
            self.sections.append(Section(self.moved_from, "update", self.moved_to))
        elif line.startswith(("GIT binary patch", "Binary files ")):
            raise WorkspaceError(f"line {number} of the patch is binary: write the file with a command instead")
        elif line.startswith("\\") and self.sections and self.sections[-1].chunks:
            self._no_line_feed()

    def _file(self, new: str, number: int) -> None:
        if self.moved_to:
            return
        if self.old == "/dev/null":
            self.sections.append(Section(_stripped(new, "b/"), "add"))
        elif new == "/dev/null":
            self.sections.append(Section(_stripped(self.old, "a/"), "delete"))
        elif self.old:
            both = self.old.startswith("a/") and new.startswith("b/")
            self.sections.append(Section(new[2:] if both else new, "update"))
        else:
            raise WorkspaceError(f"line {number} of the patch has +++ without --- before it")

    def _range(self, line: str, number: int) -> None:
        found = _RANGE.match(line)
        if not found or not self.sections:
            raise WorkspaceError(
                f"line {number} of the patch should be @@ -line,count +line,count @@, found {line!r}"
            )
        self.left_old = int(found[2]) if found[2] is not None else 1
        self.left_new = int(found[4]) if found[4] is not None else 1
        # A range without old lines names the line that it stands after.
        self.sections[-1].chunks.append(Chunk(old_start=int(found[1])))

    def _content(self, line: str, number: int) -> None:
        if line.startswith("\\"):
            self._no_line_feed()
            return
        chunk = self.sections[-1].chunks[-1]
        _content_line(chunk, line, number)
        tag = chunk.lines[-1][0]
        self.left_old -= tag != "+"
        self.left_new -= tag != "-"

    def _no_line_feed(self) -> None:
        chunk = self.sections[-1].chunks[-1]
        if chunk.lines and chunk.lines[-1][0] != "-":
            chunk.bare_end = True


def read_unified(lines: Sequence[str]) -> list[Section]:
    """The notation of `diff -u` and `git diff`."""
    reader = _Unified()
    for number, line in enumerate(lines, 1):
        reader.take(line, number)
    if reader.left_old > 0 or reader.left_new > 0:
        raise WorkspaceError("the patch ends in the middle of a hunk: nothing of it was applied")
    if not reader.sections:
        raise WorkspaceError("the patch names no file")
    return reader.sections


def _name(line: str) -> str:
    return line[4:].split("\t")[0].rstrip()


def _stripped(name: str, prefix: str) -> str:
    return name.removeprefix(prefix)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
