"""The terminal before Textual is loaded: the first frame, and the keys that are typed meanwhile.

Loading Textual takes several times as long as everything else that a start needs. So the frame is drawn at once
with the standard library alone, a thread takes what is typed, shows it where the prompt is, and hands every byte to
the driver, in order, when that takes the terminal over.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
import termios
import threading
import tty
from codecs import getincrementaldecoder
from pathlib import Path
from typing import Self

from vtcode_tui.render.safety import plain_line

TTY = Path("/dev/tty")
PLACEHOLDER = "Ask for a change.   @ file   / command   ! shell"
"""What an empty prompt says, here and in the app."""
_AHEAD = 1 << 16
# Without its marks a paste is keys, and every line of it would be sent as a prompt of its own.
_PASTES_MARKED, _PASTES_AS_KEYS = "\x1b[?2004h", "\x1b[?2004l"


def screen_at_hand() -> bool:
    """Whether there is a terminal to draw on and to read keys from, and it is able to move its cursor."""
    if os.environ.get("TERM", "") in {"", "dumb"}:
        return False
    if all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)):
        return True
    try:
        with TTY.open("rb", buffering=0):
            return True
    except OSError:
        return False


def output_descriptor() -> int:
    """What the interface is drawn on: stderr where that is a terminal, else the terminal itself, opened."""
    error = sys.__stderr__
    return error.fileno() if error is not None and error.isatty() else os.open(TTY, os.O_RDWR | os.O_NOCTTY)


def keyboard_descriptor() -> int:
    """What keys are read from: stdin where that is a terminal, else the terminal itself, opened."""
    keys = sys.__stdin__
    return keys.fileno() if keys is not None and keys.isatty() else os.open(TTY, os.O_RDWR | os.O_NOCTTY)


class Curtain:
    """What is on the screen until the app is. `rise`, `listen`, then `fall` (the app takes over) or `drop`."""

    def __init__(self, output: int, keyboard: int) -> None:
        self._output, self._keyboard = output, keyboard
        self.attributes = termios.tcgetattr(keyboard)
        """The terminal as it was found."""
        self._typed = bytearray()
        self._shown = ""
        self._wake_read, self._wake_write = os.pipe()
        self._listener: threading.Thread | None = None
        self._up = True

    @classmethod
    def rise(cls, workspace: str) -> Curtain:
        """Draw the first frame. No thread exists yet: the spawner may still fork."""
        curtain = cls(output_descriptor(), keyboard_descriptor())
        # Keys come one by one and unchanged, and nothing is echoed but by us; output stays as it is.
        raw = termios.tcgetattr(curtain._keyboard)
        raw[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        raw[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
        raw[tty.CC][termios.VMIN], raw[tty.CC][termios.VTIME] = 1, 0
        termios.tcsetattr(curtain._keyboard, termios.TCSANOW, raw)
        curtain._draw(workspace)
        return curtain

    def listen(self) -> None:
        """Take keys from now on."""
        self._listener = threading.Thread(target=self._take, name="keys before the app", daemon=True)
        self._listener.start()

    def fall(self) -> bytes:
        """Leave the terminal to the app, raw as it is; every byte that was typed, in order."""
        self._up = False
        if self._listener is not None:
            os.write(self._wake_write, b".")
            self._listener.join()
            self._listener = None
        return bytes(self._typed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def drop(self) -> None:
        """Give the terminal back as it was found, unless the app has taken it over."""
        if self._up:
            self.fall()
            self._say(f"\x1b[0m{_PASTES_AS_KEYS}\x1b[?1049l")
            with contextlib.suppress(termios.error):
                # A terminal that is gone needs nothing back.
                termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self.attributes)

    def _draw(self, workspace: str) -> None:
        try:
            columns, rows = os.get_terminal_size(self._output)
        except OSError:
            columns, rows = 0, 0
        columns, rows = columns or 80, rows or 24
        self._width = max(1, columns - 4)
        self._row = max(1, rows - 2)
        bar = "\x1b[36m▌\x1b[0m"
        name = plain_line(workspace)
        self._say(
            f"\x1b[?1049h{_PASTES_MARKED}\x1b[2J\x1b[H\x1b[1m chat\x1b[0m"
            f"\x1b[{self._row};1H{bar} \x1b[2m{PLACEHOLDER[: self._width]}\x1b[0m"
            f"\x1b[{self._row + 1};1H{bar}"
            f"\x1b[{rows};1H \x1b[2m{f'opening  {name}'[: columns - 2]}\x1b[0m"
            f"\x1b[{self._row};3H"
        )

    def _take(self) -> None:
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        echoing = True
        with selectors.DefaultSelector() as selector:
            selector.register(self._keyboard, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while len(self._typed) < _AHEAD:
                if any(key.fd == self._wake_read for key, _ in selector.select()):
                    return
                try:
                    data = os.read(self._keyboard, 4096)
                except OSError:
                    return
                if not data:
                    return
                self._typed += data
                # A key that is more than a letter means what the app makes of it: from there on nothing is shown.
                echoing = echoing and self._echo(decode(data))

    def _echo(self, text: str) -> bool:
        for letter in text:
            if letter == "\x7f":
                self._shown = self._shown[:-1]
            elif letter.isprintable():
                self._shown += letter
            else:
                return False
        shown = plain_line(self._shown)[-self._width :]
        rest = "" if shown else f"\x1b[2m{PLACEHOLDER[: self._width]}\x1b[0m\x1b[{self._row};3H"
        self._say(f"\x1b[{self._row};3H\x1b[K{shown}{rest}")
        return True

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):
            # A terminal that is gone is noticed by the app.
            os.write(self._output, text.encode())
