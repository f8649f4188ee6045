"""The session under the cursor of the picker: what it is, and the end of its conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from vtcode_tui.common.clock import local
from vtcode_tui.llm.messages import Message, Text, ToolUse
from vtcode_tui.render import MUTED, Line, Span, Style, cut, fold, plain, plain_line, spans_of
from vtcode_tui.sessions import Listed, conversation_of, parse
from vtcode_tui.tui.panes.heading import facts
from vtcode_tui.tui.sheet import Sheet

PREVIEWED = 40
"""Parts of a conversation that the preview shows, from its end."""
Part: TypeAlias = tuple[Span, Style, str]
"""Words of a conversation: the mark before them, how they look, what they are."""


def _shown(message: Message) -> Iterator[Part]:
    """What the chat would show of a message: its words, whose they are, and the tools that were asked for."""
    for part in message.parts:
        if isinstance(part, ToolUse):
            yield Span("   ▸ ", MUTED), MUTED, plain_line(part.name)
        elif isinstance(part, Text) and part.by in {"prompt", "steer"} and part.text.strip():
            mine = message.role == "user"
            mark = Span(" ▌ ", Style("accent")) if mine else Span("   ")
            yield mark, Style("human" if mine else "text"), plain(part.text.strip())


class Ending(NamedTuple):
    """What is shown of a conversation: its last parts, and whether it was edited by hand."""

    parts: tuple[Part, ...]
    modified: bool


def ending_of(listed: Listed) -> Ending | None:
    """The end of a session's conversation; None where it was deleted. Raises OSError."""
    if not listed.has_conversation:
        return None
    parsed = parse((listed.folder / "session.md").read_bytes())
    parts: list[Part] = []
    for message in reversed(conversation_of(parsed.items).messages):
        parts[:0] = _shown(message)
        if len(parts) >= PREVIEWED:
            break
    return Ending(tuple(parts[-PREVIEWED:]), bool(parsed.modified))


def preview_of(listed: Listed, cells: int, ending: Ending | None) -> list[Line]:
    """What a session is, and the end of its conversation."""
    meta = listed.meta
    rows = [
        Line(spans_of(f" {cut(plain_line(meta.title or 'no prompt yet'), cells - 2)}", Style("heading"))),
        facts("folder", *spans_of(cut(plain_line(meta.workspace), max(8, cells - 13)))),
        facts("begun", *spans_of(plain_line(" ".join(local(meta.started))))),
        facts("model", *spans_of(plain_line(meta.model or "none"))),
        facts("id", *spans_of(plain_line(meta.id), MUTED)),
    ]
    if meta.parent:
        rows.append(facts("copy of", *spans_of(plain_line(meta.parent), MUTED)))
    rows.append(Line())
    if ending is None:
        return [
            *rows,
            *fold((Span("The conversation was deleted; its journal can still be replayed.", MUTED),), cells),
        ]
    if ending.modified:
        rows += [*fold((Span(" session.md was edited by hand", Style("caution")),), cells), Line()]
    for mark, style, text in ending.parts:
        if style == MUTED:
            rows.append(Line((mark, *spans_of(text, style))))
            continue
        for line in text.split("\n")[:12]:
            rows += fold(spans_of(line, style), max(8, cells - 2), first=(mark,), rest=(mark,))
        rows.append(Line())
    return rows


def _ending_or_error(listed: Listed) -> Ending | OSError | None:
    try:
        return ending_of(listed)
    except OSError as error:
        return error


class Preview(Sheet, can_focus=False):
    """The session under the cursor."""

    def __init__(self) -> None:
        super().__init__(id="session-preview")
        self._rows: list[Line] = []
        self._asked: Listed | None = None
        self._listed: Listed | None = None
        self._ending: Ending | OSError | None = None

    def show_session(self, listed: Listed | None) -> None:
        """Show another one, as soon as it has been read; until then the one before stays."""
        if listed is not self._asked or listed is None:
            self._asked = listed
            self.run_worker(self._read(listed), exclusive=True, exit_on_error=True)

    async def _read(self, listed: Listed | None) -> None:
        # Beside the loop: a long conversation takes a tenth of a second and more.
        ending = None if listed is None else await asyncio.to_thread(_ending_or_error, listed)
        self._listed, self._ending = listed, ending
        self.redraw()
        self.scroll_to(y=0, animate=False, immediate=True)

    def redraw(self) -> None:
        """Lay it out for the width."""
        if self.is_mounted and self.size.width:
            if self._listed is None:
                self._rows = []
            elif isinstance(self._ending, OSError):
                self._rows = [Line(spans_of(f" it cannot be read: {self._ending.strerror}", Style("bad")))]
            else:
                self._rows = preview_of(self._listed, self.text_width - 1, self._ending)
        super().redraw()

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]
