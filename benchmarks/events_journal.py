"""The journal: events appended, events made durable, bytes verified and read back, secrets looked for.

`python -m benchmarks.events_journal`. CPU seconds beside wall seconds, because other programs share the machine.
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
from vtcode_tui.events.types import (
    ApprovalGranted,
    ApprovalRequested,
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


def a_call(number: int) -> list[tuple[Payload, str]]:
    """The events of one tool call, with results of an ordinary size."""
    call, subject, text = f"c{number}", f"{number:064x}", "passed test_something.py::test_a_thing\n" * 60
    return [
        (ModelReasoning(text="I look at the failing test and run it again. " * 12, sha256="0" * 64), call),
        (
            ToolRequested(
                tool="run_command",
                arguments={"command": "pytest"},
                arguments_sha256="0" * 64,
                subject_sha256=subject,
                cwd="/w",
            ),
            call,
        ),
        (
            PolicyDecided(
                decision="allow", rule="r", reason="it may", subject_sha256=subject, policy_sha256="0" * 64
            ),
            call,
        ),
        (SandboxApplied(tier="full", profile="build", profile_sha256="1" * 64, read=("/usr",) * 12), call),
        (
            ExecStarted(
                argv=("pytest",),
                executable="/usr/bin/pytest",
                cwd="/w",
                subject_sha256=subject,
                sandbox_sha256="1" * 64,
            ),
            call,
        ),
        (ExecOutput(offset=0, size=2000, sha256="0" * 64, recording="pty/c.cast", text=text), call),
        (ExecFinished(exit_code=0, duration_ms=10), call),
        (
            ToolFinished(tool="run_command", status="ok", summary="exit 0", result=text, result_sha256="0" * 64),
            call,
        ),
    ]


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


async def a_tool_call(folder: Path, calls: int) -> Path:
    bus = Bus(Journal.create(folder / "calls", "calls"), redactor=Redactor({"SOME_KEY": "a-value-that-is-secret"}))
    await bus.record(started())
    digest, subject = "2" * 64, "3" * 64
    asked = ApprovalRequested(subject_sha256=subject, shown="ls", shown_sha256=digest, risk="low", reason="r")
    granted = ApprovalGranted(subject_sha256=subject, shown_sha256=digest, scope="once")
    await bus.record(asked, call="x")
    await bus.record(granted, call="x")
    timer = Timer()
    for first in range(ROUNDS):
        with timer:
            for number in range(calls // ROUNDS):
                for payload, call in a_call(first * calls + number):
                    await bus.record(payload, call=call)
    wall, user = min(timer.walls) * ROUNDS / calls * 1000, min(timer.users) * ROUNDS / calls * 1000
    told = f"best {wall:>9.2f} ms         {user:>9.2f} ms of our CPU"
    print(f"{'all events of a tool call, with redaction':<42} {told}        target 1 ms beyond the disk's flush")
    await bus.close()
    return folder / "calls"


def verified(folder: Path) -> None:
    size = (folder / "journal.jsonl").stat().st_size
    timer, reading = Timer(), Timer()
    for _ in range(ROUNDS):
        with timer:
            report = verify(folder)
        with reading:
            count = sum(1 for _ in read_events(folder))
    row(f"verified ({report.state}, {report.events} events)", size / 1e6, "MB/s", timer, "target 100")
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
        verified(asyncio.run(a_tool_call(folder, 1_000)))
        redacted()

    in_a_folder(work)


if __name__ == "__main__":
    main()
