"""A question over the work: words, and answers by chords that nothing typed ahead can give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from vtcode_tui.common.clock import local
from vtcode_tui.render import MUTED, TEXT, Line, Span, Style, cut, fold, plain_line, spans_of
from vtcode_tui.tui.keys import shown
from vtcode_tui.tui.panes.heading import Heading, Keys, facts
from vtcode_tui.tui.sheet import Sheet

if TYPE_CHECKING:
    from vtcode_tui.sessions import Meta


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its key, what it is called in the result, and its words."""

    key: str
    name: str
    words: str


def keys_of(answers: Sequence[Answer]) -> list[BindingType]:
    """The bindings of the answers."""
    return [Binding(one.key, f"answer('{one.name}')", one.words, priority=True, show=False) for one in answers]


def words(text: str, cells: int, style: Style = TEXT) -> list[Line]:
    """A sentence, wrapped and a little indented."""
    return fold(spans_of(plain_line(text), style), cells, first=(Span("  "),), rest=(Span("  "),))


def session_facts(meta: Meta, cells: int, untitled: str) -> list[Line]:
    """What a session is recognised by: its first prompt, or `untitled`, its beginning and its turns."""
    return [
        facts("prompt", *spans_of(cut(plain_line(meta.title or untitled), max(8, cells - 12)))),
        facts("begun", *spans_of(plain_line(" ".join(local(meta.started))))),
        facts("turns", *spans_of(str(meta.turns))),
    ]


class Words(Sheet):
    """Rows that are laid out for a number of cells."""

    def __init__(self, lay: Callable[[int], list[Line]]) -> None:
        super().__init__(id="question-text")
        self._lay = lay
        self._rows: list[Line] = []

    def redraw(self) -> None:
        """Lay the words out."""
        self._rows = self._lay(self.text_width - 2)
        super().redraw()

    def row_count(self) -> int:
        """All rows."""
        return len(self._rows)

    def row(self, y: int) -> Line:
        """One of them."""
        return self._rows[y]


class Question(ModalScreen[str]):
    """Gives the name of the answer; Escape gives the last one, which must change nothing."""

    TITLE_WORD: ClassVar[str] = ""
    ANSWERS: ClassVar[Sequence[Answer]] = ()
    BINDINGS: ClassVar[list[Any]] = [Binding("ctrl+q", "app.leave", priority=True, show=False)]

    def lay(self, cells: int) -> list[Line]:
        """The words of the question."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """A heading, the words, the answers."""
        with Vertical(id="question"):
            yield Heading(self.TITLE_WORD)
            yield Words(self.lay)
            yield Keys(id="question-keys")

    def on_mount(self) -> None:
        """Show the keys."""
        self.query_one(Heading).tell("", "")
        last = self.query_one(Keys)
        spans: list[Span] = [Span("  ")]
        clicks: dict[str, str] = {}
        for place, answer in enumerate((*self.ANSWERS, Answer("ctrl+q", "", "leave"))):
            text = f" {shown(answer.key)} {answer.words} "
            clicks[text] = f"screen.answer('{answer.name}')" if answer.name else "app.leave"
            spans += [Span(text, MUTED if place else Style("good", "human", bold=True)), Span(" ")]
        last.show(tuple(spans), actions=clicks)
        self.query_one(Words).focus()

    def action_answer(self, name: str) -> None:
        """Take the answer."""
        self.dismiss(name)
