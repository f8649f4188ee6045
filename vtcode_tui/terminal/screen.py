"""A terminal's screen: bytes in, rows of styled cells out.

It understands what programs need (an xterm subset) and drops everything by which output could reach further than
its pane: titles, clipboard, links, notifications, device strings. Any bytes are fine: nothing raises and nothing
grows beyond the history. Questions of the program (cursor position, device attributes) are answered through
`take_replies`, for whoever owns the PTY to send back.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from vtcode_tui.terminal.grid import Row
from vtcode_tui.terminal.pens import PLAIN, Pen
from vtcode_tui.terminal.sequences import CONTROLS, CSI, ESC, Action, Numbers
from vtcode_tui.terminal.snapshot import Snapshot
from vtcode_tui.terminal.state import Modes, State

# Most output is text with colours: a change of pen and the text behind it are one token.
_TOKEN = re.compile(
    "(?:\x1b\\[([0-9;:]*)m)?([ -~\xa0-\U0010ffff]+)"
    "|\x1b\\[([0-9;:]*)m"
    "|(\r\n)"
    "|\x1b\\[([^@-~\x18\x1a\x1b]*[@-~])"
    "|([\x00-\x1a\x1c-\x1f\x7f-\x9f])"
    "|\x1b([P\\]X^_])"
    "|\x1b([ -/]*[0-OQ-WYZ\\\\`-~])"
    "|(\x1b(?:\\[[^@-~\x18\x1a\x1b]*|[ -/]*)\\Z)"
    "|(\x1b(?:\\[[^@-~\x18\x1a\x1b]*|[ -/]*))"
)
_TEXT, _PEN, _LINE, _CSI, _CONTROL, _STRING, _ESCAPE, _OPEN = 2, 3, 4, 5, 6, 7, 8, 9
_STRING_END = re.compile("\x1b\\\\|[\x18\x1a]|\x1b(?!\\Z)")
_TITLE_END = re.compile("\x07|\x1b\\\\|[\x18\x1a]|\x1b(?!\\Z)")
_STRINGS = {"P": "dcs", "]": "osc", "X": "sos", "^": "pm", "_": "apc"}
_MOST_OPEN = 1024
_MOST_NUMBER = 100_000


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

    def __init__(self, columns: int = 80, rows: int = 24, *, history: int = 5_000) -> None:
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
        select = state.pens.select
        limit = state.limit
        # Runs that follow one another in a row are put into it together: a row is made anew with each writing.
        runs: list[str] = []
        inks: list[str] = []
        while at < len(text):
            for found in _TOKEN.finditer(text, at):
                kind = found.lastindex
                if kind == _TEXT:
                    pen, run = found.group(1, 2)
                    if pen is not None:
                        state.pen = select(state.pen, pen)
                    size = len(run)
                    end = state.x + size
                    if end <= limit and run.isascii():
                        runs.append(run)
                        inks.append(state.pen * size)
                        state.x, state.last = end, run
                        continue
                    if runs:
                        self._write(runs, inks)
                    state.put(run)
                    continue
                if kind == _PEN:
                    state.pen = select(state.pen, found[_PEN])
                    continue
                if runs:
                    self._write(runs, inks)
                if kind == _LINE:
                    state.x = 0
                    state.feed_line()
                elif kind == _STRING:
                    break
                else:
                    self._other(found, kind)
                    limit = state.limit
            else:
                if runs:
                    self._write(runs, inks)
                return
            self._string = found[_STRING]
            state.counts[_STRINGS[self._string]] += 1
            at = self._skip_string(text, found.end())

    def _write(self, runs: list[str], inks: list[str]) -> None:
        text = "".join(runs)
        state = self._state
        state.grid.write(state.y, state.x - len(text), text, "".join(inks))
        runs.clear()
        inks.clear()

    def _other(self, found: re.Match[str], kind: int | None) -> None:
        if kind == _CSI:
            self._sequence(found[_CSI])
        elif kind == _CONTROL:
            self._control(found[_CONTROL])
        elif kind == _ESCAPE:
            action = ESC.get(found[_ESCAPE])
            if action is not None:
                action(self._state)
            else:
                self._state.counts["esc"] += 1
        elif kind == _OPEN and len(found[_OPEN]) <= _MOST_OPEN:
            self._pending = found[_OPEN]
        else:
            self._state.counts["broken"] += 1

    def _control(self, char: str) -> None:
        action = CONTROLS.get(char)
        if action is not None:
            action(self._state)
        elif char != "\0":
            self._state.counts["control"] += 1

    def _sequence(self, body: str) -> None:
        if not body.isprintable():
            for char in body:
                if not char.isprintable():
                    self._control(char)
            body = "".join(char for char in body if char.isprintable())
        action, numbers = _meaning(body[-256:])
        if action is None:
            self._state.counts["csi"] += 1
        else:
            action(self._state, numbers)

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
        return self.plain(self.cells(row)[0]).rstrip(" ")

    def plain(self, cells: str) -> str:
        """The characters of cells as text: wide ones once, stand-ins replaced."""
        if cells.isascii() and "\0" not in cells:
            return cells
        return cells.translate(self._state.clusters.table)

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


@lru_cache(maxsize=4096)
def _meaning(body: str) -> tuple[Action | None, Numbers]:
    private = body[:1] if body[:1] in ("?", ">", "<", "=") else ""
    parameters = body[len(private) : -1].rstrip("!\"#$%&'()*+,-./ ")
    between = body[len(private) + len(parameters) : -1]
    action = CSI.get(f"{private}{between}{body[-1]}")
    digits = parameters.replace(";", "")
    if digits and not (digits.isascii() and digits.isdecimal()):
        return None, ()
    return action, tuple(_number(part) for part in parameters.split(";")[:32]) if parameters else ()


def _number(part: str) -> int:
    return min(int(part), _MOST_NUMBER) if part and len(part) < 10 else _MOST_NUMBER if part else 0
