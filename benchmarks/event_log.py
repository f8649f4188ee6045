"""The event log with a million events: opened, moved about in, filtered; what each event costs in memory.

`python -m benchmarks.event_log [--events 1000000]`. The journal's lines are those of `viewer_speed`'s session,
repeated with numbers and times of their own (its chain does not verify: that is not looked at here). CPU
milliseconds; `held` is the longest that the loop was kept from its next turn, in CPU time of its own thread.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.viewer_speed import write
from tests.tui.rig import Rig
from vtcode_tui.config.settings import Settings
from vtcode_tui.sessions import JournalIndex
from vtcode_tui.tui.base import BaseApp
from vtcode_tui.tui.panes.event_rows import row_of

_SEQ, _MONO = re.compile(rb'"seq":\d+'), re.compile(rb'"mono_ns":\d+')


def repeat(folder: Path, events: int) -> None:
    """Make the journal so long."""
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    with (folder / "journal.jsonl").open("wb") as file:
        for seq in range(events):
            line = _SEQ.sub(b'"seq":%d' % seq, lines[seq % len(lines)], count=1)
            file.write(_MONO.sub(b'"mono_ns":%d' % (seq * 1_000_000), line, count=1))


def memory() -> float:
    """Resident megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


async def act(
    app: BaseApp, name: str, work: Callable[[], Any], over: Callable[[], bool], paint: Callable[[], Any]
) -> None:
    """Do something and wait until it is over and painted."""
    app.pressed = time.monotonic()  # as the key that does it would note
    cpu = last = time.thread_time()
    held = 0.0
    work()
    while True:
        await asyncio.sleep(0)
        now = time.thread_time()
        last, held = now, max(held, now - last)
        if over():
            break
    await paint()
    print(f"{name:<36} {(time.thread_time() - cpu) * 1000:9.1f} ms CPU   held {held * 1000:6.1f}")


async def measure(folder: Path) -> None:
    """Open it and use it."""
    before, cpu = memory(), time.process_time()
    index = JournalIndex(folder)
    used, grown = time.process_time() - cpu, memory() - before
    print(f"indexed {len(index):,} events of {index.file.stat().st_size / 1e6:.0f} MB: {used * 1000:.0f} ms CPU, "
          f"{grown:.0f} MB, {grown * 1e6 / len(index):.0f} bytes an event")  # fmt: skip
    rig = Rig(Settings())
    async with rig.app.run_test(size=(160, 48)) as pilot:
        await rig.ready(pilot)
        log = rig.app.work.events
        log.row_of = row_of
        await pilot.press("f6", "f9")

        def over() -> bool:
            return not log.filtering

        await act(rig.app, "shown", lambda: log.load(index, len(index)), over, pilot.pause)
        steps: dict[str, Callable[[], Any]] = {
            "to the beginning": log.action_top,
            "to the end": log.action_bottom,
            "a screen up": lambda: log.action_page(-1),
            "to an event in the middle": lambda: log.put_at_seq(len(index) * 7 // 10),
            "opened as a tree": log.action_open,
        }
        for name, work in steps.items():
            await act(rig.app, name, work, over, pilot.pause)
        for text in ("severity:high", "type:file outcome:success", "landlock", "no-such-word"):
            await act(rig.app, f"filter {text}", partial(log.narrow, text), over, pilot.pause)
            print(f"{'':<36} {log.shown_count():9,} events pass")
    print(f"memory at the end: {memory():.0f} MB")


def main() -> None:
    """Write a session, make it long, open it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    given, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "01920000-0000-7000-8000-0000000000aa"
        asyncio.run(write(folder, 20_000))
        repeat(folder, given.events)
        asyncio.run(measure(folder))


if __name__ == "__main__":
    main()
