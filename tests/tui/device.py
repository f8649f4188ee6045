"""The app in a process of its own at a real pseudo-terminal, and what it has drawn there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from vtcode_tui.terminal import Screen

ROOT = Path(__file__).resolve().parents[2]


OURS = re.compile(
    rb"\x1b\[[0-9;:]*m|\x1b\[[0-9;]*H|\x1b\[\?(?:1049|100[0346]|1015|1016|2004|2026|2048|25|7)[hl]|\x1b\[\?(?:2026|2048)\$p"
    rb"|\x1b\[5n|\x1b\[>\d+u|\x1b\[<u|\x1b\]22;[a-z-]*\x07"
)
LINK = re.compile(rb"\x1b\]8;[^\x07\x1b]*\x1b\\")
# An end that a read may stop at: within a UTF-8 character, or within a control sequence.
CUT = re.compile(
    rb"(?:[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2}|\x1b(?:\[[0-9;:?<>$]*|\][^\x07\x1b]*\x1b?)?)\Z"
)
LONGEST = 4096  # bytes that one sequence of the app may take; a link is the longest
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b")


class Terminal:
    """A pseudo-terminal with the app in it, and what the app has drawn."""

    def __init__(
        self, play: str, folder: Path, *, columns: int = 100, rows: int = 30, shell: bool = False, **environ: str
    ) -> None:
        self.master, slave = pty.openpty()
        self.size(columns, rows, slave)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.screen = Screen(columns, rows)
        self.raw = b""
        self.folder = folder
        self.errors = folder / "stderr"
        self.output = folder / "stdout"
        env = {**os.environ, "TERM": "xterm-256color", "VTCODE_HOME": str(folder / "home"), **environ}
        env.pop("NO_COLOR", None)

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        program = (
            ["bash", "--norc", "--noprofile", "-i"] if shell else [sys.executable, "-m", "tests.tui.actor", play]
        )
        with self.errors.open("wb") as err, self.output.open("wb") as out:
            self.process = subprocess.Popen(
                program, cwd=ROOT, env={**env, "PS1": "ready> "}, stdin=slave, stdout=slave if shell else out,
                stderr=slave if shell else err, preexec_fn=own_terminal,
            )  # fmt: skip

    def size(self, columns: int, rows: int, descriptor: int | None = None) -> None:
        fcntl.ioctl(descriptor or self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(columns, rows)
        self.size(columns, rows)

    def read(self, seconds: float = 0.1) -> bytes:
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return b""
        self.raw += data
        self.screen.feed(data)
        if answers := self.screen.take_replies():  # a terminal answers what a program asks it
            self.send(answers)
        return data

    def until(self, condition: Callable[[], bool], seconds: float = 100.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "\n".join(self.rows()) + self.errors.read_text()[-2000:]
            self.read()

    def shows(self, text: str) -> Callable[[], bool]:
        return lambda: any(text in row for row in self.rows())

    def rows(self) -> list[str]:
        return [self.screen.text(self.screen.history + y) for y in range(self.screen.rows)]

    def send(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def tell(self, name: str) -> None:
        """Let a play go on that waits for `told(name)`."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        (home / name).touch()

    def lose_focus(self) -> None:
        """What a terminal says when another window is looked at; the app draws its prompt without the keys then."""
        while self.read(0.3):
            pass
        before = len(self.raw)
        self.send(b"\x1b[O")
        self.until(lambda: len(self.raw) > before)

    def press(self, *keys: bytes) -> None:
        """Send keys one by one, each after what the one before it made the app draw."""
        for key in keys:
            self.send(key)
            quiet, usual, last = 0, time.monotonic() + 0.3, time.monotonic() + 40
            # Longer than the app waits for what may follow an escape. What moves all the time is not waited for.
            while quiet < 4 and time.monotonic() < last:
                drawn, rests = self.read(0.05), self._rests()
                quiet = quiet + 1 if rests and not drawn else 0
                if rests and time.monotonic() > usual:
                    break

    def _rests(self) -> bool:
        """Whether no thread of the app has anything to do."""
        states = []
        for stat in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                states.append(stat.read_text().rpartition(")")[2].split()[0])
        return "R" not in states

    def said(self) -> bytes:
        """Every byte so far, read on until the last character and the last sequence are whole."""
        self.until(lambda: not CUT.search(self.raw[-LONGEST:]))
        return self.raw

    def hostile_left(self) -> list[str]:
        """Places where a byte that the app itself does not send reached the terminal, with what is around."""
        text = LINK.sub(b"", OURS.sub(b"", self.said())).decode()
        found = re.finditer("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)
        left = [text[max(0, one.start() - 30) : one.start() + 30] for one in found]
        return left + sorted(BIDI & set(text))

    def ended(self) -> bool:
        return self.process.poll() is not None

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
