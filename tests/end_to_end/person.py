"""A person at a real pseudo-terminal: presses keys, looks at the screen, waits until something is to be seen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pexpect

from vtcode_tui.terminal import Screen
from vtcode_tui.terminal.keys import paste as pasted

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "f1": "\x1bOP",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    "f8": "\x1b[19~",
    "ctrl+c": "\x03",
    "ctrl+down": "\x1b[1;5B",
    "ctrl+n": "\x0e",
    "ctrl+q": "\x11",
    "ctrl+y": "\x19",
    "space": " ",
}


PATIENCE = 100.0
"""Seconds after which a test is told what stands on the screen instead of what it waits for."""


class Person:
    """Drives one program. What is on the screen is decided by a terminal emulator, not by grepping bytes."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        cwd: Path,
        env: dict[str, str],
        columns: int,
        rows: int,
        program: Sequence[str],
    ) -> None:
        self.screen = Screen(columns, rows)
        self.raw = bytearray()
        self._changed = asyncio.Event()
        self._child = pexpect.spawn(
            program[0],
            [*program[1:], *words],
            cwd=str(cwd),
            env={**env, "TERM": "xterm-256color"},
            dimensions=(rows, columns),
            timeout=None,
        )
        self._child.delaybeforesend = None
        self.ended = False
        asyncio.get_running_loop().add_reader(self._child.fileno(), self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._child.fileno(), 65536)
        except OSError:
            data = b""
        if not data:
            self.ended = True
            asyncio.get_running_loop().remove_reader(self._child.fileno())
        self.raw += data
        self.screen.feed(data)
        with contextlib.suppress(OSError):
            if replies := self.screen.take_replies():
                os.write(self._child.fileno(), replies)
        self._changed.set()

    @property
    def seen(self) -> str:
        """What is on the screen."""
        first = self.screen.history
        return "\n".join(self.screen.text(first + row).rstrip() for row in range(self.screen.rows))

    def sees(self, pattern: str) -> bool:
        """Whether something that matches is on the screen, wherever lines were broken."""
        return re.search(pattern, self.seen) is not None

    async def until(self, condition: str | Callable[[], bool]) -> None:
        """Wait until a text is to be seen or a condition holds; when it never comes, show the screen as it is."""
        give_up = asyncio.get_running_loop().time() + PATIENCE
        while not (self.sees(condition) if isinstance(condition, str) else condition()):
            if self.ended or asyncio.get_running_loop().time() > give_up:
                raise AssertionError(f"{condition!r} was never seen:\n{self.seen}")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.1)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            os.write(self._child.fileno(), KEYS[key].encode())

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._child.fileno(), text.encode())

    def paste(self, text: str) -> None:
        """Paste a text, marked as a terminal does it: where the program has asked for that."""
        os.write(self._child.fileno(), pasted(text, self.screen.modes))

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self.screen.resize(columns, rows)
        self._child.setwinsize(rows, columns)

    def hang_up(self) -> None:
        """Close the terminal window."""
        asyncio.get_running_loop().remove_reader(self._child.fileno())
        self.ended = True
        # pexpect would end the program itself; here only the terminal goes away, and the program has to notice.
        terminal: Any = self._child.__dict__["ptyproc"]
        terminal.fileobj.close()
        terminal.closed = self._child.closed = True

    async def leaves(self) -> int:
        """Wait for the program's end; its exit status."""
        give_up = asyncio.get_running_loop().time() + PATIENCE
        while not self.ended or self._child.isalive():
            if asyncio.get_running_loop().time() > give_up:
                raise AssertionError(f"it does not leave:\n{self.seen}")
            await asyncio.sleep(0.02)
        status = self._child.exitstatus
        return status if status is not None else 128 + int(self._child.signalstatus or 0)

    @property
    def pid(self) -> int:
        """The program's process id."""
        return int(self._child.pid or 0)

    def stop(self) -> None:
        """End the program however it stands."""
        if not self.ended:
            asyncio.get_running_loop().remove_reader(self._child.fileno())
        if not self._child.closed:
            self._child.close(force=True)


@contextlib.asynccontextmanager
async def person_at(
    *words: str,
    cwd: Path,
    env: dict[str, str],
    columns: int = 160,
    rows: int = 48,
    program: Sequence[str] = (sys.executable, "-m", "vtcode_tui"),
) -> AsyncIterator[Person]:
    """Somebody who starts `vtcode WORDS` and is gone at the end."""
    person = Person(words, cwd=cwd, env=env, columns=columns, rows=rows, program=program)
    try:
        yield person
    finally:
        person.stop()
