"""The time of one tool call through policy, journal and sandbox, against the same command run bare."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from vtcode_tui.agent import Opening, Session, capability_of, open_core, start_spawner
from vtcode_tui.agent.ranks import Rank
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Model, Sandbox, Settings
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.llm.messages import ToolUse
from vtcode_tui.workspace import grant_trust

ROUNDS = 40


class _Yes:
    async def ask(self, request: ApprovalRequest) -> Verdict:
        return Verdict("granted", request.shown_sha256)


async def _timed(what: Callable[[int], Awaitable[object]]) -> list[float]:
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        await what(number)
        times.append((time.perf_counter() - began) * 1000)
    return times


def _row(name: str, times: list[float]) -> None:
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
    print(f"{name:<44} {min(times):8.1f} {p50:8.1f} {p95:8.1f}")


async def _measure(staging: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="vtcode-bench-") as name:
        base = Path(name).resolve()
        home, root = Home(base / "c", base / "s", base / "k"), base / "ws"
        root.mkdir()
        (root / "a.txt").write_text("hello\n" * 50)
        grant_trust(root, home, now=rfc3339(SystemClock().now()))
        spawner = start_spawner(home)
        settings = Settings(model=Model(discover=False), sandbox=Sandbox(staging="auto" if staging else "off"))
        capability = await capability_of(spawner, settings)
        session: Session = await open_core(
            Opening(
                root=root, home=home, settings=settings, spawner=spawner, capability=capability, approver=_Yes()
            )
        )
        calls = session._parts.calls
        tier = f"tier {capability.tier}, {'staged' if staging and capability.staging else 'direct'}"

        async def read(number: int) -> None:
            await calls.perform(ToolUse(f"r{number}", "read_file", '{"path": "a.txt"}'), 0, Rank())

        async def true(number: int) -> None:
            await calls.perform(
                ToolUse(f"t{number}", "run_command", '{"command": "true", "terminal": false}'), 0, Rank()
            )

        _row(f"read_file ({tier})", await _timed(read))
        _row(f"run_command true ({tier})", await _timed(true))
        await session.close("bench")
        await spawner.close()


def main() -> None:
    """Print a table: minimum, median and 95th percentile in milliseconds."""
    print(f"{'':<44} {'min':>8} {'p50':>8} {'p95':>8}   ms, {ROUNDS} rounds")

    async def bare(number: int) -> None:
        await asyncio.to_thread(subprocess.run, ["/bin/bash", "--noprofile", "--norc", "-c", "true"], check=True)

    _row("bash -c true, no sandbox, no journal", asyncio.run(_timed(bare)))
    for staging in (False, True):
        asyncio.run(_measure(staging))


if __name__ == "__main__":
    main()
