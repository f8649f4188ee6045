"""A real session that goes back to its first prompt and is killed meanwhile: `python -m ... FOLDER STEP LAYER`.

STEP is the worker whose end is the last thing that happens (`drop`, `put`, `settle`, `undo`), or `begun`: killed as
soon as the first of them has started.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.agent.stage import staged
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events import Event
from vtcode_tui.events.live import Live
from vtcode_tui.events.types import ExecFinished, ExecStarted

FILES = {"a.py": "x = 1\n", "d/c": "c\n", "kept": "kept\n"}
FIRST = "sed -i s/1/2/ a.py; rm -r d; echo new > n"
SECOND = "sed -i s/2/3/ a.py; mkdir d; echo other > d/c; echo more >> n; echo late > late"


class Killer:
    """Kills this very process, as `kill -9` would, when a step of going back has happened."""

    def __init__(self, step: str) -> None:
        self.step, self.armed, self._calls = step, False, dict[str | None, str]()

    def hear(self, what: Event | Live) -> None:
        if not self.armed or not isinstance(what, Event):
            return
        if isinstance(what.data, ExecStarted):
            self._calls[what.call] = what.data.argv[0].rpartition(":")[2]
            name = self._calls[what.call]
            if self.step == "begun" and name in ("drop", "undo"):
                os.kill(os.getpid(), signal.SIGKILL)
        if isinstance(what.data, ExecFinished) and self._calls.get(what.call) == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, step: str, layer: str) -> None:
    """Two turns, one of them accepted where `step` is about real files, and the way back to the second prompt."""
    steps = [Step("", (("run_command", {"command": FIRST}),)), Step("first")]
    steps += [Step("", (("run_command", {"command": SECOND}),)), Step("second")]
    killer = Killer(step)
    sandbox = Sandbox(staging="auto" if layer == "layer" else "off")
    async with staged(folder, steps, files=FILES, sandbox=sandbox, alone=True) as stage:
        session = stage.session
        session.subscribe(killer.hear)
        await session.submit("one")
        await session.submit("two")
        if step == "undo" and layer == "layer":
            shown = await session.changes()
            await session.accept({c.path: None for c in shown.files}, shown.digest)
        preview = await session.preview_rewind(2)
        killer.armed = True
        undo = [c.path for c in preview.real.files]
        await session.rewind(2, preview.digest, undo=undo)
    raise SystemExit(f"{step} never happened")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
