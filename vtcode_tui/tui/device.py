"""The terminal device: where the interface is drawn and keys come from, whatever stdout and stderr are.

Textual's driver draws on stderr, polls its keyboard ten times a second and spins when the terminal is closed. This
one draws on /dev/tty when stderr is redirected, sleeps until a key comes, and ends the app when the terminal goes.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import selectors
import signal
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from vtcode_tui.tui.curtain import Curtain, keyboard_descriptor, output_descriptor

if TYPE_CHECKING:
    from textual.app import App

_ESCAPE_SECONDS = 0.1
_SHORT = 2048
"""A pseudo-terminal that has room at all has room for this many bytes (Linux: 4096 a page)."""


class Paper(io.TextIOBase):
    """Text on its way to the terminal; when that is gone, words fall on the floor and `gone` is called once."""

    def __init__(self, descriptor: int, gone: Callable[[], None]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._gone: Callable[[], None] | None = gone
        self._waiting: list[str] = []
        self._taken = 0
        self.written = 0
        """How many of the texts that it was given have left."""

    def fileno(self) -> int:
        """The descriptor of the terminal."""
        return self._descriptor

    def isatty(self) -> bool:
        """Always: nothing else is drawn on."""
        return True

    def write(self, text: str) -> int:
        """Take text; it leaves with the next flush."""
        self._waiting.append(text)
        self._taken += 1
        return len(text)

    def has_room(self) -> bool:
        """Whether the terminal takes something at once."""
        return bool(select.select([], [self._descriptor], [], 0)[1])

    def flush(self) -> None:
        """Send what was taken, or drop it when nobody can read it any more."""
        data, taken = memoryview("".join(self._waiting).encode(errors="replace")), self._taken
        self._waiting.clear()
        try:
            while data and self._gone is not None:
                data = data[os.write(self._descriptor, data) :]
        except BlockingIOError:
            # Somebody made the terminal non-blocking: wait until it takes more.
            with selectors.DefaultSelector() as selector:
                selector.register(self._descriptor, selectors.EVENT_WRITE)
                selector.select(1.0)
            self._waiting.insert(0, bytes(data).decode(errors="replace"))
            self.flush()
        except OSError:
            gone, self._gone = self._gone, None
            if gone is not None:
                gone()
        self.written = taken


class Device(LinuxDriver):
    """Textual's driver for POSIX terminals on the terminal device itself."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._curtain: Curtain | None = getattr(app, "curtain", None)
        output = self._output = output_descriptor()
        if not self.input_tty:
            self.fileno = keyboard_descriptor()
            self.input_tty = True
        self._away = False
        self._paper = Paper(output, self._hang_up)
        self._file = self._paper  # type: ignore[assignment]  # a text file in all that matters
        self._handed = 0
        self._typed_before = b""
        self._ready = threading.Event()
        if self._curtain is None:
            self._ready.set()
        self._wake_read, self._wake_write = os.pipe()
        signal.signal(signal.SIGHUP, lambda *_: self._hang_up())

    def _hang_up(self) -> None:
        with contextlib.suppress(RuntimeError):
            # The loop may be closed already: then the app is ending anyway.
            self._loop.call_soon_threadsafe(self._app.exit, None, 129)

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            width, height = os.get_terminal_size(self._output)
        except OSError:
            width, height = 80, 24
        return width or 80, height or 24

    @property
    def terminal(self) -> int:
        """The descriptor of the terminal: for a program that gets it while the app is suspended."""
        return self._output

    def suspend_application_mode(self) -> None:
        """Leave the terminal to another program: from now on nothing of ours is written to it."""
        super().suspend_application_mode()
        self._away = True

    def resume_application_mode(self) -> None:
        """Take the terminal again."""
        self._away = False
        super().resume_application_mode()
        with contextlib.suppress(RuntimeError):
            # The terminal is empty now, and the size as it was: nothing else would make the app draw again.
            self._loop.call_soon_threadsafe(self._draw_all)

    def _draw_all(self) -> None:
        self._app.refresh(layout=True)
        for widget in self._app.screen.walk_children():
            widget.refresh()

    def write(self, data: str) -> None:
        """Draw, unless another program has the terminal.

        What one key changes is written at once: the way over the writing thread would cost more than the key.
        """
        if self._away:
            return
        if len(data) <= _SHORT and self._paper.written == self._handed and self._paper.has_room():
            self._paper.write(data)
            self._paper.flush()
            self._handed += 1
        else:
            self._handed += 1
            super().write(data)

    def start_application_mode(self) -> None:
        """Take the terminal over, from the curtain when there is one, with what was typed before."""
        curtain, self._curtain = self._curtain, None
        if curtain is not None:
            self._typed_before = curtain.fall()
        start: Callable[[], None] = super().start_application_mode
        start()
        if curtain is not None:
            self.attrs_before = curtain.attributes

    def ready_for_keys(self) -> None:
        """The prompt is there: what was typed before, and from now on, reaches it."""
        self._ready.set()

    def without_mouse(self) -> None:
        """Leave the mouse to the terminal, for selecting and copying by its own means."""
        self._disable_mouse_support()
        self._mouse = False

    def disable_input(self) -> None:
        """Stop reading keys; the reading thread is woken so that it can end."""
        self._ready.set()
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b".")
        super().disable_input()

    def run_input_thread(self) -> None:
        """Read keys until told to stop; asleep while none come."""
        # A key that comes before there is a prompt would find nobody to take it.
        self._ready.wait()
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            pause: float | None = None
            if self._typed_before:
                self._understand(parser, decode(self._typed_before))
                self._typed_before, pause = b"", _ESCAPE_SECONDS
            while not self.exit_event.is_set():
                ready = selector.select(pause)
                # An escape alone is told from the start of a sequence by time: only then is there a deadline.
                pause = _ESCAPE_SECONDS if ready else None
                for key, _ in ready:
                    if key.fd == self._wake_read:
                        os.read(self._wake_read, 64)
                    elif not self._read_keys(parser, decode):
                        self._hang_up()
                        return
                for event in parser.tick():
                    self.process_message(event)
        with contextlib.suppress(EOFError, ParseError):
            for _ in parser.feed(""):
                pass

    def _read_keys(self, parser: XTermParser, decode: Callable[[bytes], str]) -> bool:
        try:
            data = os.read(self.fileno, 4096)
        except OSError:
            return False
        self._understand(parser, decode(data))
        return bool(data)

    def _understand(self, parser: XTermParser, keys: str) -> None:
        for event in parser.feed(keys):
            self.process_message(event)
