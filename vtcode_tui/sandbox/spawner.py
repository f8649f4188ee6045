"""The spawner: the only thing in vtcode that starts processes, and it starts nothing but grants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.common.home import Home, home_of_user
from vtcode_tui.sandbox import beginning, job, records, ruleset
from vtcode_tui.sandbox.complaints import Complaints
from vtcode_tui.sandbox.flight import Flight
from vtcode_tui.sandbox.grant import Execute, Grant, Invoke
from vtcode_tui.sandbox.job import Request
from vtcode_tui.sandbox.opening import Opening
from vtcode_tui.sandbox.profile import Profile, Tier
from vtcode_tui.sandbox.proxy import Connection, Proxy
from vtcode_tui.sandbox.run import Denial, Outcome, TerminalSize
from vtcode_tui.sandbox.wiring import Options, Wiring

_IDLE_SECONDS = 0.01
"""After a run nobody waits for us so long: what the next one needs is made then."""


class Spawner:
    """Owns the fork server. Start it before any thread or screen exists; closing it ends every run."""

    tiers: ClassVar[frozenset[Tier]] = frozenset({"full", "kernel"})
    """What it can give a run; at any other tier it refuses."""

    def __init__(self, *, preload: Sequence[str], scratch: Path, tier: Tier, home: Path, own: Home) -> None:
        self._preload = tuple(preload)
        self._scratch = scratch
        self._home = home
        self._own = (own.config.resolve(), own.state.resolve())
        self._place = (scratch, home, own)
        self._uncontained: Spawner | None = None
        self._layers = own.layers.resolve()
        self._spent: set[str] = set()
        self._flights: set[Flight] = set()
        self._machine: job.Machine | None = None
        self._records: records.Records | None = None
        self._former: list[subprocess.Popen[bytes]] = []
        """Fork servers that were killed, as long as their sentinels have something to end."""
        self._launch()
        self.tier = tier
        self.proxy: Callable[[Sequence[str], Callable[[Connection], None]], Proxy] = Proxy
        """What makes the proxy of a run with hosts."""

    @classmethod
    def start(
        cls,
        preload: Sequence[str] = (),
        *,
        scratch: Path | None = None,
        tier: Tier = "full",
        home: Path | None = None,
        own: Home | None = None,
    ) -> Spawner:
        """Start the fork server and return at once.

        `preload`: modules of workers, imported once in the fork server; `scratch`: where runs have their private
        folders; `tier`: what runs get (see `probe`); a machine that cannot do it refuses every run;
        `own`: vtcode's own folders, which no run is given (default: those of the environment).
        """
        own = own or Home.from_environment()
        place = (scratch or own.cache / "sandbox").resolve()
        person = (home or home_of_user()).resolve()
        if sys.platform == "darwin":
            from vtcode_tui.sandbox.seatbelt_spawner import SeatbeltSpawner

            return SeatbeltSpawner(scratch=place, home=person, own=own)
        return cls(preload=preload, scratch=place, tier=tier, home=person, own=own)

    def _launch(self) -> None:
        self._control, self._process = beginning.begin("server.py", socket.SOCK_SEQPACKET, words=self._preload)
        self._server, self._life = 0, -1

    @property
    def pid(self) -> int:
        """The fork server's process id, which is the first thing that it says; its parent is the sentinel.

        Where it ended without a word, that of the process that was to become both.
        """
        if self._server == 0:
            self._meet()
        return self._server

    def _meet(self) -> None:
        told, lives = b"", list[int]()
        with contextlib.suppress(OSError):
            told, lives, _flags, _address = socket.recv_fds(self._control, 32, 1)
        self._server = int(told) if told else self._process.pid
        self._life = lives[0] if lives else -1

    async def run(
        self,
        grant: Grant,
        *,
        terminal: TerminalSize | None = None,
        stdin: Literal["null", "pipe"] | int = "null",
        separate: bool = False,
        notice: Callable[[Denial], None] | None = None,
        connected: Callable[[Connection], None] | None = None,
    ) -> Flight:
        """Start the work of a grant, which is spent by this call. Returns once it has begun or failed to begin.

        `stdin` is nothing, a pipe that `Run.write` fills, or a descriptor; `separate` keeps stderr apart;
        `notice` hears each refusal at once, `connected` each decision of the run's proxy.
        Raises SandboxError where the run cannot be set up; then nothing has run.
        """
        self._spend(grant)
        request = Request(grant.work, grant.cwd, grant.profile, grant.pins)
        return await self._begin(request, Options(terminal, stdin, separate, notice), connected)

    async def self_test(
        self, module: str, function: str, arguments: Mapping[str, object], profile: Profile
    ) -> tuple[Outcome, str]:
        """Run a worker of vtcode's own self-test. It has no grant: nobody asked for it, and it asks for nothing."""
        if not module.startswith("vtcode_tui.sandbox.selftest."):
            raise SandboxError(f"{module} is no part of the self-test", step="grant")
        request = Request(Invoke(module, function, json.dumps(arguments)), profile.workspace, profile)
        flight = await self._begin(request, Options(), None)
        output = b"".join([piece async for piece in flight.output()])
        return await flight.wait(), output.decode("latin-1")

    def allow_uncontained(self) -> None:
        """Let runs happen in tier none, with nothing that contains them: the user's own configuration says so."""
        from vtcode_tui.sandbox.uncontained import UncontainedSpawner

        scratch, home, own = self._place
        self._uncontained = UncontainedSpawner(scratch=scratch, home=home, own=own)

    async def _begin(
        self, request: Request, options: Options, connected: Callable[[Connection], None] | None
    ) -> Flight:
        if self.tier == "none" and self._uncontained is not None:
            return await self._uncontained._begin(request, options, connected)
        if self.tier not in self.tiers:
            raise SandboxError(f"tier {self.tier} runs nothing here: see `vtcode sandbox doctor`", step="tier")
        self._revive()
        network = request.profile.network
        opening = Opening(network.hosts, options.notice, connected, self.proxy) if network.mode == "hosts" else None
        if opening is not None:
            await opening.start()
        try:
            flight = self._send(request, options, opening)
        except BaseException:
            if opening is not None:
                await opening.close()
            raise
        self._flights.add(flight)
        flight.when_ended(self._ended)
        if self._records is not None:
            flight.recorded = self._records.of
        if opening is not None:
            flight.refused_elsewhere = lambda: opening.refused
            flight.when_ended(lambda _flight: opening.close_soon())
        await flight.begun()
        return flight

    def _revive(self) -> None:
        """Where the fork server was killed its runs ended with it: a new one serves the next."""
        if self._has_ended():  # the sentinel ends what is left of it
            self._control.close()
            self._forget_life()
            self._former.append(self._process)
            self._launch()
        self._former = [process for process in self._former if process.poll() is None]

    def _has_ended(self) -> bool:
        """Whether the fork server is gone. A crew that it had just forked may hold its end of the socket still."""
        looked = select.poll()
        looked.register(self._control, select.POLLIN if self._server == 0 else 0)
        if self._server == 0 and looked.poll(0):
            self._meet()
            looked.modify(self._control, 0)
        if self._life >= 0:
            looked.register(self._life, select.POLLIN)
        return bool(looked.poll(0))

    def _forget_life(self) -> None:
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    def _ended(self, flight: Flight) -> None:
        self._flights.discard(flight)
        if self._machine is not None and self._machine.rulesets is not None:
            asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._machine.rulesets.refill)

    def _machine_now(self) -> job.Machine:
        if self._machine is None or self._machine.tier != self.tier:
            self._let_go()
            abi = ruleset.supported_abi()
            machine = job.Machine(self.tier, abi, self._scratch, self._home, self._own, self._layers)
            heard, _why = records.source()
            self._records = records.Records(heard) if heard is not None else None
            self._machine = replace(machine, rulesets=job.rulesets(machine), recorded=heard is not None)
        return self._machine

    def _let_go(self) -> None:
        if self._records is not None:
            self._records.close()
            self._records = None
        if self._machine is not None and self._machine.rulesets is not None:
            self._machine.rulesets.close()
        if self._machine is not None:
            self._machine.places.close()

    def _spend(self, grant: Grant) -> None:
        if grant.nonce in self._spent:
            raise SandboxError("this grant was used already", step="grant")
        if time.monotonic_ns() > grant.expires_ns:
            raise SandboxError("this grant has expired", step="grant")
        self._spent.add(grant.nonce)

    def _send(self, request: Request, options: Options, opening: Opening | None) -> Flight:
        """Make the descriptors of both sides and hand the run's to the fork server."""
        wiring = Wiring(options)
        try:
            wiring.connect(own_terminal=self.tier == "kernel", answers=isinstance(request.work, Invoke))
            machine = self._machine_now()
            proxy = (opening.address, opening.port, opening.url) if opening is not None else None
            prepared = job.prepare(request, machine, options.terminal, wiring.tty, proxy)
            wiring.keep_for_run(prepared.ruleset)
            text = wiring.keep_for_run(os.memfd_create("vtcode-job", os.MFD_CLOEXEC))
            os.write(text, prepared.text)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                try:
                    handed = [theirs.fileno(), prepared.outline, text, prepared.ruleset, *wiring.streams]
                    handed += [prepared.places] if prepared.guarded else []
                    message = {
                        "staging": prepared.staging,
                        "alone": self._is_alone(request.profile),
                        "guarded": prepared.guarded,
                        "writes": prepared.writes,
                    }
                    socket.send_fds(self._control, [json.dumps(message).encode()], handed)
                except OSError as error:
                    ours.close()
                    raise SandboxError(f"the spawner does not answer: {error}", step="spawner") from error
            flight = Flight(ours, request.profile.limits.output, options.notice)
            if isinstance(request.work, Execute):
                flight.complaints = Complaints(prepared.view, os.environ.get("PATH", ""))
            flight.layer = request.profile.staging
            wiring.attach(flight)
        finally:
            wiring.close()
        return flight

    def _is_alone(self, profile: Profile) -> bool:
        """Whether no run that has not ended uses the layer of `profile`."""
        return all(flight.layer != profile.staging for flight in self._flights)

    async def close(self) -> None:
        """End every run and the fork server."""
        self._let_go()
        if self._uncontained is not None:
            await self._uncontained.close()
        flights = list(self._flights)
        for flight in flights:
            flight.kill("vtcode ended")
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        self._forget_life()
        # Each supervisor ends its run and says so; the fork server leaves when the last is gone.
        for process in (*self._former, self._process):
            await asyncio.get_running_loop().run_in_executor(None, process.wait)
        for flight in flights:
            flight.abandon()
