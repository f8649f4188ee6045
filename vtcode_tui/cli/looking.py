"""What `vtcode symbols` and `vtcode outline` share: a worker that only reads, run in the sandbox."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any


def look(root: Path, function: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a worker of `code.workers`; raises SandboxError, or UsageError with the worker's sentence."""
    from vtcode_tui.common.errors import SandboxError, UsageError

    answer = asyncio.run(_look(root, function, {"root": str(root), **arguments}))
    if answer is None:
        raise SandboxError(
            "the sources could not be read in the sandbox: `vtcode sandbox doctor` says what holds here"
        )
    if error := answer.get("error"):
        raise UsageError(str(error))
    return answer


async def _look(root: Path, function: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    import json
    import os

    from vtcode_tui.agent import capability_of
    from vtcode_tui.common.errors import SandboxError
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import load
    from vtcode_tui.gate.human import human_look
    from vtcode_tui.gate.profile import Surroundings
    from vtcode_tui.sandbox import Invoke, Spawner
    from vtcode_tui.workspace import Workspace

    spawner = Spawner.start()
    try:
        home = Home.from_environment()
        settings = load(home, root).settings
        await capability_of(spawner, settings)
        place = Workspace(root, protect=settings.sandbox.protect, mask=settings.sandbox.mask)
        around = Surroundings(
            root,
            settings.sandbox,
            os.environ,
            own=(home.config, home.state, home.cache),
            hidden=place.masked_paths(),
        )
        profile = around.profile("look", writable=(), staging=None, executes=False, wall_seconds=60.0)
        work = Invoke("vtcode_tui.code.workers", function, json.dumps(arguments))
        flight = await spawner.run(human_look(work, root, profile))
        async for _ in flight.output():
            continue
        outcome = await flight.wait()
        if outcome.setup_error:
            raise SandboxError(f"nothing ran: {outcome.setup_error}", step="setup")
        return None if outcome.result is None else dict(outcome.result)
    finally:
        await spawner.close()


def plain(text: str) -> str:
    """A name from a hostile file as it may be printed: control characters become escapes."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()
