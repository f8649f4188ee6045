"""The screen: keys idle and while streaming, a long answer, a flood of output, a long session.

`python -m benchmarks.tui_screen`. The app runs over a scripted core: what is measured is the screen alone
(`benchmarks.startup` measures the whole program at a real terminal).
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from typing import Any

from tests.tui.rig import Rig
from tests.tui.scenes import begin, respond, run
from vtcode_tui.config.settings import Settings
from vtcode_tui.events.live import OutputChunk, TextDelta
from vtcode_tui.tui.panes.chat import ChatPane

SIZE = (120, 40)
PARAGRAPH = f"# Title\n\n{'word ' * 80}\n\n```python\ndef f(x):\n    return x + 1\n```\n\n- one\n- two\n\n"


def row(name: str, value: str) -> None:
    print(f"{name:<48} {value}", flush=True)


def _spread(values: list[float]) -> str:
    ordered = sorted(value * 1000 for value in values)
    late = ordered[int(len(ordered) * 0.95)]
    return f"p50 {statistics.median(ordered):.1f}  p95 {late:.1f}  max {ordered[-1]:.1f} ms"


async def keys(pilot: Any, rig: Rig, count: int) -> list[float]:
    """How long each letter takes until it has been painted."""
    took = []
    for number in range(count):
        begun = time.perf_counter()
        rig.app.work.prompt.post_message(_key("abcdefghij"[number % 10]))
        length = len(rig.app.work.prompt.text) + 1
        while len(rig.app.work.prompt.text) < length:
            await asyncio.sleep(0)
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.005)
    return took


def drawn(chat: ChatPane) -> bool:
    """Whether nothing waits to be laid out."""
    return not chat._pending and bool(chat._rows.get(len(chat.blocks) - 1))


class Held:
    """The longest that the loop was kept from its next turn, in CPU seconds of its own thread."""

    def __init__(self) -> None:
        self.most, self._last = 0.0, time.thread_time()

    async def turn(self) -> None:
        """Let the loop go on once."""
        await asyncio.sleep(0)
        now = time.thread_time()
        self.most, self._last = max(self.most, now - self._last), now


def _key(letter: str) -> Any:
    from textual.events import Key

    return Key(letter, letter)


async def answer(pilot: Any, rig: Rig, core: Any, size: int) -> None:
    """A long answer: while it comes, its end, and in another width."""
    text = (
        "# Title\n\n" + "word " * 80 + "\n\n```python\ndef f(x):\n    return x + 1\n```\n\n- one\n- two\n\n"
    ) * (size // 470)
    core.say(respond(""))
    rig.app.pressed = time.monotonic()  # the person has just asked
    cpu, begun, held = time.process_time(), time.perf_counter(), Held()
    for at in range(0, len(text), 40):
        core.live(TextDelta(2, text[at : at + 40]))
        if at % 4000 == 0:
            await held.turn()
    chat = rig.app.work.chat
    while not drawn(chat):
        await held.turn()
    took, used = time.perf_counter() - begun, time.process_time() - cpu
    row(
        f"Markdown answer of {size // 1000} kB, in pieces of 40",
        f"{took:.2f} s, CPU {used:.2f} s, loop held {held.most * 1000:.0f} ms",
    )
    held = Held()
    core.say(respond(text))
    while not drawn(chat):
        await held.turn()
    await pilot.pause()
    await held.turn()
    row("  its end", f"loop held {held.most * 1000:.0f} ms")
    held, narrower = Held(), asyncio.create_task(pilot.resize_terminal(SIZE[0] - 20, SIZE[1]))
    while not narrower.done() or not drawn(chat) or chat.blocks[-1].behind:
        await held.turn()
    row("  another width", f"loop held {held.most * 1000:.0f} ms")
    await pilot.resize_terminal(*SIZE)
    while not drawn(chat) or chat.blocks[-1].behind:
        await asyncio.sleep(0)


async def flood(rig: Rig, core: Any) -> None:
    """Output that comes faster than it can be drawn."""
    run(core, "flood", "cat", b"", ends=False)
    line = b"-rw-r--r-- 1 root root  4096 Nov 22 21:37 \x1b[01;34msome-file-name.py\x1b[0m\r\n"
    data = line * (10_000_000 // len(line))
    worst, begun = 0.0, time.perf_counter()
    for at in range(0, len(data), 65536):
        core.live(OutputChunk("flood", data[at : at + 65536], True))
        before = time.perf_counter()
        await asyncio.sleep(0)
        worst = max(worst, time.perf_counter() - before)
    view = rig.app.work.terminal.runs["flood"]
    while view.backlog:
        before = time.perf_counter()
        await asyncio.sleep(0)
        worst = max(worst, time.perf_counter() - before)
    row("10 MB of output until drawn", f"{time.perf_counter() - begun:.2f} s, loop held {worst * 1000:.0f} ms")


async def measure() -> None:
    rig = Rig(Settings())
    async with rig.app.run_test(size=SIZE) as pilot:
        core = await rig.ready(pilot)
        begin(core)
        await pilot.pause()
        row("key to the prompt, idle", _spread(await keys(pilot, rig, 200)))
        rig.app.work.prompt.text = ""

        async def stream() -> None:
            while True:
                core.live(TextDelta(1, "some words of an **answer** that goes on\n\n"))
                await asyncio.sleep(1 / 150)

        streaming = asyncio.create_task(stream())
        await asyncio.sleep(1.0)
        row("key to the prompt, 150 pieces/s streaming", _spread(await keys(pilot, rig, 200)))
        streaming.cancel()
        for size in (100_000, 1_000_000):
            await answer(pilot, rig, core, size)
        await flood(rig, core)
        before_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(200):
            core.say(respond(f"# Turn {number}\n\n" + "word " * 300))
        await asyncio.sleep(0.5)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        row("memory after 200 more turns", f"{after // 1024} MB (+{(after - before_rss) // 1024})")
        row("widgets", str(len(list(rig.app.screen.walk_children()))))


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
