"""Spawners without a fork server: each run is seen through by a process of its own (`inner/lone_run.py`).

Python must not fork after threads exist, and Apple's frameworks break in forks; a fresh interpreter costs 20 ms.
What stands between a run and the machine is for the subclass to say (`_enclose`): Seatbelt, or nothing at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.common.home import Home
from vtcode_tui.sandbox import beginning, job, toolchains
from vtcode_tui.sandbox.flight import Flight
from vtcode_tui.sandbox.grant import Invoke
from vtcode_tui.sandbox.inner import processes
from vtcode_tui.sandbox.inner.job import NO_CORE
from vtcode_tui.sandbox.job import Machine, Request
from vtcode_tui.sandbox.opening import Opening
from vtcode_tui.sandbox.profile import Profile, Tier
from vtcode_tui.sandbox.spawner import Spawner
from vtcode_tui.sandbox.wiring import Options, Wiring

_LAUNCHER = Path(__file__).with_name("inner") / "launcher.py"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run works: its own folder with `home` and `tmp`, its caches, what it may read, its terminal."""

    folder: Path
    caches: Path
    readable: tuple[Path, ...]
    terminal: str
    proxy_port: int


class LineFlight(Flight):
    """A flight whose supervisor writes lines: macOS has no SOCK_SEQPACKET between local processes."""

    _partial = b""

    def _on_message(self) -> None:
        try:
            data = self._events.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            if self._report is None:
                self._hear(json.loads(line), ())


class LoneSpawner(Spawner):
    """Starts each grant with a supervisor of its own."""

    tier_of_all: Tier = "none"
    reaps = False
    """Whether orphans of a run become children of its supervisor, which ends them (Linux)."""

    def __init__(self, *, scratch: Path, home: Path, own: Home) -> None:
        self._runs: dict[Flight, subprocess.Popen[bytes]] = {}
        self._over: list[subprocess.Popen[bytes]] = []
        super().__init__(preload=(), scratch=scratch, tier=self.tier_of_all, home=home, own=own)

    def _check(self, profile: Profile) -> None:
        """Raise SandboxError for a profile that cannot be had here."""
        if profile.staging is not None:
            raise SandboxError(f"tier {self.tier} has no layer: edits need an approval each", step="layer")

    def _enclose(self, words: tuple[str, ...], profile: Profile, place: Place) -> tuple[str, ...]:
        """The words that start the work behind whatever contains it."""
        raise NotImplementedError

    def _launch(self) -> None:
        """Nothing runs before the first grant."""

    def _revive(self) -> None:
        self._over = [process for process in self._over if process.poll() is None]

    @property
    def pid(self) -> int:
        """This process: there is no fork server."""
        return os.getpid()

    def _send(self, request: Request, options: Options, opening: Opening | None) -> Flight:
        wiring = Wiring(options)
        machine = Machine(self.tier, 0, self._scratch, self._home, self._own, self._layers)
        try:
            wiring.connect(own_terminal=True, answers=isinstance(request.work, Invoke))
            proxy = (opening.address, opening.port, opening.url) if opening is not None else None
            text = self._prepare(request, machine, options, wiring.tty, proxy)
            with tempfile.TemporaryFile() as file:
                file.write(text)
                file.flush()
                handed = [file.fileno(), *wiring.streams]
                ours, process = beginning.begin("lone_run.py", socket.SOCK_STREAM, handed=handed)
            flight = LineFlight(ours, request.profile.limits.output, options.notice)
            self._runs[flight] = process
            wiring.attach(flight)
        finally:
            wiring.close()
        return flight

    def _prepare(
        self,
        request: Request,
        machine: Machine,
        options: Options,
        tty: str,
        proxy: tuple[str, int, str] | None,
    ) -> bytes:
        """Make the run's private folders and write the job. Raises SandboxError."""
        profile = request.profile
        self._check(profile)
        job.keep_own_out(request, machine)
        shelf = machine.scratch / hashlib.sha256(os.fsencode(profile.workspace)).hexdigest()[:16]
        folder, caches = shelf / f"run-{secrets.token_hex(8)}", shelf / "cache"
        readable = tuple(
            dict.fromkeys([*toolchains.in_home(machine.home), *toolchains.interpreter(), *profile.readable])
        )
        try:
            for made in (caches, folder, folder / "home", folder / "tmp"):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / "home/.cache").symlink_to(caches)
            _link_toolchains(readable, machine.home, folder / "home")
            work = job.work_of(request, machine, folder, proxy)
            words = _launch_words() if isinstance(request.work, Invoke) else _words(request)
            place = Place(folder, caches, readable, tty, proxy[1] if proxy else 0)
            argv = self._enclose(words, profile, place)
            rlimits = _rlimits(profile)
        except OSError as error:
            raise SandboxError(f"the run cannot be prepared: {error}", step="private folders") from error
        work["argv"], work["executable"] = list(argv), argv[0]
        given = _nothing_of_linux() | work | {"reaps": self.reaps}
        given |= {
            "folder": str(folder),
            "caches": str(caches),
            "home": str(machine.home),
            "readable": [str(path) for path in readable],
            "writable": [str(path) for path in profile.writable],
            "protected": [str(path) for path in profile.protected],
            "guarded": [str(path) for path in profile.protected],
            "hidden": [str(path) for path in profile.hidden],
            "rlimits": rlimits,
            "limits": job.limits_of(profile),
            "terminal": [options.terminal.columns, options.terminal.rows] if options.terminal else None,
            "workspace": str(profile.workspace),
        }
        return json.dumps(given).encode()

    def _ended(self, flight: Flight) -> None:
        super()._ended(flight)
        self._over.append(self._runs.pop(flight))

    async def close(self) -> None:
        """End every run; each supervisor ends what it started and is waited for."""
        if self._uncontained is not None:
            await self._uncontained.close()
        flights = list(self._flights)
        for flight in flights:
            flight.kill("vtcode ended")
        loop = asyncio.get_running_loop()
        for process in [*self._over, *self._runs.values()]:
            try:
                await loop.run_in_executor(None, process.wait, 30)
            except subprocess.TimeoutExpired:
                process.kill()
                await loop.run_in_executor(None, process.wait)
        for flight in flights:
            flight.abandon()


def _words(request: Request) -> tuple[str, ...]:
    """The program by its approved path: `sandbox-exec` offers no argv[0] of its own."""
    assert not isinstance(request.work, Invoke)
    return (str(request.work.executable), *request.work.argv[1:])


def _launch_words() -> tuple[str, ...]:
    return (*beginning.INTERPRETER, str(_LAUNCHER), "3", "4")


def _rlimits(profile: Profile) -> dict[str, int]:
    limits = profile.limits
    wanted = {"CORE": NO_CORE, "FSIZE": limits.file_size, "NOFILE": limits.descriptors}
    if os.getuid() != 0:
        # The kernel counts everything that this user runs; what is running now does not count against the run.
        wanted["NPROC"] = limits.processes + len(processes.here().table())
    return wanted


def _link_toolchains(readable: Sequence[Path], home: Path, own: Path) -> None:
    """The private home is another folder: toolchains of the real one are linked into it."""
    for path in readable:
        if path == home or not path.is_relative_to(home):
            continue
        place = own / path.relative_to(home)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not place.is_symlink() and not place.exists():
            place.symlink_to(path)


def _nothing_of_linux() -> dict[str, object]:
    return {"full": False, "rules": [], "connect": [], "staging": None, "recorded": False}
