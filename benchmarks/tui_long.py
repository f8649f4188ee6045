"""Long things on the screen: a conversation of 10 and of 2,000 messages, a diff of 50,000 lines.

`python -m benchmarks.tui_long`. CPU time of one step each until it has been painted, minimum and median.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import Awaitable, Callable

from benchmarks.tui_screen import PARAGRAPH, row
from tests.tui.rig import Rig
from tests.tui.scenes import begin, respond
from vtcode_tui.config.settings import Settings
from vtcode_tui.tui.panes.diff import DiffPane
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Hunk

SIZE = (160, 48)


async def spent(act: Callable[[], Awaitable[object]], times: int) -> str:
    """How much CPU a step takes."""
    took = []
    for _ in range(times):
        begun = time.process_time()
        await act()
        took.append((time.process_time() - begun) * 1000)
    return f"min {min(took):.1f}  median {statistics.median(took):.1f} ms CPU"


async def conversation(count: int) -> None:
    """Keys, scrolling and a new message in a conversation of so many messages."""
    rig = Rig(Settings())
    async with rig.app.run_test(size=SIZE) as pilot:
        core = await rig.ready(pilot)
        begin(core)
        for _ in range(count):
            core.say(respond(PARAGRAPH))
        await pilot.pause(0.3)
        row(f"{count:,} messages: a key in the prompt", await spent(lambda: pilot.press("a"), 40))
        await pilot.press("f2", "g")
        row(f"{count:,} messages: a screen down", await spent(lambda: pilot.press("pagedown"), 40))
        await pilot.press("G")

        async def more() -> None:
            core.say(respond(PARAGRAPH))
            await pilot.pause(0.04)

        row(f"{count:,} messages: one more", await spent(more, 20))
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        row(f"{count:,} messages: memory, widgets", f"{rss} MB, {len(list(rig.app.screen.walk_children()))}")


def large(lines: int, *, every: int) -> FileChange:
    """A file of which five lines in every so many changed; `every` 0: all of it is new."""
    old = [f"    value_{n} = compute({n}, 'text', other={n * 7})\n".encode() for n in range(lines)]
    if not every:
        hunk = Hunk(0, 0, (), 1, tuple(old))
        return FileChange("src/new.py", "create", added=lines, hunks=(hunk,), new_text=b"".join(old))
    new = list(old)
    hunks = []
    for index, at in enumerate(range(0, lines, every)):
        new[at : at + 5] = [line.replace(b"compute", b"computed") for line in old[at : at + 5]]
        hunks.append(Hunk(index, at + 1, tuple(old[at : at + 5]), at + 1, tuple(new[at : at + 5])))
    changed = sum(len(hunk.new_lines) for hunk in hunks)
    return FileChange(
        "src/large.py", "update", added=changed, removed=changed, hunks=tuple(hunks),
        old_text=b"".join(old), new_text=b"".join(new),
    )  # fmt: skip


async def holds(pane: DiffPane, change: FileChange) -> float:
    """The longest that the loop was kept from its next turn until the diff had been painted, in CPU time."""
    pane.show(ChangeSet())
    await asyncio.sleep(0.1)
    last, longest, quiet = time.thread_time(), 0.0, 0
    pane.show(ChangeSet((change,)))
    while quiet < 60:
        await asyncio.sleep(0.002 if pane.row_count() else 0)
        now = time.thread_time()
        last, longest, quiet = now, max(longest, now - last), quiet + bool(pane.row_count())
    return longest * 1000


async def diff(name: str, change: FileChange) -> None:
    """A large diff: shown, laid out anew, paged and jumped through."""
    rig = Rig(Settings())
    async with rig.app.run_test(size=SIZE) as pilot:
        await rig.ready(pilot)
        pane = rig.app.work.diff

        async def show() -> None:
            pane.show(ChangeSet())
            pane.show(ChangeSet((change,)))
            while not pane.row_count():
                await asyncio.sleep(0.001)
            await pilot.pause()

        row(f"{name}: shown", await spent(show, 5))
        held = [await holds(pane, change) for _ in range(5)]
        row(
            f"{name}: longest hold of the loop", f"min {min(held):.0f}  median {statistics.median(held):.0f} ms CPU"
        )
        await pilot.press("f3")
        row(f"{name}: side by side and back", await spent(lambda: pilot.press("s"), 6))
        row(f"{name}: a screen down", await spent(lambda: pilot.press("pagedown"), 30))
        row(f"{name}: the next hunk", await spent(lambda: pilot.press("n"), 30))


async def measure() -> None:
    for count in (10, 2000):
        await conversation(count)
    await diff("50,000 new lines", large(50_000, every=0))
    await diff("50,000 lines, 50 hunks", large(50_000, every=1000))
    await diff("50,000 lines, 5,000 hunks", large(50_000, every=10))


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
