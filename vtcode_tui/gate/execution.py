"""A granted run from its start to its end: recorded before it begins, streamed while it lasts, summed up after."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from vtcode_tui.common.clock import Clock, SystemClock
from vtcode_tui.common.errors import JournalError, SandboxError, VtcodeError
from vtcode_tui.events.live import OutputChunk
from vtcode_tui.events.types import (
    ExecFinished,
    ExecOutput,
    ExecStarted,
    NetworkAllowed,
    NetworkBlocked,
    Payload,
    SandboxApplied,
    ViolationDetected,
)
from vtcode_tui.events.within import Recorder
from vtcode_tui.gate.gate import described
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.sandbox.grant import Execute, Grant
from vtcode_tui.sandbox.proxy import Connection
from vtcode_tui.sandbox.run import Denial, Outcome, Run, TerminalSize

KEPT = 1 << 20
"""How much of the start and of the end of an output stays in memory."""
_BATCH = 64 << 10


class Spawner(Protocol):
    """What starts runs; `sandbox.Spawner` is one."""

    async def run(
        self,
        grant: Grant,
        *,
        terminal: TerminalSize | None = None,
        connected: Callable[[Connection], None] | None = None,
    ) -> Run:
        """Start the work of a grant under its profile."""
        ...


class Recording(Protocol):
    """Where the bytes of a run are kept: the asciicast of its terminal, or its output file."""

    name: str

    def write(self, data: bytes) -> None:
        """Append what the run wrote."""
        ...

    def resize(self, size: TerminalSize) -> None:
        """The terminal has another size from here on."""
        ...

    def close(self, exit_code: int | None) -> None:
        """The run has ended."""
        ...


@dataclass(slots=True)
class Kept:
    """The output of a run: its start and end in memory, all of it counted and hashed."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    total: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, data: bytes) -> None:
        """Take a piece."""
        self.total += len(data)
        self.digest.update(data)
        room = KEPT - len(self.head)
        self.head += data[:room]
        self.tail += data[max(room, 0) :]
        if len(self.tail) > 2 * KEPT:
            del self.tail[: len(self.tail) - KEPT]

    def since(self, offset: int) -> bytes:
        """Everything from `offset` on that is still known."""
        if offset < len(self.head):
            return bytes(self.head[offset:]) + bytes(self.tail)
        first = self.total - len(self.tail)
        return bytes(self.tail[max(offset - first, 0) :])

    def whole(self) -> bytes:
        """The output, or its start and end with a line between that says how much is missing."""
        missing = self.total - len(self.head) - len(self.tail)
        gap = f"\n[... {missing:,} bytes ...]\n".encode() if missing else b""
        return bytes(self.head) + gap + bytes(self.tail)


class Execution:
    """A run under way. `finished` resolves when it has ended and that is recorded."""

    def __init__(
        self,
        grant: Grant,
        run: Run,
        bus: Recorder,
        *,
        turn: int,
        recording: Recording,
        terminal: bool,
        connections: Sequence[Connection] = (),
    ) -> None:
        self.grant, self.run, self.turn, self.terminal = grant, run, turn, terminal
        self.kept = Kept()
        self.finished: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._bus, self._recording, self._connections = bus, recording, connections
        self._grown = asyncio.Event()

    async def wait(self, seconds: float | None = None) -> Outcome | None:
        """The outcome, or None when the run is still going on after that time."""
        await asyncio.wait({self.finished}, timeout=seconds)
        return self.finished.result() if self.finished.done() else None

    async def grown(self, offset: int, seconds: float) -> None:
        """Return when there is output beyond `offset`, the run has ended, or the time is over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.kept.total <= offset and not self.finished.done():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            self._grown.clear()
            waiting = asyncio.ensure_future(self._grown.wait())
            either: set[asyncio.Future[Any]] = {waiting, self.finished}
            try:
                await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()

    def resize(self, size: TerminalSize) -> None:
        """Change the size of the run's terminal and note it in the recording."""
        self.run.resize(size)
        self._recording.resize(size)

    async def pump(self, after: Callable[[Outcome], Awaitable[None]]) -> None:
        """Stream, record and sum up until the run has ended; `after` records what it did to files."""
        failure: Exception | None = None
        outcome = Outcome(None, setup_error="the run was lost")
        try:
            try:
                await self._stream()
            except (JournalError, OSError) as error:
                # Output that cannot be recorded must not go on being produced.
                failure = error
                if isinstance(error, OSError):
                    failure = VtcodeError(f"the output of {self.grant.call} cannot be kept: {error.strerror}")
                self.run.kill("its output could not be recorded")
            outcome = await self.run.wait()
            self._recording.close(outcome.exit_code)
            if failure is None:
                await self._sum_up(outcome)
                await after(outcome)
        except asyncio.CancelledError:
            self.run.kill("the session ended")
            raise
        except (VtcodeError, OSError) as error:
            failure = error
        finally:
            if not self.finished.done():
                if failure is not None:
                    self.finished.set_exception(failure)
                else:
                    self.finished.set_result(outcome)
            self._grown.set()

    async def _stream(self) -> None:
        pending, start = bytearray(), 0
        async for data in self.run.output():
            self.kept.add(data)
            self._recording.write(data)
            self._bus.publish(OutputChunk(self.grant.call, data, self.terminal))
            self._grown.set()
            pending += data
            if len(pending) >= _BATCH:
                await self._output(bytes(pending), start)
                start += len(pending)
                pending.clear()
        if pending:
            await self._output(bytes(pending), start)

    async def _output(self, data: bytes, offset: int) -> None:
        # The text stays in the recording; the journal holds what proves it.
        await self._record(
            ExecOutput(
                offset=offset,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                recording=self._recording.name,
            )
        )

    async def _sum_up(self, outcome: Outcome) -> None:
        for connection in self._connections:
            await self._record(through_proxy(connection))
        for denial in outcome.denials:
            if denial.audience != "model" and denial.layer != "proxy":  # its connections have been recorded
                await self._record(denied(denial))
        await self._record(
            ExecFinished(
                pid=self.run.pid,
                exit_code=outcome.exit_code,
                signal=outcome.signal,
                duration_ms=outcome.duration_ms,
                cpu_ms=outcome.cpu_ms,
                max_rss_kb=outcome.max_rss_kb,
                output_bytes=self.kept.total,
                output_sha256=self.kept.digest.hexdigest(),
                limit=outcome.limit,
                killed=outcome.killed or outcome.setup_error,
                survivors=outcome.survivors,
            )
        )

    async def _record(self, payload: Payload) -> None:
        await self._bus.record(payload, turn=self.turn, call=self.grant.call)


_LAYERS: dict[str, Literal["policy", "landlock", "seccomp", "namespace", "proxy"]] = {
    "policy": "policy",
    "landlock": "landlock",
    "namespace": "namespace",
    "proxy": "proxy",
}


_BY_THE_NOTIFIER = re.compile(r"(\S+) port (\d{1,5})\b")
_BY_THE_PROXY = re.compile(r"(\S+?):(\d{1,5})(?=[: ]|$)")


def denied(denial: Denial) -> Payload:
    """What the sandbox refused, as an event."""
    if denial.kind == "host":
        named = _BY_THE_NOTIFIER.match(denial.detail) or _BY_THE_PROXY.match(denial.detail)
        return NetworkBlocked(
            protocol="tcp",
            host=named[1] if named else denial.detail,
            port=int(named[2]) if named else 0,
            layer=_LAYERS.get(denial.layer, "seccomp"),
            pid=denial.pid,
            process=denial.process,
        )
    return ViolationDetected(
        kind=denial.kind,
        layer=denial.layer,
        detail=denial.detail,
        action="rolled-back" if denial.kind == "protected" else "blocked",
        remedy=denial.remedy,
    )


def through_proxy(connection: Connection) -> Payload:
    """What the filtering proxy decided about a connection, as an event."""
    if connection.allowed:
        return NetworkAllowed(
            protocol="tcp",
            host=connection.host,
            port=connection.port,
            address=connection.address,
            rule=connection.reason,
        )
    return NetworkBlocked(
        protocol="tcp",
        host=connection.host,
        port=connection.port,
        address=connection.address,
        layer="proxy",
        rule=connection.reason,
    )


class Executor:
    """Starts grants. What the sandbox will enforce and what will run is on disk before it begins."""

    def __init__(
        self,
        *,
        bus: Recorder,
        spawner: Spawner,
        capability: Capability,
        tasks: Callable[[Coroutine[Any, Any, None]], object],
        recording: Callable[[Grant, TerminalSize | None], Recording],
        redact: Callable[[str], str] = str,
        clock: Clock | None = None,
    ) -> None:
        self._bus, self._spawner, self._capability, self._tasks = bus, spawner, capability, tasks
        self._recording, self._redact, self._clock = recording, redact, clock or SystemClock()
        self._spent: set[str] = set()

    async def execute(
        self,
        grant: Grant,
        *,
        turn: int = 0,
        terminal: TerminalSize | None = None,
        after: Callable[[Outcome], Awaitable[None]],
    ) -> Execution:
        """Start a grant's work. Raises SandboxError when the grant is spent or late, or the sandbox fails."""
        if grant.nonce in self._spent:
            raise SandboxError("a grant is good for one run, and this one was used", step="grant")
        if self._clock.monotonic_ns() > grant.expires_ns:
            raise SandboxError("the grant is too old: its run was not begun in time", step="grant")
        self._spent.add(grant.nonce)
        connections: list[Connection] = []
        try:
            # An interrupt may come while the start is being flushed: it is in the journal then, and needs its end.
            await self._announce(grant, turn, terminal is not None)
            run = await self._spawner.run(grant, terminal=terminal, connected=connections.append)
        except (SandboxError, asyncio.CancelledError) as error:
            # What was announced must be seen to end; a start that is cancelled ends with all it had begun.
            why = f"did not start: {error}" if isinstance(error, SandboxError) else "interrupted while it started"
            ended = ExecFinished(exit_code=None, duration_ms=0, killed=why)
            await self._bus.record(ended, turn=turn, call=grant.call, outcome="failure")
            raise
        execution = Execution(
            grant,
            run,
            self._bus,
            turn=turn,
            recording=self._recording(grant, terminal),
            terminal=terminal is not None,
            connections=connections,
        )
        self._tasks(execution.pump(after))
        return execution

    async def _announce(self, grant: Grant, turn: int, terminal: bool) -> None:
        profile = grant.profile
        sandbox_sha256 = profile.digest
        limits = {name: int(getattr(profile.limits, name)) for name in profile.limits.__slots__}
        work = grant.work
        applied = SandboxApplied(
            tier=self._capability.tier,
            profile=profile.name,
            profile_sha256=sandbox_sha256,
            read=tuple(map(str, profile.readable)),
            write=tuple(map(str, profile.writable)),
            network=profile.network.mode,
            hosts=profile.network.hosts,
            limits=limits,
            landlock_abi=self._capability.landlock_abi,
            degraded=self._capability.degraded,
            staged=profile.staging is not None,
        )
        started = ExecStarted(
            argv=tuple(map(self._redact, described(grant))),
            executable=str(work.executable) if isinstance(work, Execute) else "vtcode",
            executable_sha256=_pinned(grant, work.executable) if isinstance(work, Execute) else "",
            cwd=str(grant.cwd),
            environment_names=tuple(sorted(profile.environment)),
            subject_sha256=grant.subject_sha256,
            sandbox_sha256=sandbox_sha256,
            terminal=terminal,
        )
        await self._bus.record_all((applied, started), turn=turn, call=grant.call)


def _pinned(grant: Grant, path: Path) -> str:
    return next((pin.sha256 or "" for pin in grant.pins if pin.path == path), "")
