"""What the terminal sends, as keys, pastes and mouse: however the line between cut it into pieces.

Textual's parser knows the sequences. It takes an escape for a key when nothing follows for 0.1 s, also in the
middle of a paste or of a sequence: over a slow line the end of a paste would be missed, and what stands in the
clipboard would be typed. So a paste is collected here, and what has begun as a sequence is waited for longer.
A key after an escape is alt and that key, at once: the parser would wait for more, and takes alt and a digit for a
letter of another keyboard.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from textual import events
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.keys import _character_to_key

if TYPE_CHECKING:
    from textual.message import Message

ESCAPE_SECONDS = 0.11
"""A little more than Textual's parser waits for what may follow an escape."""
SEQUENCE_SECONDS = 1.0
"""No hand types an escape, a bracket and a number: the rest of it is on its way."""
PASTE_SECONDS = 10.0
"""A paste of which nothing has come for so long has lost its end."""
_ESCAPE = "\x1b"
# Not `b` and `f`, by which terminals tell of a word back and on, and nothing that begins a longer sequence.
_ALT = re.compile(r"(?<!\x1b)(\x1b[\r!-NQ-WYZ`acdeg-~])")
_BEGUN = re.compile(r"\x1b\[[0-9;:<?]+\Z")
# What may become the answer to "are you there?" (DSR 5), which is no key.
_ANSWER = "\x1b[0n"
_ANSWER_BEGUN = re.compile(r"\x1b(\[0?)?\Z")
_LONGEST = 32
_MARK = len(BRACKETED_PASTE_START)


class Keyboard:
    """Bytes of the terminal in, messages out; `patience` says when `lapse` is to be called if nothing comes.

    `answered` is called when the terminal answers that it is there: it has obeyed all that was sent before that.
    """

    def __init__(self, *, answered: Callable[[], None] = lambda: None, debug: bool = False) -> None:
        self._answered = answered
        self._parser = XTermParser(debug)
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")
        self._known: dict[bytes, tuple[str, str | None]] = {}
        """What the parser has made of a character by itself."""
        self._tail = ""
        self._held = ""
        """An escape of which it is not known yet what it begins."""
        self._pasted: list[str] | None = None
        """The pieces of the paste that is under way."""

    @property
    def patience(self) -> float | None:
        """Seconds to wait for the rest of what has begun; None when nothing has."""
        if self._pasted is not None:
            return PASTE_SECONDS
        if not self._held and self._parser._timeout_time is None:
            return None
        return SEQUENCE_SECONDS if _BEGUN.search(self._tail) else ESCAPE_SECONDS

    def feed(self, data: bytes) -> Iterator[Message]:
        """Everything that is whole with these bytes."""
        single = len(data) == 1 and 0x20 <= data[0] < 0x7F and self._is_idle()
        if single and (known := self._known.get(data)):
            yield events.Key(*known)
            return
        for message in self._understand(data):
            if single and isinstance(message, events.Key):
                self._known[data] = message.key, message.character
            yield message

    def _is_idle(self) -> bool:
        """Whether nothing has begun that the next character could belong to."""
        return self.patience is None and _ESCAPE not in self._tail and not self._decoder.getstate()[0]

    def _understand(self, data: bytes) -> Iterator[Message]:
        text, self._held = self._held + self._decoder.decode(data), ""
        while text:
            pasting = self._pasted is not None
            mark = BRACKETED_PASTE_END if pasting else BRACKETED_PASTE_START
            found = (self._tail[1 - _MARK :] + text).find(mark)
            cut = len(text) if found < 0 else found + _MARK - len(self._tail[1 - _MARK :])
            piece, text = text[:cut], text[cut:]
            self._tail = "" if found >= 0 else (self._tail + piece)[-_LONGEST:]
            if self._pasted is not None:
                self._pasted.append(piece)
                if found >= 0:
                    yield from self._end_paste("".join(self._pasted)[:-_MARK])
            else:
                yield from self._typed(piece)
                if found >= 0:
                    self._pasted = []

    def lapse(self) -> Iterator[Message]:
        """Nothing came for as long as `patience` said: an escape was the key, a paste is over."""
        if self._pasted is not None:
            self._tail = ""
            yield from self._end_paste("".join(self._pasted))
            return
        yield from self._parser.tick()
        held, self._held = self._held, ""
        if held == _ESCAPE:
            yield events.Key("escape", _ESCAPE)
        elif held:
            yield _with_alt("[")
            yield from self._parser.feed(held[2:]) if held[2:] else ()

    def _typed(self, piece: str) -> Iterator[Message]:
        if begun := _ANSWER_BEGUN.search(piece):
            self._held, piece = begun[0], piece[: begun.start()]
        for number, typed in enumerate(piece.split(_ANSWER)):
            if number:
                self._answered()
            for index, part in enumerate(_ALT.split(typed)):
                if index % 2:
                    yield _with_alt(part[1:])
                elif part:
                    yield from self._parser.feed(part)

    def _end_paste(self, text: str) -> Iterator[Message]:
        self._pasted = None
        # The parser has seen the beginning and must see the end; the empty paste that it tells of is not meant.
        for message in self._parser.feed(BRACKETED_PASTE_END):
            if not isinstance(message, events.Paste):
                yield message
        yield events.Paste(text.replace("\x00", ""))


def _with_alt(character: str) -> events.Key:
    if character == "\r":
        return events.Key("alt+enter", None)
    name = _character_to_key(character)
    shifted = f"shift+{name.lower()}" if len(name) == 1 and name.isupper() else name
    return events.Key(f"alt+{shifted}", character)
