"""A terminal's screen: bytes in, rows of styled cells out.

It understands what programs need (an xterm subset) and drops everything by which output could reach further than
its own pane: titles, clipboard, links, notifications, device strings. Any bytes are fine: nothing raises and nothing
grows beyond the history. Questions of the program (cursor position, device attributes) are answered through
`take_replies`, for whoever owns the PTY to send back.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from vtcode_tui.terminal.grid import Row
from vtcode_tui.terminal.pens import PLAIN, Pen
from vtcode_tui.terminal.sequences import CONTROLS, CSI, ESC
from vtcode_tui.terminal.snapshot import Snapshot
from vtcode_tui.terminal.state import Modes, State

_TOKEN = re.compile(
    "(?P<text>[ -~\xa0-\U0010ffff]+)"
    "|\x1b\\[(?P<csi>[^@-~\x18\x1a\x1b]*)(?P<final>[@-~])"
    "|(?P<line>\r\n)"
    "|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
    "|\x1b(?P<string>[P\\]X^_])"
    "|\x1b(?P<escape>[ -/]*[0-OQ-WYZ\\\\`-~])"
    "|(?P<open>\x1b(?:\\[[^@-~\x18\x1a\x1b]*|[ -/]*)\\Z)"
    "|(?P<broken>\x1b(?:\\[[^@-~\x18\x1a\x1b]*|[ -/]*))"
)
_STRING_END = re.compile("\x1b\\\\|[\x18\x1a]|\x1b(?!\\Z)")
_TITLE_END = re.compile("\x07|\x1b\\\\|[\x18\x1a]|\x1b(?!\\Z)")
_STRINGS = {"P": "dcs", "]": "osc", "X": "sos", "^": "pm", "_": "apc"}
_MOST_OPEN = 1024
_MOST_NUMBER = 100_000

_TEXT, _CSI, _FINAL = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring cells of a row in one pen; `text` holds no control characters."""

    text: str
    pen: Pen


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next character goes: the screen's row and column, from 0."""

    row: int
    column: int
    visible: bool


@dataclass(frozen=True, slots=True)
class Dirty:
    """What changed since the last look: rows of the screen, and how many left at the top."""

    rows: frozenset[int]
    scrolled: int
    cursor: bool


class Screen:
    """One terminal. Rows are counted from the oldest row still kept: `history` rows, then the screen's own."""

    def __init__(self, columns: int = 80, rows: int = 24, *, history: int = 10_000) -> None:
        self._state = State(max(1, columns), max(1, rows), history)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._string = ""
        self._seen: tuple[list[str], list[str], int, Cursor] = ([], [], 0, Cursor(0, 0, True))

    def feed(self, data: bytes) -> None:
        """Take what the program wrote."""
        text = self._pending + self._decoder.decode(data)
        self._pending = ""
        at = self._skip_string(text, 0) if self._string else 0
        self._parse(text, at)
        if self._state.pens.full:
            self._compact()

    def _parse(self, text: str, at: int) -> None:
        state = self._state
        size = len(text)
        match = _TOKEN.match
        select = state.pens.select
        while at < size:
            found = match(text, at)
            if found is None:  # every character begins a token; this keeps the loop moving if that were untrue
                at += 1
                continue
            at = found.end()
            match found.lastgroup:
                case "text":
                    state.put(found[_TEXT])
                case "final":
                    if found[_FINAL] == "m" and found[_CSI].isascii() and found[_CSI].isprintable():
                        state.pen = select(state.pen, found[_CSI])
                    else:
                        self._sequence(found[_CSI], found[_FINAL])
                case "line":
                    state.x = 0
                    state.feed_line()
                case "control":
                    self._control(found.group())
                case "escape":
                    self._escape(found["escape"])
                case "string":
                    state.counts[_STRINGS[found["string"]]] += 1
                    self._string = found["string"]
                    at = self._skip_string(text, at)
                case "open":
                    if size - found.start() <= _MOST_OPEN:
                        self._pending = found.group()
                case _:
                    state.counts["broken"] += 1

    def _control(self, char: str) -> None:
        action = CONTROLS.get(char)
        if action is not None:
            action(self._state)
        elif char != "\0":
            self._state.counts["control"] += 1

    def _escape(self, rest: str) -> None:
        action = ESC.get(rest)
        if action is not None:
            action(self._state)
        else:
            self._state.counts["esc"] += 1

    def _sequence(self, parameters: str, final: str) -> None:
        if not parameters.isprintable():
            for char in parameters:
                if not char.isprintable():
                    self._control(char)
            parameters = "".join(char for char in parameters if char.isprintable())
        private = parameters[:1] if parameters[:1] in ("?", ">", "<", "=") else ""
        numbers = parameters[len(private) :].rstrip("!\"#$%&'()*+,-./ ")
        between = parameters[len(private) + len(numbers) :]
        key = f"{private}{between}{final}"
        if key == "m":
            self._state.pen = self._state.pens.select(self._state.pen, numbers)
            return
        action = CSI.get(key)
        if action is None or not (numbers.replace(";", "").isdecimal() or not numbers.strip(";")):
            self._state.counts["csi"] += 1
            return
        action(self._state, [_number(part) for part in numbers.split(";")[:32]] if numbers else [])

    def _skip_string(self, text: str, at: int) -> int:
        """The position behind a device string or title; when its end has not come yet, behind everything."""
        found = (_TITLE_END if self._string == "]" else _STRING_END).search(text, at)
        if found is None:
            if text.endswith("\x1b"):
                self._pending = "\x1b"
            return len(text)
        self._string = ""
        return found.start() if found.group() == "\x1b" else found.end()

    def _compact(self) -> None:
        state = self._state
        grids = [state.main] + ([state.alternate] if state.alternate is not None else [])
        used = {state.pen, state.saved.pen, state.saved_main.pen}.union(*(grid.used_pens() for grid in grids))
        table = state.pens.compact(used)
        for grid in grids:
            grid.translate_pens(table)
        state.pen = state.pen.translate(table)
        self._seen = ([], [], 0, self.cursor)
        # The saved pens are of no use by their old names.
        state.saved = type(state.saved)(state.saved.x, state.saved.y)
        state.saved_main = type(state.saved_main)(state.saved_main.x, state.saved_main.y)

    def resize(self, columns: int, rows: int) -> None:
        """Take another size."""
        columns, rows = max(1, min(columns, 1000)), max(1, min(rows, 1000))
        if (columns, rows) != (self.columns, self.rows):
            self._state.resize(columns, rows)

    @property
    def columns(self) -> int:
        """Cells in a row."""
        return self._state.columns

    @property
    def rows(self) -> int:
        """Rows of the screen."""
        return self._state.rows

    @property
    def cursor(self) -> Cursor:
        """Where the cursor is, in the screen's rows."""
        state = self._state
        return Cursor(state.y, min(state.x, state.columns - 1), state.visible)

    @property
    def modes(self) -> Modes:
        """What the program asked for; `keys.encode` wants to know."""
        return self._state.modes

    @property
    def alternate(self) -> bool:
        """Whether a full-screen program shows its own screen, which has no history."""
        return self._state.alternate is not None

    @property
    def counts(self) -> Mapping[str, int]:
        """How many sequences were dropped, by kind (`osc`, `dcs`, `csi`, ...), and `bell`s."""
        return Counter(self._state.counts)

    @property
    def history(self) -> int:
        """Rows kept above the screen; none while the alternate screen is shown."""
        state = self._state
        return len(state.main.history or ()) if state.alternate is None else 0

    @property
    def forgotten(self) -> int:
        """Rows that left the history for good: add it to a row to name that row for ever."""
        state = self._state
        return state.main.scrolled - len(state.main.history or ())

    @property
    def height(self) -> int:
        """All rows: history and screen."""
        return self.history + self.rows

    def cells(self, row: int) -> Row:
        """A row as it is kept: characters, pen ids, and whether it goes on in the next row."""
        state = self._state
        kept = self.history
        if row < kept and state.main.history is not None:
            return state.main.history[row]
        row -= kept
        return state.grid.texts[row], state.grid.pens[row], state.grid.wraps[row]

    def runs(self, row: int) -> list[Run]:
        """A row as styled text; cells that were never written are missing at its end."""
        text, pens, _ = self.cells(row)
        if not text:
            return []
        pen_of = self._state.pens.pen
        table = None if text.isascii() and "\0" not in text else self._state.clusters.table
        runs: list[Run] = []
        start = 0
        size = len(pens)
        while start < size:
            identifier = pens[start]
            end = start + 1
            while end < size and pens[end] == identifier:
                end += 1
            part = text[start:end] if table is None else text[start:end].translate(table)
            if part:
                runs.append(Run(part, PLAIN if identifier == "\0" else pen_of(identifier)))
            start = end
        return runs

    def text(self, row: int) -> str:
        """A row's characters, without blanks at its end."""
        text = self.cells(row)[0]
        if not text.isascii() or "\0" in text:
            text = text.translate(self._state.clusters.table)
        return text.rstrip(" ")

    def take_dirty(self) -> Dirty:
        """What to draw anew since this was asked last."""
        state = self._state
        texts, pens, scrolled, cursor = self._seen
        now = self.cursor
        if len(texts) != self.rows:
            rows = frozenset(range(self.rows))
        else:
            rows = frozenset(
                row
                for row in range(self.rows)
                if state.grid.texts[row] != texts[row] or state.grid.pens[row] != pens[row]
            )
        self._seen = (state.grid.texts.copy(), state.grid.pens.copy(), state.main.scrolled, now)
        return Dirty(rows, state.main.scrolled - scrolled, now != cursor)

    def take_replies(self) -> bytes:
        """What the program must be sent as answers to its questions."""
        replies = bytes(self._state.reply)
        self._state.reply.clear()
        return replies

    def snapshot(self) -> Snapshot:
        """The whole state, for `restore`: cheap, because rows are shared and not copied."""
        return Snapshot.of(self._state, self._decoder.getstate(), self._pending, self._string)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, of this screen or of another one."""
        self._state = snapshot.state()
        self._decoder.setstate(snapshot.decoder)
        self._pending, self._string = snapshot.pending, snapshot.string
        self._seen = ([], [], 0, self.cursor)


def _number(part: str) -> int:
    return min(int(part), _MOST_NUMBER) if part and len(part) < 10 else _MOST_NUMBER if part else 0
