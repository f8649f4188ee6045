"""A session of 500 turns with large outputs on a model of 32,768 tokens: what vtcode itself costs a turn.

The model is scripted behind real HTTP and answers at once; journal, gate and disk are real. Also: the time from the
last byte of an answer to the start of its tool.

python -m benchmarks.agent_turns
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vtcode_tui.agent import Opening, Session, capability_of, open_core, start_spawner
from vtcode_tui.agent.prompts import SUMMARISE
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Model, Provider, Providers, Settings
from vtcode_tui.demo import Served, Step, served
from vtcode_tui.events import read_events
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.llm import estimate_tokens
from vtcode_tui.workspace import grant_trust

WINDOW = 32_768
TURNS = 500
DECIDED = "The name of the project is PLATYPUS."


class _Yes:
    async def ask(self, request: ApprovalRequest) -> Verdict:
        return Verdict("granted", request.shown_sha256)


def _script(body: Mapping[str, Any]) -> Step:
    """Prints much in the first turn, then rereads a stretch of it in every turn; forgets all when it summarises."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Step("Read.")
    if SUMMARISE[:40] in str(last["content"]):
        return Step("Much was read.")
    first = sum(message["role"] == "user" for message in body["messages"]) == 1 and DECIDED in str(last["content"])
    if first and "What came before" not in str(body["messages"][1]["content"]):
        return Step("", (("run_command", {"command": "seq 1 200000", "terminal": False}),))
    return Step("", (("read_output", {"call": "c1", "offset": 100, "limit": 12_000}),))


def _tokens(body: Mapping[str, Any]) -> int:
    """What the model reads: words, results and arguments as they are, the tools as JSON."""
    texts = [str(message.get("content") or "") for message in body["messages"]]
    texts += [
        call["function"]["arguments"] for message in body["messages"] for call in message.get("tool_calls", ())
    ]
    return sum(map(estimate_tokens, (*texts, json.dumps(body["tools"]))))


async def measure(turns: int) -> tuple[list[float], list[float], Served, Session]:
    """The wall and CPU milliseconds of each turn, the model with what it was asked, and the closed session."""
    with tempfile.TemporaryDirectory(prefix="vtcode-bench-") as name:
        base = Path(name).resolve()
        home, root = Home(base / "c", base / "s", base / "k"), base / "ws"
        root.mkdir()
        grant_trust(root, home, now=rfc3339(SystemClock().now()))
        spawner = start_spawner(home)
        async with served(_script) as model:
            table = Provider(
                base_url=model.base_url, models=("scripted",), data_class="local", context_window=WINDOW
            )
            settings = Settings(
                providers=Providers.of({"test": table}), model=Model(provider="test", discover=False)
            )
            session: Session = await open_core(
                Opening(
                    root=root, home=home, settings=settings, spawner=spawner,
                    capability=await capability_of(spawner, settings), approver=_Yes(), origin="exec",
                )
            )  # fmt: skip
            wall, cpu = [], []
            for turn in range(turns):
                began, busy = time.perf_counter(), time.process_time()
                await session.submit(DECIDED if turn == 0 else f"Turn {turn + 1}: read on.")
                wall.append((time.perf_counter() - began) * 1000)
                cpu.append((time.process_time() - busy) * 1000)
                if session.outcome != "done":
                    raise SystemExit(f"turn {turn + 1} ended as {session.outcome}")
            await session.close("bench")
            _starts(session)
        await spawner.close()
    return wall, cpu, model, session


def _starts(session: Session) -> None:
    """From the last byte of an answer (the event of the message follows it) to the start of its run."""
    times, answered = [], 0
    for event in read_events(session.folder):
        if event.type == "model.responded":
            answered = event.mono_ns
        elif event.type == "exec.started" and event.call == "c1":
            times.append((event.mono_ns - answered) / 1e6)
    if times:
        print(f"message complete to tool started (policy, journal, grant): {times[0]:.1f} ms")


def _row(name: str, times: list[float]) -> None:
    p95 = statistics.quantiles(times, n=20)[18]
    print(f"{name:<24} {min(times):>8.1f} {statistics.median(times):>8.1f} {p95:>8.1f}")


def main() -> None:
    """Print how turns at the beginning, the middle and the end compare."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else TURNS
    wall, cpu, model, _ = asyncio.run(measure(turns))
    largest = max(map(_tokens, model.requests))
    kept = DECIDED[:-1] in json.dumps(model.requests[-1]["messages"])
    print(f"{turns} turns, {len(model.requests)} requests, the largest of {largest:,} of {WINDOW:,} tokens")
    print(f"what the first turn decided is in the last request: {'yes' if kept else 'NO'}")
    print(f"{'ms a turn':<24} {'min':>8} {'p50':>8} {'p95':>8}")
    fifth = max(10, turns // 5)
    for name, times in (("wall", wall), ("CPU", cpu)):
        _row(f"{name}, first {fifth}", times[1:fifth])
        _row(f"{name}, middle {fifth}", times[2 * fifth : 3 * fifth])
        _row(f"{name}, last {fifth}", times[-fifth:])


if __name__ == "__main__":
    main()
