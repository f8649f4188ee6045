"""What a tool call costs: from the last byte of the model's message to the first byte of the next request.

    python -m benchmarks.tool_call                  every setting, 40 calls each
    python -m benchmarks.tool_call --files 50000    in a workspace of so many files

Everything is real: the agent, the policy, the journal with its flushes, the sandbox. Only the model is a script, in
a process of its own (`_clocked`), which is asked over HTTP on loopback and looks at the clock. `plain` is the same
command as a bare subprocess; `empty` is a call of a tool that does not exist: what the agent, the journal and HTTP
need without any sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtcode_tui.agent import Opening, capability_of, open_core, start_spawner
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Model, Provider, Providers, Sandbox, Settings
from vtcode_tui.gate.types import ApprovalRequest, Verdict
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.workspace import grant_trust

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "empty": ("no_such_tool", {}),
    "run_command true": ("run_command", {"command": "true"}),
    "read_file": ("read_file", {"path": "hello.txt"}),
    "write a file": ("run_command", {"command": "echo x >> written.txt"}),
}


class Yes:
    """Approves everything; the settings below ask for nothing in most cases."""

    async def ask(self, request: ApprovalRequest) -> Verdict:
        return Verdict("granted", request.shown_sha256)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


async def measure(place: Path, tier: str, way: str, count: int, files: int, think: float = 0.1) -> list[float]:
    """Milliseconds of each call in a session of its own."""
    root = place / "ws"
    home = Home(place / "config", place / "state", place / "cache")
    make_workspace(root, files)
    grant_trust(root, home, now=rfc3339(SystemClock().now()))
    tool, arguments = WAYS[way]
    said = [sys.executable, "-m", "benchmarks._clocked", tool, json.dumps(arguments), str(count), str(think)]
    spawner = start_spawner(home)
    try:
        with subprocess.Popen(said, stdout=subprocess.PIPE, text=True) as model:
            assert model.stdout is not None
            address = f"http://127.0.0.1:{model.stdout.readline().strip()}/v1"
            provider = Provider(wire="openai-chat", base_url=address, models=("scripted",), data_class="local")
            settings = Settings(
                providers=Providers.of({"test": provider}),
                model=Model(provider="test", name="scripted", discover=False),
                sandbox=Sandbox(staging="off") if tier != "staged" else Sandbox(),
            )
            capability = await capability_of(spawner, settings)
            if tier == "kernel":
                spawner.tier = "kernel"
                capability = Capability("kernel", capability.findings, capability.landlock_abi, staging=False)
            session = await open_core(
                Opening(
                    root=root,
                    home=home,
                    settings=settings,
                    spawner=spawner,
                    capability=capability,
                    approver=Yes(),
                    origin="exec",
                )
            )
            try:
                await session.submit("go")
            finally:
                await session.close("benchmark")
            times: list[float] = json.loads(model.stdout.read())
    finally:
        await spawner.close()
    return times


def make_workspace(root: Path, files: int) -> None:
    root.mkdir(parents=True)
    (root / "hello.txt").write_text("hello\n" * 50)
    for number in range(files):
        folder = root / f"d{number // 500}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}.txt").write_text("x")


def plain(count: int) -> list[float]:
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        subprocess.run(["/bin/true"], check=True)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def main() -> None:
    """Measure every setting and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--tier", action="append", choices=("staged", "full", "kernel"))
    parser.add_argument("--way", action="append", choices=tuple(WAYS))
    parser.add_argument("--think", type=float, default=0.1, help="seconds that the model takes to answer")
    given = parser.parse_args()
    print(f"{'ms from message to next request':40} {'median':>8} {'p95':>8} {'best':>8}")
    row("plain: subprocess.run true", plain(given.count))
    for tier in given.tier or ("staged", "full", "kernel"):
        for way in given.way or WAYS:
            with tempfile.TemporaryDirectory(prefix="vtcode-bench-") as folder:
                times = asyncio.run(
                    measure(Path(folder).resolve(), tier, way, given.count, given.files, given.think)
                )
            row(f"{tier}: {way}", times[2:])


def row(name: str, times: Sequence[float]) -> None:
    print(f"{name:40} {percentile(times, 0.5):8.1f} {percentile(times, 0.95):8.1f} {min(times, default=0):8.1f}")


if __name__ == "__main__":
    main()
