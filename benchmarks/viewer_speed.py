"""The viewer over a long session: opening it, being elsewhere in it, jumping, searching, filtering.

`python -m benchmarks.viewer_speed [--events 100000]`. The journal is written by the real bus and journal: turns of
ten calls with output, edits, approvals and violations, and a terminal recording for every hundredth run. The viewer
is the real screen without a terminal, 160x48. Wall and CPU milliseconds; a seek ends when the panes have drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.events_journal import started
from vtcode_tui.common.clock import SystemClock
from vtcode_tui.config.settings import Settings
from vtcode_tui.events import Bus, Journal
from vtcode_tui.events.types import (
    ApprovalGranted,
    ApprovalRequested,
    ChangesReviewed,
    ExecFinished,
    ExecOutput,
    ExecStarted,
    FileChanged,
    ModelReasoning,
    ModelRequested,
    ModelResponded,
    Payload,
    PolicyDecided,
    PromptSubmitted,
    SandboxApplied,
    SessionEnded,
    ToolFinished,
    ToolRequested,
    ViolationDetected,
)
from vtcode_tui.sessions import Recording
from vtcode_tui.terminal import Recorder
from vtcode_tui.tui.screens.replay import ReplayScreen
from vtcode_tui.tui.viewer import ViewerApp

A, B = "a" * 64, "b" * 64
PATCH = "@@ -3,2 +3,3 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n+    # checked\n"


def a_call(number: int, source: random.Random) -> list[Payload]:
    """The events of one call: a run, or an edit that is staged."""
    if number % 5 == 0:
        path = f"src/module_{number % 40}.py"
        return [
            ToolRequested(
                tool="edit_file", arguments={"path": path}, arguments_sha256=A, subject_sha256=B, cwd="/w"
            ),
            PolicyDecided(decision="allow", rule="tool", reason="layer", subject_sha256=A, policy_sha256=B),
            FileChanged(path=path, op="update", staged=True, added=2, removed=1, diff=PATCH),
            ToolFinished(tool="edit_file", status="ok", summary="1 change", result="ok", result_sha256=A),
        ]
    text = "tests/test_things.py::test_a_thing PASSED\n" * source.randrange(1, 20)
    command = f"pytest -q tests/test_{number}.py"
    asked: list[Payload] = [
        ToolRequested(
            tool="run_command", arguments={"command": command}, arguments_sha256=A, subject_sha256=B, cwd="/w"
        ),
        PolicyDecided(decision="allow", rule="pytest", reason="runs tests", subject_sha256=A, policy_sha256=B),
    ]
    if number % 50 == 1:
        asked.append(ApprovalRequested(subject_sha256=A, shown=command, shown_sha256=B, risk="low", reason="asks"))
        asked.append(ApprovalGranted(subject_sha256=A, shown_sha256=B, scope="once", wait_ms=900, via="tui"))
    asked += [
        SandboxApplied(tier="full", profile="run", profile_sha256=A, read=("/usr",) * 6),
        ExecStarted(
            argv=("sh", "-c", command), executable="/bin/sh", cwd="/w", subject_sha256=A, sandbox_sha256=A,
            terminal=number % 100 == 1,
        ),
        ExecOutput(offset=0, size=len(text), sha256=A, recording=f"pty/c{number}.cast"),
        ExecFinished(exit_code=number % 7 == 0, duration_ms=300),
    ]  # fmt: skip
    if number % 97 == 0:
        asked.append(ViolationDetected(kind="path", layer="landlock", detail="~/.ssh", action="blocked"))
    asked.append(ToolFinished(tool="run_command", status="ok", summary="exit 0", result=text, result_sha256=A))
    return asked


async def write(folder: Path, events: int) -> None:
    """A session of at least so many events."""
    source = random.Random(7)
    journal = Journal.create(folder, "01920000-0000-7000-8000-0000000000aa")
    await journal.prepare()
    bus = Bus(journal)
    began = started().model_copy(update={"log_key": journal.log_key, "root_head": journal.root_head})
    await bus.record(began)
    made, turn, number = 1, 0, 0
    while made < events:
        turn += 1
        await bus.record(PromptSubmitted(text=f"Do the thing number {turn}.", sha256=A), turn=turn)
        made += 1
        for _ in range(10):
            number += 1
            requested = ModelRequested(provider="p", model="m", endpoint="http://127.0.0.1", messages=number)
            await bus.record(requested, turn=turn)
            await bus.record(ModelReasoning(text="I look at it and run it again. " * 8, sha256=A), turn=turn)
            await bus.record(
                ModelResponded(provider="p", model="m", text="I run the **tests**.", finish="tool_use"), turn=turn
            )
            calls = a_call(number, source)
            for payload in calls:
                await bus.record(payload, turn=turn, call=f"c{number}")
            made += 3 + len(calls)
            if number % 100 == 1:
                cast(folder / "pty" / f"c{number}.cast")
        if turn % 3 == 0:
            reviewed = ChangesReviewed(decision="accepted", paths=("src/module_5.py",), subject_sha256=A)
            await bus.record(reviewed, turn=turn)
            made += 1
    await bus.record(SessionEnded(reason="over", turns=turn, tools=number, denied=0))
    await bus.close()


def cast(path: Path) -> None:
    """A recording of 200 kB in pieces of 4 kB."""
    with Recorder(path, 80, 24, SystemClock()) as recorder:
        for piece in range(50):
            recorder.output((f"\x1b[32mline {piece}\x1b[0m of the run, with something to read\r\n" * 64).encode())
        recorder.exit(0)


async def timed(act: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU milliseconds until the panes have drawn."""
    screen = _screen[0]
    app = screen.app
    assert isinstance(app, ViewerApp)
    app.pressed = time.monotonic()  # as the key that does it would note
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    while True:
        drawn = asyncio.Event()
        screen.call_after_refresh(drawn.set)
        await drawn.wait()
        if not waits(screen):
            break
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def waits(screen: ReplayScreen) -> bool:
    """Whether something is to be drawn yet: a later frame, output that is not in the emulator, a diff aside."""
    painting = screen._layout_required or screen._scroll_required or screen._repaint_required
    asked = any(
        widget._repaint_required or widget._layout_required for widget in screen._compositor.visible_widgets
    )
    laying = any(worker.group in {"laying", "search"} and not worker.is_finished for worker in screen.app.workers)
    return bool(
        painting or asked or screen.message_queue_size or screen._dirty_widgets or screen.chat._pending
        or screen.terminal.busy or laying or screen.events._pending
    )  # fmt: skip


_screen: list[ReplayScreen] = []


async def measure(name: str, acts: list[Callable[[], Any]]) -> None:
    """Print minimum, median and worst of some acts."""
    rows = [await timed(act) for act in acts]
    walls, cpus = [wall for wall, _ in rows], [cpu for _, cpu in rows]
    print(
        f"{name:<44} {min(walls):8.1f} {statistics.median(walls):8.1f} {max(walls):8.1f} "
        f"{statistics.median(cpus):8.1f} {max(cpus):8.1f}"
    )


async def watch(folder: Path) -> None:
    """Open the viewer and use it."""
    app = ViewerApp(folder, Settings())
    began, cpu = time.perf_counter(), time.process_time()
    async with app.run_test(size=(160, 48)) as pilot:
        screen = app.screen_stack[0]
        assert isinstance(screen, ReplayScreen)
        while screen.player is None:
            await asyncio.sleep(0.002)
        print(f"viewer open, first event drawn: {(time.perf_counter() - began) * 1000:.0f} ms, "
              f"{(time.process_time() - cpu) * 1000:.0f} ms CPU (Textual's start included)")  # fmt: skip
        while screen.report is None:
            await asyncio.sleep(0.01)
        print(f"verified: {(time.perf_counter() - began) * 1000:.0f} ms: {screen.report.state}")
        await pilot.pause()
        _screen.append(screen)
        player, total, source = screen.player, len(screen.player.recording), random.Random(1)
        print(f"{'milliseconds':<44} {'min':>8} {'median':>8} {'worst':>8} {'CPU':>8} {'worst':>8}")
        places = [source.randrange(total) for _ in range(25)]
        await measure("seek anywhere", [lambda p=p: screen._move(lambda one: one.seek(p)) for p in places])  # type: ignore[misc]
        await measure("to the end", [lambda: screen.action_seek_to(-1), lambda: screen.action_seek_to(-1)])
        await measure("one event back", [lambda: screen.action_step(-1)] * 25)
        await measure("one event on", [lambda: screen.action_step(1)] * 20)
        await measure("to the beginning", [lambda: screen.action_seek_to(0)])
        for landmark in ("approval", "violation", "failure", "change"):
            await measure(f"next {landmark}", [lambda k=landmark: screen.action_jump(k)] * 10)  # type: ignore[misc]
        middle = total // 2
        player.seek(middle)
        await measure("search, hit near the end", [lambda: screen.find(f"number {total // 115}.")])
        await measure("search, no hit", [lambda: screen.find("no such words anywhere")])
        await measure("filter severity:high", [lambda: screen.events.narrow("severity:high")])
        await measure("filter a word", [lambda: screen.events.narrow("landlock")])


def main() -> None:
    """Write a session, then open it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--folder", default="", help="keep the session here, and use it again")
    given, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(given.folder or scratch) / "01920000-0000-7000-8000-0000000000aa"
        if not folder.exists():
            asyncio.run(write(folder, given.events))
        size = (folder / "journal.jsonl").stat().st_size
        for _ in range(3):
            began, cpu = time.perf_counter(), time.process_time()
            recording = Recording(folder, idle_limit=2.0)
            wall, used = (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000
            print(f"open {len(recording):,} events, {size / 1e6:.0f} MB: {wall:.0f} ms, {used:.0f} ms CPU")
        del recording
        asyncio.run(watch(folder))


if __name__ == "__main__":
    main()
