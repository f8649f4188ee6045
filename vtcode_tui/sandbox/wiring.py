"""The descriptors of a run: made here, one end for us and one for the run, all closed if anything fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from vtcode_tui.sandbox.flight import Flight
from vtcode_tui.sandbox.run import Denial, TerminalSize


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is connected to us."""

    terminal: TerminalSize | None = None
    stdin: Literal["null", "pipe"] | int = "null"
    separate: bool = False
    notice: Callable[[Denial], None] | None = None


@dataclass(slots=True)
class Wiring:
    """Both ends of everything."""

    options: Options
    tty: str = ""
    """The name of a terminal made here, for tier kernel's rules."""
    streams: list[int] = field(default_factory=list)
    """The run's stdin, stdout, stderr, and the pipe for a worker's result."""
    _mine: list[int] = field(default_factory=list)
    _theirs: list[int] = field(default_factory=list)
    _sources: list[tuple[int, int]] = field(default_factory=list)
    _master: int = -1
    _feed: int = -1
    _answer: int = -1

    def connect(self, *, own_terminal: bool, answers: bool) -> None:
        """Make them. `own_terminal`: a PTY is made here and not inside the run."""
        if self.options.terminal is not None and own_terminal:
            self._master, slave = os.openpty()
            self._mine.append(self._master)
            self._theirs.append(slave)
            self.tty = os.ttyname(slave)
            self.streams = [slave, slave, slave]
        else:
            out = self._read_by_us(1)
            error = self._read_by_us(2) if self.options.separate and self.options.terminal is None else out
            self.streams = [self._input(), out, error]
        if answers:
            self._answer, writer = self._pipe()
            self.streams.append(writer)

    def keep_for_run(self, descriptor: int) -> int:
        """Another descriptor that is handed over and then closed here."""
        self._theirs.append(descriptor)
        return descriptor

    def attach(self, flight: Flight) -> None:
        """Give our ends to the flight, which closes them."""
        for descriptor, channel in self._sources:
            flight.read_from(descriptor, channel)
        if self._feed >= 0:
            flight.take_input(self._feed)
        if self.options.terminal is not None:
            flight.take_terminal(self._master if self._master >= 0 else None, self.options.terminal)
        if self._answer >= 0:
            flight.take_result(self._answer)
        self._mine.clear()

    def close(self) -> None:
        """Close the run's ends here, and ours if nobody took them."""
        for descriptor in (*self._theirs, *self._mine):
            os.close(descriptor)
        self._theirs.clear()
        self._mine.clear()

    def _pipe(self) -> tuple[int, int]:
        reader, writer = os.pipe()
        self._mine.append(reader)
        return reader, self.keep_for_run(writer)

    def _read_by_us(self, channel: int) -> int:
        reader, writer = self._pipe()
        self._sources.append((reader, channel))
        return writer

    def _input(self) -> int:
        if isinstance(self.options.stdin, int):
            return self.options.stdin
        if self.options.stdin == "pipe" and self.options.terminal is None:
            reader, self._feed = os.pipe()
            self._mine.append(self._feed)
            return self.keep_for_run(reader)
        return self.keep_for_run(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
