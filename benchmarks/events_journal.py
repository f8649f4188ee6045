"""The journal: events appended, events made durable, bytes verified and read back, secrets looked for.

`python -m benchmarks.events_journal`, or with `VTCODE_BENCH_DIR` for another disk. Each aim stands beside its row,
by the clock; CPU seconds stand beside wall seconds, because other programs share the machine.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import statistics
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vtcode_tui.events import Bus, Journal, Payload, Redactor, read_events, verify
from vtcode_tui.events import durable as durable_flush
from vtcode_tui.events.types import (
    CheckRecord,
    ExecFinished,
    ExecOutput,
    ExecStarted,
    ModelReasoning,
    PolicyDecided,
    SandboxApplied,
    SessionStarted,
    ToolFinished,
    ToolRequested,
)
from vtcode_tui.sandbox import beside

SIZE = 672
"""Bytes of an ordinary event, as measured in sessions."""


ROUNDS = 7


class Timer:
    """Wall, CPU and user CPU seconds (without the kernel's for the disk) of several rounds of the same work."""

    def __init__(self) -> None:
        self.walls: list[float] = []
        self.cpus: list[float] = []
        self.users: list[float] = []

    def __enter__(self) -> Timer:
        self._wall, self._cpu, self._user = time.perf_counter(), time.process_time(), _user()
        return self

    def __exit__(self, *_: object) -> None:
        self.walls.append(time.perf_counter() - self._wall)
        self.cpus.append(time.process_time() - self._cpu)
        self.users.append(_user() - self._user)


def _user() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def row(what: str, amount: float, unit: str, timer: Timer, target: str) -> None:
    """What one round of `amount` came to: the best and the median by the clock, and the best by CPU time."""
    best, median = amount / min(timer.walls), amount / statistics.median(timer.walls)
    cpu = amount / min(timer.cpus)
    print(f"{what:<42} best {best:>9,.0f}  median {median:>9,.0f} {unit:<9} {cpu:>9,.0f} per CPU s  {target}")


def decision() -> Payload:
    return PolicyDecided(
        decision="allow",
        rule="commands.pytest",
        reason="pytest runs in the sandbox. " * 4,
        subject_sha256="0" * 64,
        policy_sha256="1" * 64,
        checks=(CheckRecord(name="argv", result="allow"),),
    )


async def a_call(bus: Bus, number: int) -> None:
    """The events of one tool call as agent, gate and executor record them, flushed together where they do so, with
    texts of an ordinary size."""
    call, subject, text = f"c{number}", f"{number:064x}", "passed test_something.py::test_a_thing\n" * 60
    await bus.record(ModelReasoning(text="I look at the failing test and run it again. " * 12, sha256="0" * 64))
    requested = ToolRequested(
        tool="run_command",
        arguments={"command": "pytest"},
        arguments_sha256="0" * 64,
        subject_sha256=subject,
        cwd="/w",
    )
    await bus.record(requested, call=call, follows=True)
    reason = "pytest runs in the sandbox. " * 4
    decided = PolicyDecided(
        decision="allow",
        rule="commands.pytest",
        reason=reason,
        subject_sha256=subject,
        policy_sha256="1" * 64,
        checks=(CheckRecord(name="argv", result="allow"),),
    )
    await bus.record(decided, call=call)
    applied = SandboxApplied(tier="full", profile="build", profile_sha256="1" * 64, read=("/usr",) * 12)
    begun = ExecStarted(
        argv=("pytest",),
        executable="/usr/bin/pytest",
        cwd="/w",
        subject_sha256=subject,
        sandbox_sha256="1" * 64,
    )
    await bus.record_all((applied, begun), call=call)
    await bus.record(ExecOutput(offset=0, size=2000, sha256="0" * 64, recording="pty/c.cast", text=text), call=call)
    await bus.record(ExecFinished(exit_code=0, duration_ms=10), call=call)
    finished = ToolFinished(tool="run_command", status="ok", summary="exit 0", result=text, result_sha256="0" * 64)
    await bus.record(finished, call=call)


def started() -> Payload:
    return SessionStarted(
        vtcode="1",
        python="3",
        kernel="6",
        user="u",
        uid=1,
        host="h",
        pid=1,
        workspace="/w",
        trusted=True,
        config_sha256="",
        policy_sha256="",
        tier="full",
    )


async def appended(folder: Path, count: int) -> None:
    journal = Journal.create(folder / "batches", "batches")
    await journal.prepare()
    batch, timer = [decision() for _ in range(64)], Timer()
    for _ in range(ROUNDS):
        with timer:
            for _ in range(count // 64):
                journal.extend(batch)
    row("appended in batches of 64", count, "events/s", timer, "target 50,000")
    journal.close()
    bus, timer = Bus(Journal.create(folder / "single", "single")), Timer()
    await bus.record(started())
    output = ExecOutput(offset=0, size=9, sha256="0" * 64, recording="pty/c.cast", text="x" * 300)
    for _ in range(ROUNDS):
        with timer:
            for _ in range(count // 4):
                await bus.record(output)
    row("recorded one by one, not durable", count // 4, "events/s", timer, "")
    await bus.close()


async def durable(folder: Path, count: int) -> None:
    """What the disk gives by itself, and events that are each on it before the next, in turns."""
    bus = Bus(Journal.create(folder / "durable", "durable"))
    await bus.record(started())
    descriptor = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    probe, alone, together = Timer(), Timer(), Timer()

    async def worker() -> None:
        for _ in range(count // 8):
            await bus.record(decision())

    for _ in range(ROUNDS):
        with probe:
            for _ in range(count):
                os.write(descriptor, b"x" * SIZE)
                os.fdatasync(descriptor)
        with alone:
            for _ in range(count):
                await bus.record(decision())
        with together:
            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(worker())
    os.close(descriptor)
    row("one write and fdatasync by itself", count, "flushes/s", probe, "")
    row("durable, one after the other", count, "events/s", alone, "target 3,000")
    row("durable, eight at a time", count, "events/s", together, "")
    await bus.close()


class Flushes:
    """Counts what the journal flushes, and what each took, without being in its way."""

    def __init__(self) -> None:
        self.count = 0
        self._own = durable_flush.fdatasync

    def __enter__(self) -> Flushes:
        durable_flush.fdatasync = self._flush
        return self

    def __exit__(self, *_: object) -> None:
        durable_flush.fdatasync = self._own

    def _flush(self, descriptor: int) -> None:
        self.count += 1
        self._own(descriptor)


async def a_tool_call(folder: Path, calls: int, where: str) -> Path:
    """All events of a call, and by turns the same bytes written and flushed as often by nothing but the kernel."""
    bus = Bus(Journal.create(folder / "calls", "calls"), redactor=Redactor({"SOME_KEY": "a-value-that-is-secret"}))
    await bus.record(started())
    bare = os.open(folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    whole, kernel, flushes, size = Timer(), Timer(), 0, 0
    for first in range(ROUNDS):
        before = bus.journal.path.stat().st_size
        with Flushes() as seen, whole:
            for number in range(calls // ROUNDS):
                await a_call(bus, first * calls + number)
        flushes, size = seen.count, bus.journal.path.stat().st_size - before
        with kernel:
            for _ in range(flushes):
                os.write(bare, b"x" * (size // flushes))
                os.fdatasync(bare)
    os.close(bare)
    each = calls // ROUNDS
    beyond = [(mine - its) / each * 1000 for mine, its in zip(whole.walls, kernel.walls, strict=True)]
    print(
        f"{f'a tool call beyond {flushes / each:.1f} flushes, {where}':<42} best {min(beyond):>9.2f}  "
        f"median {statistics.median(beyond):>9.2f} ms        {min(whole.users) / each * 1000:>9.2f} ms of our CPU  "
        f"target 1 (the flushes alone {min(kernel.walls) / each * 1000:.2f} ms)"
    )
    await bus.close()
    return folder / "calls"


def verified(folder: Path) -> None:
    size = (folder / "journal.jsonl").stat().st_size
    timer, alone, reading = Timer(), Timer(), Timer()
    for _ in range(ROUNDS):
        with timer:
            report = verify(folder, beside=beside)
        with alone:
            verify(folder)
        with reading:
            count = sum(1 for _ in read_events(folder))
    row(f"verified ({report.state}, {report.events} events)", size / 1e6, "MB/s", timer, "target 100")
    row("verified by one process", size / 1e6, "MB/s", alone, "")
    row("read back as typed events", count, "events/s", reading, "")


def redacted() -> None:
    source = "\n".join(path.read_text("utf-8", "replace") for path in sorted(Path(os.__file__).parent.glob("*.py")))
    noise = random.Random(1)
    log = "\n".join(
        f"2026-11-22 21:04:{n % 60:02d} INFO request {n} took {n % 997} ms from 10.0.{n % 256}.{n * 7 % 256} "
        f"id={''.join(noise.choices(string.hexdigits, k=16))}"
        for n in range(40_000)
    )
    redactor = Redactor({f"KEY_{n}": "".join(noise.choices(string.ascii_letters, k=32)) for n in range(8)})
    redactor.redact("warm")
    for name, text in (("Python source", source), ("log lines", log)):
        timer = Timer()
        for _ in range(ROUNDS):
            with timer:
                redactor.redact(text)
        row(f"redacted, {name}", len(text) / 1e6, "MB/s", timer, "target 30")


def in_a_folder(work: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("VTCODE_BENCH_DIR")) as name:
        work(Path(name))


def main() -> None:
    def work(folder: Path) -> None:
        asyncio.run(appended(folder, 16_000))
        asyncio.run(durable(folder, 400))
        verified(asyncio.run(a_tool_call(folder, 1_000, "on this disk")))
        redacted()

    in_a_folder(work)
    if Path("/dev/shm").is_dir():
        with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
            asyncio.run(a_tool_call(Path(name), 1_000, "in memory"))


if __name__ == "__main__":
    main()
