"""The terminal device: where the interface is drawn and keys come from, whatever stdout and stderr are.

Textual's driver draws on stderr, polls its keyboard ten times a second in a thread and spins when the terminal is
closed. This one draws on /dev/tty when stderr is redirected, has the event loop wait for keys, so that none crosses
from one thread to another, and ends the app when the terminal goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import select
import selectors
import signal
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.drivers.linux_driver import LinuxDriver

from vtcode_tui.tui.curtain import Curtain, keyboard_descriptor, output_descriptor
from vtcode_tui.tui.keyboard import Keyboard

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message

_SILENT_SECONDS = 1.0
"""A terminal that has never answered a question and does not within this time answers none."""
_LOST_SECONDS = 5.0
"""A question that is not answered within this time was lost, on any line that can be worked over."""
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
        self._typed: Callable[[events.Key], bool] | None = getattr(app, "type_at_once", None)
        output = self._output = output_descriptor()
        if not self.input_tty:
            self.fileno = keyboard_descriptor()
            self.input_tty = True
        self._away = False
        self._paper = Paper(output, self._hang_up)
        self._file = self._paper  # type: ignore[assignment]  # a text file in all that matters
        self._handed = 0
        self._frame = ""
        """What has come of a frame that the terminal is to show at once: it leaves in one piece."""
        self._typed_before = b""
        self._ready = self._curtain is None
        """Whether there is a prompt that takes keys."""
        self._over = threading.Event()
        self._listening = False
        self._keyboard = Keyboard(answered=self._answer, debug=debug)
        self._asked: deque[Callable[[], None]] = deque()
        self._answers: bool | None = None
        """Whether the terminal answers questions; None: it has not been asked yet."""
        self._later: asyncio.TimerHandle | None = None
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

    def _sigcont_application(self, *_: object) -> None:
        # It comes with every hang-up too: a terminal taken twice would leave a thread behind that never ends.
        if self._away:
            super()._sigcont_application()

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
        if self._frame or data == SYNC_START:
            self._frame += data
            if data != SYNC_END:
                return
            data, self._frame = self._frame, ""
        if len(data) <= _SHORT and self._paper.written == self._handed and self._paper.has_room():
            self._paper.write(data)
            self._paper.flush()
            self._handed += 1
        else:
            self._handed += 1
            super().write(data)

    def when_drawn(self, then: Callable[[], None]) -> None:
        """Call back once the terminal has drawn all that was written; soon, where it answers no questions."""
        if self._answers is False:
            then()
            return
        self._asked.append(then)
        self.write("\x1b[5n")
        self._loop.call_later(_SILENT_SECONDS if self._answers is None else _LOST_SECONDS, self._give_up, then)

    def _answer(self) -> None:
        self._answers = True
        if self._asked:
            self._asked.popleft()()

    def _give_up(self, then: Callable[[], None]) -> None:
        if then in self._asked:
            self._answers = self._answers or False
            self._asked.remove(then)
            then()

    def start_application_mode(self) -> None:
        """Take the terminal over, from the curtain when there is one, with what was typed before."""
        curtain, self._curtain = self._curtain, None
        if curtain is not None:
            self._typed_before = curtain.fall()
        self._over.clear()
        start: Callable[[], None] = super().start_application_mode
        start()
        if curtain is not None:
            self.attrs_before = curtain.attributes
        if self._ready:
            self._listen()

    def ready_for_keys(self) -> None:
        """The prompt is there: what was typed before, and from now on, reaches it."""
        self._ready = True
        self._listen()

    def without_mouse(self) -> None:
        """Leave the mouse to the terminal, for selecting and copying by its own means."""
        self._disable_mouse_support()
        self._mouse = False

    def disable_input(self) -> None:
        """Stop reading keys."""
        self._unlisten()
        self._over.set()
        super().disable_input()

    def run_input_thread(self) -> None:
        """Textual's thread for keys: nothing is left for it to do."""
        self._over.wait()

    def send_message(self, message: Message) -> None:
        """Hand a key to the app: at once, for it was read where the app runs."""
        if threading.get_ident() == self._app._thread_id:
            self._app.post_message(message)
        else:
            super().send_message(message)

    def _listen(self) -> None:
        if self._listening:
            return
        self._listening = True
        self._keyboard = Keyboard(answered=self._answer, debug=self._debug)
        before, self._typed_before = self._typed_before, b""
        self._understand(before)
        self._loop.add_reader(self.fileno, self._read_keys)

    def _unlisten(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove_reader(self.fileno)
        if self._later is not None:
            self._later.cancel()

    def _read_keys(self) -> None:
        try:
            data = os.read(self.fileno, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._unlisten()
            self._hang_up()
            return
        self._understand(data)

    def _understand(self, data: bytes) -> None:
        for event in self._keyboard.feed(data):
            if not (isinstance(event, events.Key) and self._typed is not None and self._typed(event)):
                self.process_message(event)
        # An escape alone is told from the start of a sequence by time.
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if (patience := self._keyboard.patience) is not None:
            self._later = self._loop.call_later(patience, self._let_time_pass)

    def _let_time_pass(self) -> None:
        for event in self._keyboard.lapse():
            self.process_message(event)
