"""The journal: events appended, events made durable, bytes verified and read back, secrets looked for.

`python -m benchmarks.events_journal`. CPU seconds beside wall seconds, because other programs share the machine.
"""

from __future__ import annotations

import asyncio
import os
import random
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


class Timer:
    """Wall and CPU seconds of a block."""

    def __enter__(self) -> Timer:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu


def row(what: str, amount: float, unit: str, timer: Timer, target: str) -> None:
    print(f"{what:<44} {amount / timer.wall:>12,.0f} {unit:<9} {amount / timer.cpu:>12,.0f} per CPU s   {target}")


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
    batch = [decision() for _ in range(64)]
    with Timer() as timer:
        for _ in range(count // 64):
            journal.extend(batch)
    row("appended in batches of 64", count, "events/s", timer, "target 50,000")
    journal.close()
    bus = Bus(Journal.create(folder / "single", "single"))
    await bus.record(started())
    output = ExecOutput(offset=0, size=9, sha256="0" * 64, recording="pty/c.cast", text="x" * 300)
    with Timer() as timer:
        for _ in range(count // 4):
            await bus.record(output)
    row("recorded one by one, not durable", count // 4, "events/s", timer, "")
    await bus.close()


async def durable(folder: Path, count: int) -> None:
    bus = Bus(Journal.create(folder / "durable", "durable"))
    await bus.record(started())
    descriptor = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY)
    with Timer() as probe:
        for _ in range(200):
            os.write(descriptor, b"x" * SIZE)
            os.fdatasync(descriptor)
    os.close(descriptor)
    print(f"{'one write and fdatasync by itself':<44} {200 / probe.wall:>12,.0f} flushes/s")
    with Timer() as timer:
        for _ in range(count):
            await bus.record(decision())
    row("durable, one after the other", count, "events/s", timer, "target 3,000")

    async def worker() -> None:
        for _ in range(count // 8):
            await bus.record(decision())

    with Timer() as timer:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(worker())
    row("durable, eight at a time", count, "events/s", timer, "")
    await bus.close()


async def a_tool_call(folder: Path, calls: int) -> Path:
    bus = Bus(Journal.create(folder / "calls", "calls"), redactor=Redactor({"SOME_KEY": "a-value-that-is-secret"}))
    await bus.record(started())
    digest, subject = "2" * 64, "3" * 64
    asked = ApprovalRequested(subject_sha256=subject, shown="ls", shown_sha256=digest, risk="low", reason="r")
    granted = ApprovalGranted(subject_sha256=subject, shown_sha256=digest, scope="once")
    await bus.record(asked, call="x")
    await bus.record(granted, call="x")
    with Timer() as timer:
        for number in range(calls):
            for payload, call in a_call(number):
                await bus.record(payload, call=call)
    print(
        f"{'all events of a tool call, with redaction':<44} {timer.wall / calls * 1000:>12.2f} ms        "
        f"{timer.cpu / calls * 1000:>12.2f} ms CPU        target 1 ms beyond the disk's flush"
    )
    await bus.close()
    return folder / "calls"


def verified(folder: Path) -> None:
    size = (folder / "journal.jsonl").stat().st_size
    with Timer() as timer:
        report = verify(folder)
    row(f"verified ({report.state}, {report.events} events)", size / 1e6, "MB/s", timer, "target 100")
    with Timer() as timer:
        count = sum(1 for _ in read_events(folder))
    row("read back as typed events", count, "events/s", timer, "")


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
        with Timer() as timer:
            redactor.redact(text)
        row(f"redacted, {name}", len(text) / 1e6, "MB/s", timer, "target 30")


def in_a_folder(work: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("VTCODE_BENCH_DIR")) as name:
        work(Path(name))


def main() -> None:
    def work(folder: Path) -> None:
        asyncio.run(appended(folder, 64_000))
        asyncio.run(durable(folder, 2_000))
        verified(asyncio.run(a_tool_call(folder, 1_000)))
        redacted()

    in_a_folder(work)


if __name__ == "__main__":
    main()
