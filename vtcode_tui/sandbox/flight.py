"""A run in flight, as the main process holds it: output with back-pressure, input, its end."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import fcntl
import json
import os
import socket
import struct
import termios
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vtcode_tui.sandbox import explain
from vtcode_tui.sandbox.complaints import Complaints
from vtcode_tui.sandbox.profile import Staging
from vtcode_tui.sandbox.records import Refused
from vtcode_tui.sandbox.reported import outcome_of
from vtcode_tui.sandbox.run import Denial, Outcome, TerminalSize

_PIECE = 65536
_HIGH, _LOW = 1 << 20, 1 << 18
"""Above so many unread bytes the run is made to wait, below so many it goes on."""
_LARGEST_RESULT = 64 << 20
_PATIENCE_SECONDS = 1.0
_AGAIN_SECONDS = 0.1


class Flight:
    """See `sandbox.run.Run`. All methods belong to the event loop that made it."""

    def __init__(self, events: socket.socket, output_limit: int, notice: Callable[[Denial], None] | None) -> None:
        self.pid = 0
        self._events = events
        self._limit = output_limit
        self._notice = notice
        self._loop = asyncio.get_running_loop()
        self._chunks: collections.deque[tuple[int, bytes]] = collections.deque()
        self._waiting = self._total = 0
        self._sources: dict[int, int] = {}
        self._paused = False
        self._more = asyncio.Event()
        self._input = -1
        self._to_write = bytearray()
        self._master = -1
        self._spent = False
        """Nobody has the terminal open, while the run goes on: it may be opened again."""
        self._size: TerminalSize | None = None
        self._expects_terminal = False
        self._result = -1
        self._answer = bytearray()
        self._report: Mapping[str, Any] | None = None
        self._kill_reason = ""
        self._limit_hit = ""
        self._explaining: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None] = self._loop.create_future()
        self._outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self.layer: Staging | None = None
        self.refused_elsewhere: Callable[[], Sequence[Denial]] = tuple
        """What the run's proxy refused; part of the outcome."""
        self.complaints: Complaints | None = None
        """Where paths that a failed run names are explained; part of the outcome."""
        self.recorded: Callable[[int], Sequence[Refused]] | None = None
        """Asked for what the kernel recorded as refused to the run of a process."""
        events.setblocking(False)
        self._loop.add_reader(events.fileno(), self._on_message)

    # Wiring, by the spawner.

    def read_from(self, descriptor: int, channel: int) -> None:
        """Take output from `descriptor`, which is closed at its end; channel 1 is stdout, 2 stderr."""
        os.set_blocking(descriptor, False)
        self._sources[descriptor] = channel
        if not self._paused:
            self._loop.add_reader(descriptor, self._on_output, descriptor)

    def take_terminal(self, master: int | None, size: TerminalSize) -> None:
        """Use a PTY: its master, or None when the run makes it inside and sends it."""
        self._size = size
        self._expects_terminal = True
        if master is not None:
            self._master = self._input = master
            self.read_from(master, 1)

    def take_result(self, descriptor: int) -> None:
        """Collect the dict that a worker returns."""
        os.set_blocking(descriptor, False)
        self._result = descriptor
        self._loop.add_reader(descriptor, self._on_result)

    def take_input(self, descriptor: int) -> None:
        """Write input to this pipe."""
        os.set_blocking(descriptor, False)
        self._input = descriptor

    def when_ended(self, call: Callable[[Flight], None]) -> None:
        """Call back once the outcome is known."""
        self._outcome.add_done_callback(lambda _future: call(self))

    def abandon(self) -> None:
        """The fork server is gone and with it the run: let everybody go who still waits."""
        if self._outcome.done():
            return
        if self._report is None:
            self._report = {"killed": self._kill_reason or "vtcode ended", "exit": -9}
            self._loop.remove_reader(self._events.fileno())
            self._events.close()
        if self._result >= 0:
            self._loop.remove_reader(self._result)
            os.close(self._result)
            self._result = -1
        self._drop_sources()
        if not self._begun.done():
            self._begun.set_result(None)
        self._finish()

    def _drop_sources(self) -> None:
        for source in list(self._sources):
            self._loop.remove_reader(source)
            os.close(source)
        if self._input == self._master:
            self._input = -1
        self._sources.clear()
        if self._spent:
            os.close(self._master)
            self._spent = False
        self._master = -1

    async def begun(self) -> None:
        """Wait until the work has started or failed to; a cancelled start ends the run."""
        try:
            await asyncio.shield(self._begun)
        except asyncio.CancelledError:
            self.kill("cancelled")
            raise

    # The Run protocol.

    async def output(self) -> AsyncIterator[bytes]:
        """Everything the run writes, in order."""
        async for _channel, data in self.chunks():
            yield data

    async def chunks(self) -> AsyncIterator[tuple[int, bytes]]:
        """The output with its channel: 1 for stdout (and terminals), 2 for stderr where it was kept apart."""
        while True:
            while self._chunks:
                channel, data = self._chunks.popleft()
                self._waiting -= len(data)
                if self._paused and self._waiting < _LOW:
                    self._resume()
                yield channel, data
            if self._outcome.done() or (self._report is not None and not self._sources):
                return
            self._more.clear()
            await self._more.wait()

    async def wait(self) -> Outcome:
        """The outcome, when everything has ended."""
        return await asyncio.shield(self._outcome)

    def write(self, data: bytes) -> None:
        """Send input; ignored once the run has ended."""
        if self._input < 0 or self._outcome.done():
            return
        if not self._to_write:
            self._loop.add_writer(self._input, self._on_writable)
        self._to_write += data

    def close_input(self) -> None:
        """End of input for a run that reads a pipe."""
        if self._input >= 0 and self._input != self._master and not self._to_write:
            self._drop_input()

    def resize(self, size: TerminalSize) -> None:
        """Tell the terminal and the programs on it its new size."""
        self._size = size
        if self._master >= 0:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))

    def kill(self, reason: str) -> None:
        """End the run with everything it started."""
        self._send_kill(reason, "")

    # The event loop's callbacks.

    def _send_kill(self, reason: str, limit: str) -> None:
        if self._outcome.done():
            return
        self._kill_reason = self._kill_reason or reason
        with contextlib.suppress(OSError):
            self._events.send(json.dumps({"kill": reason[:1000], "limit": limit}).encode())

    def _on_output(self, descriptor: int) -> None:
        data = bytearray()
        ended = False
        # A terminal gives 4 KB at a time; who writes fast has the next ones there already, and a round of the loop
        # for each would cost more than they do.
        while len(data) < _PIECE:
            try:
                piece = os.read(descriptor, _PIECE)
            except BlockingIOError:
                break
            except OSError:
                piece = b""  # a terminal whose last user is gone answers EIO
            if not piece:
                ended = True
                break
            data += piece
        if data:
            self._take(descriptor, bytes(data))
        if ended:
            self._end_source(descriptor)

    def _take(self, descriptor: int, data: bytes) -> None:
        self._total += len(data)
        if self._total > self._limit:
            if not self._limit_hit:
                self._limit_hit = "output"
                self._send_kill(f"limit: more than {self._limit >> 20} MiB of output", "output")
            return
        self._chunks.append((self._sources[descriptor], data))
        if self.complaints is not None:
            self.complaints.hear(data)
        self._waiting += len(data)
        self._more.set()
        if self._waiting > _HIGH and not self._paused and self._report is None:
            self._paused = True
            for source in self._sources:
                self._loop.remove_reader(source)

    def _resume(self) -> None:
        self._paused = False
        for source in self._sources:
            self._loop.add_reader(source, self._on_output, source)

    def _end_source(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        del self._sources[descriptor]
        if descriptor == self._master and self._report is None:
            # Closed now it would hang up on a run that let go of its terminal and may be about to end by itself.
            self._spent = True
            self._loop.call_later(_AGAIN_SECONDS, self._read_again)
        else:
            if descriptor == self._master:
                self._drop_input()
                self._master = -1
            os.close(descriptor)
        self._more.set()
        self._finish()

    def _read_again(self) -> None:
        """Take up a terminal that somebody has opened again, as `/dev/tty` too: who writes to it would wait.

        There is nothing to wait for: a poll of a master whose other end nobody has open answers at once.
        """
        if self._spent:
            self._spent = False
            self.read_from(self._master, 1)
            if not self._paused:
                self._on_output(self._master)

    def _on_result(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._result, 1 << 20)
            self._answer += data
            if data and len(self._answer) <= _LARGEST_RESULT:
                return
            self._loop.remove_reader(self._result)
            os.close(self._result)
            self._result = -1
            self._finish()

    def _on_writable(self) -> None:
        try:
            sent = os.write(self._input, self._to_write[:_PIECE])
        except BlockingIOError:
            if not self._spent:
                return
            # A terminal that nobody has open holds no more, and would be said to be writable for ever.
            self._to_write.clear()
            sent = 0
        except OSError:
            self._to_write.clear()
            sent = 0
        del self._to_write[:sent]
        if not self._to_write:
            self._loop.remove_writer(self._input)

    def _drop_input(self) -> None:
        if self._input < 0:
            return
        self._loop.remove_writer(self._input)
        if self._input != self._master:
            os.close(self._input)
        self._input = -1

    def _on_message(self) -> None:
        try:
            text, descriptors, _flags, _address = socket.recv_fds(self._events, 1 << 18, 2)
        except BlockingIOError:
            return
        except OSError:
            text, descriptors = b"", []
        if not text:
            self._lose()
            return
        self._hear(json.loads(text), descriptors)

    def _lose(self) -> None:
        """The supervisor is gone without a report."""
        self._report = {"killed": self._kill_reason or "the supervisor ended", "exit": -9}
        if not self._begun.done():
            self._report = {"setup_error": "the spawner ended before the work began", "step": "spawner"}
        self._after_report()

    def _hear(self, said: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        match said:
            case {"terminal": _}:
                self.take_terminal(descriptors[0], self._size or TerminalSize())
                self.resize(self._size or TerminalSize())
            case {"started": pid}:
                if self.complaints is not None:
                    self.complaints.settle(str(said.get("folder", "")))
                self.pid = int(pid)
                if not self._begun.done():
                    self._begun.set_result(None)
            case {"denied": row}:
                denial = explain.denial(row)
                if self._notice is not None and explain.worth_telling(denial, None):
                    self._notice(denial)
            case {"survivors": _}:
                self._report = said
                self._after_report()

    def _after_report(self) -> None:
        self._loop.remove_reader(self._events.fileno())
        self._events.close()
        if self._paused:
            # What is left is what the pipes hold. Nobody may be there to read it, and its end is waited for.
            self._resume()
        self._read_again()
        if not self._begun.done():
            self._begun.set_result(None)
        if self._result >= 0 and self._report is not None and self._report.get("setup_error"):
            self._loop.remove_reader(self._result)
            os.close(self._result)
            self._result = -1
        self._more.set()
        self._finish()

    def _finish(self) -> None:
        """Resolve the outcome once the report is here and every stream has ended."""
        if self._report is None or self._result >= 0 or self._outcome.done() or self._explaining is not None:
            return
        if self._sources and self._report.get("setup_error"):
            self._drop_sources()
        if self._sources:
            return
        self._drop_input()
        outcome = outcome_of(self._report, bytes(self._answer), self._kill_reason)
        unfound = self._report.get("step") == "execute"
        if self.complaints is not None and unfound:
            self.complaints.hear(
                outcome.setup_error.encode()
            )  # the run itself would be a program that it does not see
        if self.complaints is not None and (unfound or outcome.exit_code not in (0, None)):
            self._explaining = self._loop.create_task(self._explain(outcome, self.complaints))
        else:
            self._conclude(outcome, self.complaints.about_protected() if self.complaints is not None else ())

    async def _explain(self, outcome: Outcome, complaints: Complaints) -> None:
        """Conclude with what the sandbox had to do with it, unless looking hangs (a dead network mount)."""
        found: Sequence[Denial] = ()
        try:
            looking = self._loop.run_in_executor(None, complaints.denials)
            found = await asyncio.wait_for(looking, _PATIENCE_SECONDS)
            if self.recorded is not None and (refused := self.recorded(self.pid)):
                looking = self._loop.run_in_executor(None, complaints.recorded, refused)
                found = tuple(dict.fromkeys([*found, *await asyncio.wait_for(looking, _PATIENCE_SECONDS)]))
        except TimeoutError:
            pass
        finally:
            self._conclude(outcome, found)

    def _conclude(self, outcome: Outcome, found: Sequence[Denial]) -> None:
        denials = (*outcome.denials, *self.refused_elsewhere(), *found)
        self._outcome.set_result(replace(outcome, denials=denials))
        self._more.set()
