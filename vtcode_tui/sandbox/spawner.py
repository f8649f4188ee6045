"""The spawner: the only thing in vtcode that starts processes, and it starts nothing but grants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.common.home import Home
from vtcode_tui.sandbox import job, ruleset
from vtcode_tui.sandbox.flight import Flight
from vtcode_tui.sandbox.grant import Grant, Invoke
from vtcode_tui.sandbox.profile import Tier
from vtcode_tui.sandbox.run import Denial, TerminalSize

_SERVER = Path(__file__).with_name("inner") / "server.py"


class Spawner:
    """Owns the fork server. Start it before any thread or screen exists; closing it ends every run."""

    def __init__(self, *, preload: Sequence[str], scratch: Path, tier: Tier, home: Path) -> None:
        self._preload = tuple(preload)
        self._scratch = scratch
        self._home = home
        self._spent: set[str] = set()
        self._flights: set[Flight] = set()
        self._launch()
        self.tier = tier

    @classmethod
    def start(
        cls,
        preload: Sequence[str] = (),
        *,
        scratch: Path | None = None,
        tier: Tier = "full",
        home: Path | None = None,
    ) -> Spawner:
        """Start the fork server and return at once.

        `preload`: modules of workers, imported once in the fork server; `scratch`: where runs have their private
        folders; `tier`: what runs get (see `probe`); a machine that cannot do it refuses every run.
        """
        place = (scratch or Home.from_environment().cache / "sandbox").resolve()
        return cls(preload=preload, scratch=place, tier=tier, home=(home or Path.home()).resolve())

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            os.set_inheritable(theirs.fileno(), True)
            package_parent = str(_SERVER.parents[3])
            words = [sys.executable, "-I", "-S", "-X", "utf8", str(_SERVER), str(theirs.fileno()), package_parent]
            try:
                self._process = subprocess.Popen(
                    [*words, *self._preload],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={"PATH": "/usr/bin:/bin"},
                    cwd="/",
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"the spawner cannot be started: {error}", step="spawner") from error
        self._control = ours

    @property
    def pid(self) -> int:
        """The fork server's process id."""
        return self._process.pid

    async def run(
        self,
        grant: Grant,
        *,
        terminal: TerminalSize | None = None,
        stdin: Literal["null", "pipe"] | int = "null",
        separate: bool = False,
        proxy: tuple[str, int, str] | None = None,
        notice: Callable[[Denial], None] | None = None,
    ) -> Flight:
        """Start the work of a grant, which is spent by this call. Returns once it has begun or failed to begin.

        `stdin` is nothing, a pipe that `Run.write` fills, or a descriptor; `separate` keeps stderr apart;
        `proxy` is the address, port and URL of the run's filtering proxy; `notice` hears each refusal at once.
        Raises SandboxError where the run cannot be set up; then nothing has run.
        """
        self._spend(grant)
        if self._process.poll() is not None:
            # The fork server was killed; its runs ended with it. A new one serves the next.
            self._control.close()
            self._launch()
        mine: list[int] = []
        theirs: list[int] = []
        try:
            flight = self._send(grant, terminal, stdin, separate, proxy, notice, mine, theirs)
        except BaseException:
            for descriptor in mine:
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self._flights.add(flight)
        await flight.begun()
        return flight

    def _spend(self, grant: Grant) -> None:
        if self.tier not in {"full", "kernel"}:
            raise SandboxError(f"tier {self.tier} runs nothing here: see `vtcode sandbox doctor`", step="tier")
        if grant.nonce in self._spent:
            raise SandboxError("this grant was used already", step="grant")
        if time.monotonic_ns() > grant.expires_ns:
            raise SandboxError("this grant has expired", step="grant")
        self._spent.add(grant.nonce)

    def _send(
        self,
        grant: Grant,
        terminal: TerminalSize | None,
        stdin: Literal["null", "pipe"] | int,
        separate: bool,
        proxy: tuple[str, int, str] | None,
        notice: Callable[[Denial], None] | None,
        mine: list[int],
        theirs: list[int],
    ) -> Flight:
        """Make the descriptors of both sides and hand theirs over; `mine` and `theirs` are closed on failure."""

        def pipe(*, ours_reads: bool) -> tuple[int, int]:
            reader, writer = os.pipe()
            mine.append(reader if ours_reads else writer)
            theirs.append(writer if ours_reads else reader)
            return (reader, writer) if ours_reads else (writer, reader)

        master, tty = None, ""
        sources: list[tuple[int, int]] = []
        feed = -1
        if terminal is not None and self.tier == "kernel":
            master, slave = os.openpty()
            os.set_inheritable(master, False)
            mine.append(master)
            theirs.append(slave)
            tty = os.ttyname(slave)
            streams = [slave, slave, slave]
        else:
            source = stdin if isinstance(stdin, int) else -1
            if source < 0 and stdin == "pipe" and terminal is None:
                feed, source = pipe(ours_reads=False)
            elif source < 0:
                source = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
                theirs.append(source)
            reader, out = pipe(ours_reads=True)
            sources.append((reader, 1))
            error = out
            if separate and terminal is None:
                reader, error = pipe(ours_reads=True)
                sources.append((reader, 2))
            streams = [source, out, error]
        answer = -1
        if isinstance(grant.work, Invoke):
            answer, writer = pipe(ours_reads=True)
            streams.append(writer)
        machine = job.Machine(self.tier, ruleset.supported_abi(), self._scratch, self._home)
        prepared = job.prepare(grant, machine, terminal, tty, proxy)
        theirs.append(prepared.ruleset)
        spec = os.memfd_create("vtcode-job", os.MFD_CLOEXEC)
        theirs.append(spec)
        os.write(spec, prepared.text)
        ours, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            try:
                self._hand_over(prepared.staging, [other.fileno(), spec, prepared.ruleset, *streams])
            except BaseException:
                ours.close()
                raise
        flight = Flight(ours, grant.profile.limits.output, notice)
        for descriptor, channel in sources:
            flight.read_from(descriptor, channel)
        if feed >= 0:
            flight.take_input(feed)
        if terminal is not None:
            flight.take_terminal(master, terminal)
        if answer >= 0:
            flight.take_result(answer)
        return flight

    def _hand_over(self, staging: list[str] | None, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._control, [json.dumps({"staging": staging}).encode()], descriptors)
        except OSError as error:
            raise SandboxError(f"the spawner does not answer: {error}", step="spawner") from error

    async def close(self) -> None:
        """End every run and the fork server."""
        for flight in self._flights:
            flight.kill("vtcode ended")
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._process.wait)
        self._flights.clear()
