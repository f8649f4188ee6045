"""Markdown that arrives in pieces: finished blocks are laid out once, only the unstable end again.

A top-level block is finished when the next one has begun on a complete line. An open code fence is finished every
few lines, so that a long listing costs no more than a short one. The cuts depend on the text alone, never on how it
was cut into pieces: fed at once or by the letter, the same lines come out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token
from pygments.lexer import Lexer

from vtcode_tui.render.markdown_layout import code_rows, fence_head, language_of, lay
from vtcode_tui.render.markdown_parse import blocks, settled, with_words
from vtcode_tui.render.safety import plain
from vtcode_tui.render.syntax import START, Stack, highlight, known, lexer_named
from vtcode_tui.render.types import Line

_BLOCK = 8_192
"""Characters of one block that are laid out as one; a longer paragraph or list is cut at a line end."""
_FIRST_LOOK = 2_048
_WINDOW = 2 * _BLOCK
"""Characters that are parsed in search of finished blocks: few at first, more while none is found."""
_LISTING = 8
"""Lines of an open code fence that are finished together."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)\n?")
_LISTING_BEGINS = re.compile(r"^[ \t>*+\-\d.)]*(?:`{3,}|~{3,})[ \t]*([^\s`~{]+)", re.MULTILINE)
_FENCE_BEGUN = re.compile(r"(?:\A|(?<=\n)) {0,3}[`~]+\Z")


@dataclass(slots=True)
class _Listing:
    """A code fence, or the part of one that is complete."""

    info: str
    lexer: Lexer | None
    indent: int
    close: re.Pattern[str]
    stack: Stack = START


@dataclass(slots=True)
class _Section:
    """A finished stretch of the text: Markdown to be parsed, or lines of code to be lexed from `stack`."""

    source: str
    listing: _Listing | None = None
    stack: Stack = START
    head: bool = False


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block as it can be copied."""

    language: str
    text: str


@dataclass(slots=True)
class MarkdownStream:
    """One answer while it is written, and after: `feed` text, read `lines`.

    Feeding costs next to nothing; reading `lines` lays out what came since. The first `final` of the lines do not
    change any more (until `resize`).
    """

    width: int
    _sections: list[_Section] = field(default_factory=list)
    _rows: list[Line] = field(default_factory=list)
    _final: int = 0
    _rest: str = ""
    _fed: list[str] = field(default_factory=list)
    _open: _Listing | None = None
    waits: bool = False
    """Whether the next of what came waits for the rules of its language, which are being compiled."""
    _closed: bool = False
    _dirty: bool = False
    _unfinished: list[Token] | None = None
    """The blocks of the rest, when they have just been parsed."""

    def feed(self, text: str) -> None:
        """Take the next piece of the answer."""
        if text:
            self._fed.append(text)
            self._dirty = True

    def close(self) -> None:
        """The answer is complete: everything becomes final."""
        self._closed = True
        self._dirty = True
        self._update()

    def resize(self, width: int) -> None:
        """Lay everything out for another width, when next read."""
        if width == self.width:
            return
        self.width = width
        sections, self._sections, self._rows, self._final = self._sections, [], [], 0
        for section in sections:
            self._finish(section)
        self._dirty = True

    def advance(self, most: int) -> bool:
        """Lay out at most so many characters of what came; whether more waits. Not after `close`."""
        self._update(most)
        return self._dirty

    @property
    def laid(self) -> Sequence[Line]:
        """The rows of what has been laid out; as `lines` when nothing waits."""
        return self._rows

    @property
    def lines(self) -> Sequence[Line]:
        """All rows as of now. The list is the stream's own: do not keep it over a `feed`."""
        self._update()
        return self._rows

    @property
    def final(self) -> int:
        """How many of the first rows that are laid out will stay as they are."""
        return self._final

    @property
    def source(self) -> str:
        """The Markdown as it came, with line feeds as its only line ends."""
        return "".join(section.source for section in self._sections) + self._rest + "".join(self._fed)

    @property
    def code_blocks(self) -> tuple[CodeBlock, ...]:
        """The fenced blocks so far, for a copy key."""
        return code_blocks(self.source)

    def _update(self, most: int | None = None) -> None:
        if not self._dirty:
            return
        text = "".join(self._fed)
        self._fed.clear()
        end = len(text) if most is None else self._until_unknown(text[:most])
        self._dirty = end < len(text)
        self.waits = self._dirty and not end
        if self._dirty:
            self._fed.append(text[end:])
            text = text[:end]
        if self.waits:
            return
        if text.endswith("\r") and not self._closed:  # perhaps half of a line end: it waits for the next piece
            self._fed.insert(0, "\r")
            text = text[:-1]
        self._rest += settled(text)
        self._unfinished = None
        if "\n" in text or self._closed or len(self._rest) > _BLOCK:
            while self._advance():
                pass
        del self._rows[self._final :]
        if self._closed and self._rest:
            self._finish(self._as_section(self._rest), self._unfinished)
            self._rest = ""
        elif self._rest:
            shown = _FENCE_BEGUN.sub("", self._rest) if self._open else self._rest
            self._rows.extend(self._lay(self._as_section(shown), self._unfinished)[0])

    def _until_unknown(self, text: str) -> int:
        """How many characters come before code in a language whose rules are not compiled yet."""
        line = self._rest.rpartition("\n")[2]
        for found in _LISTING_BEGINS.finditer(line + text):
            if not known(found[1]):
                return max(0, found.start() - len(line))
        return len(text)

    def _as_section(self, text: str) -> _Section:
        if self._open:
            return _Section(text, self._open, self._open.stack)
        return _Section(text)

    def _advance(self) -> bool:
        """Move what is finished at the front of the rest to the sections; False when nothing was."""
        if self._open:
            return self._advance_listing(self._open)
        window = _FIRST_LOOK
        while not self._take_from(self._rest[:window]):
            if window >= min(_WINDOW, len(self._rest)):
                if len(self._rest) <= _BLOCK:
                    return False
                self._take(_cut(self._rest))
                break
            window *= 2
        return True

    def _take_from(self, text: str) -> bool:
        tokens = blocks(text)
        self._unfinished = tokens if len(text) == len(self._rest) else None
        tops = _tops(text, tokens)
        taken = 0
        for top, after in zip(tops, [*tops[1:], None], strict=False):
            if top.fence and top.complete:
                if top.offset > taken:
                    self._take(top.offset - taken)
                self._open = _listing(top.fence)
                self._take(top.fence.end() - top.offset, listing=self._open)
                return True
            if after is None or not after.complete or after.offset - taken > _BLOCK:
                break
            self._take(after.offset - taken, tokens=tokens[top.token : after.token])
            taken = after.offset
        return taken > 0

    def _take(self, size: int, *, tokens: list[Token] | None = None, listing: _Listing | None = None) -> None:
        source, self._rest = self._rest[:size], self._rest[size:]
        self._unfinished = None
        self._finish(_Section(source, listing, head=listing is not None), tokens)

    def _advance_listing(self, listing: _Listing) -> bool:
        end = 0
        for _ in range(_LISTING):
            feed = self._rest.find("\n", end)
            text = self._rest[end : feed if feed >= 0 else None]
            if (feed >= 0 or self._closed) and listing.close.fullmatch(text):
                stop = feed + 1 if feed >= 0 else len(self._rest)
                self._finish_code(listing, self._rest[:end], closing=self._rest[end:stop])
                self._rest = self._rest[stop:]
                self._open = None
                return True
            if feed < 0:
                return False
            end = feed + 1
        self._finish_code(listing, self._rest[:end])
        self._rest = self._rest[end:]
        return True

    def _finish_code(self, listing: _Listing, source: str, closing: str = "") -> None:
        section = _Section(source, listing, listing.stack)
        if source:
            listing.stack = self._finish(section)
        if closing:
            self._sections.append(_Section(closing, None, head=True))

    def _finish(self, section: _Section, tokens: list[Token] | None = None) -> Stack:
        del self._rows[self._final :]
        rows, stack = self._lay(section, tokens)
        self._sections.append(section)
        self._rows.extend(rows)
        self._final = len(self._rows)
        return stack

    def _lay(self, section: _Section, tokens: list[Token] | None = None) -> tuple[list[Line], Stack]:
        listing = section.listing
        if listing is None:
            if section.head:  # the line that closes a fence
                return [], START
            rows = lay(with_words(blocks(section.source) if tokens is None else tokens), self.width)
            if rows and self._final:
                rows.insert(0, Line())
            return rows, START
        if section.head:
            gap = [Line()] if self._final else []
            return [*gap, *fence_head(listing.info, self.width)], START
        lines = [line[_indent(line, listing.indent) :] for line in _lines(section.source)]
        styled, stack = highlight([plain(line) for line in lines], listing.lexer, section.stack)
        return code_rows(styled, self.width), stack


@dataclass(frozen=True, slots=True)
class _Top:
    """Where a top-level block begins."""

    offset: int
    token: int
    complete: bool
    """Whether its first line has ended."""
    fence: re.Match[str] | None


def _lines(source: str) -> list[str]:
    lines = source.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _indent(text: str, most: int) -> int:
    return min(most, len(text) - len(text.lstrip(" ")))


def _tops(text: str, tokens: Sequence[Token]) -> list[_Top]:
    """The top-level blocks of a text."""
    tops: list[_Top] = []
    offset = line = 0
    for number, token in enumerate(tokens):
        if token.level == 0 and token.map and token.nesting >= 0:
            while line < token.map[0]:
                offset = text.find("\n", offset) + 1
                line += 1
            fence = _FENCE.match(text, offset) if token.type == "fence" else None
            tops.append(_Top(offset, number, text.find("\n", offset) >= 0, fence))
    return tops


def _cut(text: str) -> int:
    end = text.rfind("\n", 0, _BLOCK) + 1
    return end or _BLOCK


def _listing(opening: re.Match[str]) -> _Listing:
    marker, info = opening.groups()
    indent = len(opening.group()) - len(opening.group().lstrip(" "))
    close = re.compile(f" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*")
    return _Listing(plain(info), lexer_named(language_of(info)), indent, close)


def code_blocks(source: str) -> tuple[CodeBlock, ...]:
    """Every fenced or indented block of a Markdown text, as it can be copied."""
    return tuple(
        CodeBlock(language_of(token.info), token.content)
        for token in blocks(source)
        if token.type in {"fence", "code_block"}
    )


def markdown(text: str, width: int) -> list[Line]:
    """A whole Markdown text as rows."""
    stream = MarkdownStream(width)
    stream.feed(text)
    stream.close()
    return list(stream.lines)
