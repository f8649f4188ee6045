"""What the chat is made of: prompts, answers, reasoning, tool calls and notes, each laid out for a width.

A block is data and a function from width to rows. It holds source text, not rows: those of finished blocks are made
again when they come on the screen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from vtcode_tui.render import (
    MUTED,
    TEXT,
    CodeBlock,
    Line,
    MarkdownStream,
    Span,
    Style,
    StyleName,
    code_blocks,
    cut,
    fold,
    hard_fold,
    markdown,
    plain,
    plain_line,
    spans_of,
    width,
)

AT_ONCE = 0.008
"""Seconds that the laying out of an answer may take before keys are looked after again."""
_PART = 1_000
_LONG, _LONG_ROWS = 8_000, 200
"""Characters and rows of an answer above which it is laid out in parts again, too."""
GUTTER = 2
"""Cells left of every block, where its mark stands."""


@dataclass(slots=True, kw_only=True)
class Block:
    """One thing in the chat. `seq` is the event that began it, `call` the tool call it belongs to."""

    seq: int = 0
    turn: int = 0
    call: str = ""
    folded: bool = False
    foldable: bool = False

    def lay(self, cells: int) -> Sequence[Line]:
        """The rows for a width, the empty one before the block included."""
        raise NotImplementedError

    def lay_part(self, cells: int) -> Sequence[Line]:
        """The rows for a width; those of a first part, and more each time, while it is `behind`."""
        return self.lay(cells)

    def copy_text(self) -> str:
        """What the copy key takes."""
        return ""

    @property
    def live(self) -> bool:
        """Whether its rows may change without anybody telling the pane."""
        return False

    @property
    def behind(self) -> bool:
        """Whether more of it waits to be laid out than was done at once."""
        return False

    @property
    def again(self) -> bool:
        """Whether what is laid out in parts has been on the screen as a whole before."""
        return False


def _indented(rows: Sequence[Line], mark: Span | None = None) -> list[Line]:
    blank = Span(" " * GUTTER)
    first = Span(f"{mark.text:<{GUTTER}}", mark.style) if mark else blank
    return [
        row._replace(spans=((first if index == 0 else blank), *_flush(row))) if row.spans or index == 0 else row
        for index, row in enumerate(rows)
    ]


def _flush(row: Line) -> tuple[Span, ...]:
    """A wrapped row without the blank that it was broken at."""
    # Behind the blanks that a list sets its rows in by.
    edge = next((n for n, span in enumerate(row.spans) if span.style != MUTED or not span.text.isspace()), -1)
    if not row.joined or edge < 0 or row.spans[edge].text[:1] != " " or row.spans[edge].style.ground:
        return row.spans
    first = row.spans[edge]
    return (*row.spans[:edge], first._replace(text=first.text[1:]), *row.spans[edge + 1 :])


@dataclass(slots=True, kw_only=True)
class Said(Block):
    """What the person said."""

    text: str
    origin: str = "tui"

    def lay(self, cells: int) -> Sequence[Line]:
        """The rows for a width."""
        style = Style("human", "human")
        rows: list[Line] = []
        for text in plain(self.text).split("\n"):
            rows += fold(spans_of(text, style), cells - GUTTER - 1)
        shown = [
            Line((Span("▌ ", Style("accent", "human")), *row.spans), joined=row.joined, fill="human")
            for row in rows
        ]
        if self.origin in {"queue", "steer"}:
            note = "said during the turn" if self.origin == "steer" else "from the queue"
            shown.append(
                Line((Span("▌ ", Style("accent", "human")), Span(note, Style("muted", "human"))), fill="human")
            )
        return [Line(), *shown]

    def copy_text(self) -> str:
        """What the copy key takes."""
        return self.text


@dataclass(slots=True, kw_only=True)
class Answer(Block):
    """The model's words: a stream while they come, plain source afterwards."""

    source: str = ""
    stream: MarkdownStream | None = None
    void: str = ""
    """What came of it, where it broke off before it was whole."""
    _shown: list[Line] = field(default_factory=list)
    _kept: int = 0
    _whole: bool = False
    """Whether all of it has come."""
    _behind: bool = False
    _again: bool = False

    def lay(self, cells: int) -> Sequence[Line]:
        """The rows for a width; of one that has just come, those of a first part, and more each time."""
        inner = max(8, cells - GUTTER - 1)
        if self.stream is not None:
            shown = self._lay_stream(self.stream, inner)
            if self._whole and not self._behind:
                # The pane has the rows; they are made again if it lets them go.
                self.stream, self._shown, self._kept = None, [], 0
            return shown
        shown = [Line(), *_indented(markdown(self.source, inner))]
        if self.void:
            shown.append(Line((Span("  "), Span(plain_line(self.void), Style("caution")))))
        return shown

    def lay_part(self, cells: int) -> Sequence[Line]:
        """The same, also of a long one that was let go."""
        if self.stream is None and not self.void and len(self.source) > _LONG:
            self._begin(cells, self.source)
            self._whole = self._again = True
        return self.lay(cells)

    def _lay_stream(self, stream: MarkdownStream, cells: int) -> Sequence[Line]:
        """Only the rows that may still change are made again: a long answer costs no more than a short one."""
        if cells != stream.width and len(self._shown) > _LONG_ROWS:
            stream = self._begin(cells, stream.source)
            self._again = True
        elif cells != stream.width or not self._shown:
            stream.resize(cells)
            self._shown, self._kept = [Line()], 0
        until = time.perf_counter() + AT_ONCE
        self._behind = stream.advance(_PART)
        while self._behind and not stream.waits and time.perf_counter() < until:
            self._behind = stream.advance(_PART)
        self._again = self._again and self._behind
        if self._whole and not self._behind:
            stream.close()
        rows = stream.laid
        del self._shown[1 + self._kept :]
        self._shown += _indented(rows[self._kept :])
        self._kept = stream.final
        return self._shown

    @property
    def live(self) -> bool:
        """Whether pieces still come."""
        return self.stream is not None and not self._whole

    @property
    def behind(self) -> bool:
        """Whether more of it waits to be laid out than was done at once."""
        return self._behind

    @property
    def again(self) -> bool:
        """Whether what is laid out in parts has been on the screen as a whole before."""
        return self._again

    def feed(self, text: str) -> None:
        """Take the next piece."""
        self._whole = False
        (self.stream or self._begin(80, self.source)).feed(text)

    def _begin(self, cells: int, text: str) -> MarkdownStream:
        self.stream, self._shown, self._kept = MarkdownStream(cells), [], 0
        self.stream.feed(text)
        return self.stream

    def finish(self, text: str) -> None:
        """The whole is known; what was laid out of it so far holds, if it was the same text."""
        self.source, self._whole = text, True
        if self.void or self.stream is None or self.stream.source != text:
            self.stream, self._shown, self._kept, self._behind = None, [], 0, False
        if self.stream is None and not self.void and len(text) > _PART:
            self._begin(80, text)

    def copy_text(self) -> str:
        """What the copy key takes."""
        return self.stream.source if self.stream is not None and not self._whole else self.source

    def code(self) -> tuple[CodeBlock, ...]:
        """Its fenced blocks, for the copy key."""
        return code_blocks(self.copy_text())


@dataclass(slots=True, kw_only=True)
class Thought(Block):
    """The model's reasoning, folded to its first words unless opened."""

    text: str = ""
    done: bool = False
    folded: bool = True
    foldable: bool = True
    parts: list[str] = field(default_factory=list)

    def feed(self, text: str) -> None:
        """Take the next piece."""
        self.parts.append(text)

    @property
    def live(self) -> bool:
        """Whether pieces still come."""
        return not self.done

    def copy_text(self) -> str:
        """What the copy key takes."""
        return self.text or "".join(self.parts)

    def lay(self, cells: int) -> Sequence[Line]:
        """The rows for a width."""
        style = Style("thought")
        source = plain(self.copy_text().strip())
        if self.folded:
            words = source.rsplit("\n", 1)[-1] if not self.done else source.split("\n", 1)[0]
            head = "thinking" if not self.done else "thought"
            text = cut(words.strip("*# "), max(1, cells - GUTTER - len(head) - 3))
            return [Line(), Line((Span("∴ ", MUTED), Span(f"{head}  ", MUTED), *spans_of(text, style)))]
        rows: list[Line] = []
        for text in source.split("\n"):
            rows += fold(spans_of(text, style), cells - GUTTER - 2)
        return [Line(), *_indented(rows, Span("∴", MUTED))]


State = Literal["asked", "waiting", "running", "ok", "error", "denied", "expired", "unattended", "interrupted"]
_MARKS: dict[str, tuple[str, StyleName]] = {
    "asked": ("·", "muted"),
    "waiting": ("◆", "caution"),
    "running": ("▸", "accent"),
    "ok": ("✓", "good"),
    "error": ("✗", "bad"),
    "denied": ("⊘", "bad"),
    "expired": ("⊘", "caution"),
    "unattended": ("⊘", "caution"),
    "interrupted": ("■", "caution"),
    "invalid": ("✗", "bad"),
    "unknown": ("?", "caution"),
}
OUTPUT_ROWS = 200
"""Rows of a result that an opened call shows; the rest is in the terminal pane and on disk."""


@dataclass(slots=True, kw_only=True)
class ToolCall(Block):
    """A tool call: one row, opened to what was asked, decided and answered."""

    tool: str
    subject: str
    """What it works on in one line: the command, the path."""
    details: tuple[tuple[str, str], ...] = ()
    state: str = "asked"
    verdict: str = ""
    approved: str = ""
    summary: str = ""
    result: str = ""
    duration_ms: int = 0
    waited_ms: int = 0
    """How much of that it waited for the human."""
    files: list[str] = field(default_factory=list)
    began: str = ""
    """The event that this call began with."""
    steps: tuple[str, ...] = ()
    """The calls of a sub-task, as far as it has come."""
    waits: tuple[str, ...] = ()
    """Those of them that wait for the human."""
    denials: list[str] = field(default_factory=list)
    folded: bool = True
    foldable: bool = True

    def copy_text(self) -> str:
        """What the copy key takes."""
        return self.result or self.subject

    def lay(self, cells: int) -> Sequence[Line]:
        """The rows for a width."""
        mark, colour = _MARKS.get(self.state, ("·", "muted"))
        tail = self._tail()
        room = max(8, cells - GUTTER - width(self.tool) - width(tail) - 4)
        subject = cut(plain_line(self.subject[: 4 * room]), room)
        gap = " " * max(1, cells - GUTTER - width(self.tool) - 2 - width(subject) - width(tail) - 1)
        head = Line(
            (
                Span(f"{mark} ", Style(colour)),
                Span(f"{self.tool}  ", Style("accent")),
                *spans_of(subject, Style("code")),
                Span(gap),
                Span(tail, Style(colour) if self.state not in {"ok", "asked"} else MUTED),
            )
        )
        rows = [head, *self._denied(cells)]
        return rows if self.folded else [*rows, *self._opened(cells)]

    def _tail(self) -> str:
        words = {"waiting": "waits for you", "running": "running", "asked": ""}.get(self.state)
        if words is not None and self.steps:
            words = f"{len(self.steps)} call{'s' if len(self.steps) > 1 else ''}, {words}"
        if words is None:
            words = (self.summary if self.state in {"ok", "error"} else "") or self.state
            words = cut(plain_line(words), 36)
        took = self.duration_ms - self.waited_ms
        if took >= 100:
            words += f"  {took / 1000:.1f}s"
        return words

    def _denied(self, cells: int) -> list[Line]:
        rows: list[Line] = []
        for text in self.denials:
            rows += _indented(fold(spans_of(plain_line(text), Style("bad")), cells - 6), Span("", TEXT))
        return [Line((Span("  "), *row.spans)) for row in rows]

    def _opened(self, cells: int) -> list[Line]:
        rows: list[Line] = []
        for label, text in (*self.details, ("policy", self.verdict), ("approved", self.approved)):
            if text:
                rows += _labelled(label, text, cells)
        if self.steps:
            rows += _labelled("calls", "\n".join(self.steps), cells)
        if self.files:
            rows += _labelled("files", "\n".join(self.files), cells)
        if self.result:
            lines = plain(self.result).rstrip("\n").split("\n")
            for text in lines[:OUTPUT_ROWS]:
                body = hard_fold(spans_of(text, Style("code", "code")), cells - 7)
                rows += [Line((Span("    "), *row.spans), joined=row.joined, fill="code") for row in body]
            if len(lines) > OUTPUT_ROWS:
                rows.append(Line((Span(f"    … {len(lines) - OUTPUT_ROWS} more lines", MUTED),)))
        return rows


def _labelled(label: str, text: str, cells: int) -> list[Line]:
    rows: list[Line] = []
    for index, part in enumerate(plain(text).split("\n")):
        body = hard_fold(spans_of(part, Style("code")), max(8, cells - 15))
        for number, row in enumerate(body):
            head = f"    {label if index == number == 0 else '':<9} "
            rows.append(Line((Span(head, MUTED), *row.spans), joined=row.joined))
    return rows


@dataclass(slots=True, kw_only=True)
class Note(Block):
    """A sentence of the program about what happened."""

    text: str
    style: StyleName = "muted"
    mark: str = "·"
    tight: bool = True

    def lay(self, cells: int) -> Sequence[Line]:
        """The rows for a width."""
        rows: list[Line] = []
        for text in plain(self.text).split("\n"):
            rows += fold(spans_of(text, Style(self.style)), cells - GUTTER - 1)
        shown = _indented(rows, Span(self.mark, Style(self.style)))
        return shown if self.tight else [Line(), *shown]

    def copy_text(self) -> str:
        """What the copy key takes."""
        return self.text
