"""The prompt: several lines, history, completion of @files and /commands, chips for pictures and long pastes.

It knows no core. What was written leaves as a message; candidates for `@` are asked for by a message and given
back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from vtcode_tui.render import MUTED, Ground, Line, Span, Style, cut, plain, plain_line, spans_of
from vtcode_tui.tui.attachments import Picture, pictures_in
from vtcode_tui.tui.commands import matching, parse, unknown
from vtcode_tui.tui.curtain import PLACEHOLDER
from vtcode_tui.tui.history import History
from vtcode_tui.tui.keys import PROMPT, bindings
from vtcode_tui.tui.sheet import Sheet
from vtcode_tui.tui.vim import Vim
from vtcode_tui.tui.writing import Writing

if TYPE_CHECKING:
    from textual import events

LONG_PASTE = 12
_WORD = re.compile(r"(?:^|(?<=\s))@([^\s@]*)\Z")
_PASTED = re.compile(r"\[pasted (\d+) lines #(\d+)\]")
_PICTURE = re.compile(r"\[image #(\d+) [^\]\n]*\]")
_CHIP = re.compile(rf"(?:{_PASTED.pattern}|{_PICTURE.pattern}) ?\Z")
KEPT_PICTURES = 20
"""Pictures that a chip may still name, sent ones among them: an earlier prompt can be sent again."""


class Suggestions(Sheet, can_focus=False):
    """The completions of the word before the cursor, above the prompt."""

    ROWS = 8

    def __init__(self) -> None:
        super().__init__(id="suggestions")
        self.choices: list[tuple[str, str]] = []
        self.chosen = 0

    def show(self, choices: list[tuple[str, str]]) -> None:
        """Other candidates: what would be inserted, and a word about it."""
        if not choices and not self.display:
            return
        self.choices = choices[:50]
        self.chosen = 0
        self.display = bool(choices)
        self.styles.height = min(self.ROWS, len(self.choices))
        self.redraw()

    def move(self, delta: int) -> None:
        """Choose another one."""
        if self.choices:
            self.chosen = (self.chosen + delta) % len(self.choices)
            self.redraw()
            self.show_row(self.chosen)

    class Taken(Message):
        """One of them was clicked."""

    def on_click(self, event: events.Click) -> None:
        """A click takes one."""
        y = event.y + int(self.scroll_offset.y)
        if y < len(self.choices):
            self.move(y - self.chosen)
            self.post_message(self.Taken())

    def row_count(self) -> int:
        """One per candidate."""
        return len(self.choices)

    def row(self, y: int) -> Line:
        """One candidate."""
        text, about = self.choices[y]
        chosen = y == self.chosen
        ground: Ground = "human" if chosen else ""
        name = cut(plain_line(text), 60)
        style = Style("accent", ground, bold=chosen)
        mark = Span(" ❯ " if chosen else "   ", style)
        return Line(
            (mark, *spans_of(f"{name:<14} ", style), Span(about, MUTED._replace(ground=ground))), fill=ground
        )


class Prompt(Writing):
    """Where the person writes."""

    BINDINGS = bindings(PROMPT)

    class Sent(Message):
        """A prompt to be sent; `steer` asks for the running turn's next pause."""

        def __init__(self, text: str, *, steer: bool = False, pictures: tuple[Picture, ...] = ()) -> None:
            super().__init__()
            self.text, self.steer, self.pictures = text, steer, pictures

    class Wanted(Message):
        """Candidates for `@word` are wanted."""

        def __init__(self, query: str) -> None:
            super().__init__()
            self.query = query

    class Search(Message):
        """The person wants to search the history."""

    class Editing(Message):
        """The person wants to write in their own editor."""

    class TakeBack(Message):
        """The person wants the prompt that was queued last back, to change it."""

    class Complaint(Message):
        """Something cannot be sent, and why."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, suggestions: Suggestions, history: History) -> None:
        super().__init__(id="prompt", placeholder=PLACEHOLDER)
        self.suggestions = suggestions
        self.earlier = history
        self._pastes: dict[int, str] = {}
        self._pictures: dict[int, Picture] = {}
        self._number = 0
        self.queued = 0
        """Prompts that wait for the running turn; the empty prompt takes the last one back with `up`."""
        self._takes_first = False
        """Whether the first completion is taken as soon as there is one."""
        self.vim = False
        """Whether letters may be commands (`[interface] vim`)."""
        self._mode = Vim()

    # Writing.

    def put(self, text: str) -> None:
        """Replace what is written."""
        self.text = text
        self.move_cursor(self.document.end)

    def written(self) -> str:
        """The text with folded pastes put back."""
        return _PASTED.sub(lambda found: self._pastes.get(int(found[2]), found[0]), self.text)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        try:
            pictures = pictures_in(event.text)
        except ValueError as error:
            self.post_message(self.Complaint(str(error)))
            return
        for picture in pictures:
            self.attach(picture)
        if not pictures:
            self._paste(event.text)

    def attach(self, picture: Picture) -> None:
        """Put a picture's chip where the cursor is."""
        self._number += 1
        self._pictures[self._number] = picture
        while len(self._pictures) > KEPT_PICTURES:
            del self._pictures[next(iter(self._pictures))]
        self.replace(f"[image #{self._number} {picture.words}] ", *sorted(self.selection))

    def _paste(self, text: str) -> None:
        # What cannot be seen would be sent unseen: it is made visible, as everywhere.
        text = plain(text.replace("\r\n", "\n").replace("\r", "\n"))
        lines = text.removesuffix("\n").count("\n") + 1
        if lines > LONG_PASTE or len(text) > 4000:
            self._number += 1
            self._pastes[self._number] = text
            text = f"[pasted {lines} lines #{self._number}]"
        self.replace(text, *sorted(self.selection))

    def action_delete_left(self) -> None:
        """Delete a character; a chip goes as one."""
        row, column = self.cursor_location
        before = self.get_text_range((row, 0), (row, column))
        if not self.selected_text and (chip := _CHIP.search(before)) and self._is_chip(chip[0]):
            self.delete((row, chip.start()), (row, column))
            return
        super().action_delete_left()

    def _is_chip(self, text: str) -> bool:
        pasted, picture = _PASTED.search(text), _PICTURE.search(text)
        return bool((pasted and int(pasted[2]) in self._pastes) or (picture and int(picture[1]) in self._pictures))

    def type(self, key: events.Key) -> bool:
        """Put a letter where the cursor is, unless letters may be commands."""
        return not self.vim and super().type(key)

    async def _on_key(self, event: events.Key) -> None:
        if self.suggestions.display and event.key in {"up", "down"}:
            event.stop()
            event.prevent_default()
            self.suggestions.move(-1 if event.key == "up" else 1)
            return
        if self.vim and self._vim_key(event):
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)

    def _vim_key(self, event: events.Key) -> bool:
        if event.key == "escape" and self._mode.insert:
            self._mode.insert = False
            if self.cursor_location[1]:
                self.move_cursor_relative(columns=-1)  # onto the letter that was typed last, as in vim
        elif not (event.character and event.is_printable and self._mode.press(event.character, self)):
            return False
        self.set_class(not self._mode.insert, "-normal")
        return True

    def on_text_area_changed(self, event: Writing.Changed) -> None:
        """Fit the height, and look for completions."""
        event.stop()
        self._takes_first = False
        self.set_class(self.text.startswith("!"), "-shell")
        if query := self._look_for_completions():
            self.post_message(self.Wanted(query[1]))

    def _look_for_completions(self) -> re.Match[str] | None:
        """Have the completions be those of what is written now; an `@` word, whose paths must be asked for."""
        before = self.get_text_range((self.cursor_location[0], 0), self.cursor_location)
        choices: list[tuple[str, str]] = []
        if self.text.startswith("/") and "\n" not in self.text and " " not in self.text:
            choices = [(f"/{command.name}", command.text) for command in matching(self.text)]
        elif found := _WORD.search(before):
            return found
        if choices != self.suggestions.choices:
            self.suggestions.show(choices)
        return None

    def offer(self, query: str, paths: tuple[str, ...]) -> None:
        """Candidates came; of a word that was typed on since then, others are on their way."""
        before = self.get_text_range((self.cursor_location[0], 0), self.cursor_location)
        found = _WORD.search(before)
        if found is None:
            self.suggestions.show([])
        elif found[1] == query:
            self.suggestions.show([(f"@{path}", "") for path in paths])
            if self._takes_first:
                self.action_complete()

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """History answers the arrows only at the edge of the text."""
        if action == "history":
            if self.suggestions.display:
                return False
            row = self.cursor_location[0]
            return row == 0 if parameters == (-1,) else row == self.document.line_count - 1
        return True

    def pictures(self, text: str) -> tuple[Picture, ...]:
        """The pictures that chips in a text name, in order; ValueError when one is not at hand any more."""
        numbers = [int(found[1]) for found in _PICTURE.finditer(text)]
        for number in numbers:
            if number not in self._pictures:
                raise ValueError(f"image #{number} is not at hand any more: paste it again, or delete its chip")
        return tuple(self._pictures[number] for number in dict.fromkeys(numbers))

    def action_complete(self) -> None:
        """Take the chosen completion; of one that is still looked for, the first when it comes."""
        self._takes_first = not self.suggestions.display
        if self._takes_first or not self.suggestions.choices:
            return
        text, _ = self.suggestions.choices[self.suggestions.chosen]
        row, column = self.cursor_location
        start = 0
        if text.startswith("@"):
            before = self.get_text_range((row, 0), (row, column))
            found = _WORD.search(before)
            start = found.start() if found else column
        self.replace(f"{text} ", (row, start), (row, column))
        self.suggestions.show([])

    def action_send(self) -> None:
        """Send what is written; with a completion open that was not typed in full, take that first."""
        # Letters that came with this key may not have been looked at yet: another command would run than was typed.
        self._look_for_completions()
        text = self.written().strip()
        choices = self.suggestions.choices if self.suggestions.display else []
        if choices and self.suggestions.chosen < len(choices):
            whole = choices[self.suggestions.chosen][0]
            if whole.startswith("@") and not text.endswith(whole):
                self.action_complete()
                return
            if whole.startswith("/") and (self.suggestions.chosen or parse(text) is None):
                text = whole
        if not self.written().startswith(" ") and (complaint := unknown(text)):
            self.post_message(self.Complaint(complaint))
            return
        self._send(text, steer=False)

    def action_steer(self) -> None:
        """Say it to the running turn."""
        self._send(self.written().strip(), steer=True)

    def _send(self, text: str, *, steer: bool) -> None:
        if not text:
            return
        try:
            pictures = self.pictures(text)
        except ValueError as error:
            self.post_message(self.Complaint(str(error)))
            return
        if steer and pictures:
            self.post_message(self.Complaint("a picture cannot be said to a running turn: send it with enter"))
            return
        self.earlier.add(text)
        self.text = ""
        self._pastes.clear()
        self.suggestions.show([])
        self.post_message(self.Sent(text, steer=steer, pictures=pictures))

    def action_newline(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def action_history(self, delta: int) -> None:
        """Earlier and later prompts; what still waits to be sent comes first."""
        if delta < 0 and self.queued and not self.text:
            self.post_message(self.TakeBack())
            return
        text = self.earlier.step(delta, self.text)
        if text is not None:
            self.put(text)

    def action_find_history(self) -> None:
        """Search them."""
        self.post_message(self.Search())

    def action_editor(self) -> None:
        """Write in the person's own editor."""
        self.post_message(self.Editing())
