"""What a sandboxed `true` costs: plain fork and exec, bubblewrap, and each tier of ours.

python -m benchmarks.sandbox_launch [--runs N] [--files N] [--pause SECONDS]

Between two runs there is a pause, as between the calls of an agent: the fork server gets the next one ready in it.
`back to back` leaves it out. As root, `chrt -r 10 python -m ...` keeps the load of other programs out.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import secrets
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from vtcode_tui.sandbox import Execute, Grant, Profile, Spawner, Staging

BWRAP = (
    "bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-all --die-with-parent --new-session true"
)
PROTECTED = (".git/hooks", ".git/config", ".envrc", ".vscode", ".vt-workspace-trust", "vtcode.toml")


@functools.cache
def program(name: str) -> Path:
    return Path(shutil.which(name) or name)


def grant(profile: Profile, *argv: str) -> Grant:
    work = Execute(argv, program(argv[0]))
    return Grant(secrets.token_hex(8), "bench", "", work, profile.workspace, profile, time.monotonic_ns() + 10**12)


async def plain(words: list[str]) -> None:
    # Waited for without an event loop's child watcher, as the cheapest thing a program can do.
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


async def sandboxed(spawner: Spawner, profile: Profile, *argv: str) -> float:
    """Seconds of processor time that the work took."""
    flight = await spawner.run(grant(profile, *argv))
    async for _piece in flight.output():
        pass
    outcome = await flight.wait()
    assert outcome.exit_code == 0, outcome
    return outcome.cpu_ms / 1000


async def measure(name: str, runs: int, call: Callable[[], Awaitable[object]], pause: float = 0.0) -> list[float]:
    times = []
    for _ in range(runs + 3):
        await asyncio.sleep(pause)
        begun = time.perf_counter()
        await call()
        times.append((time.perf_counter() - begun) * 1000)
    kept = sorted(times[3:])
    quartile = statistics.quantiles(kept, n=20)
    print(f"  {name:<34}{kept[0]:8.2f}{statistics.median(kept):8.2f}{quartile[-1]:8.2f}")
    return kept


def proportional(pid: int) -> float:
    """Proportional memory of a process in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in family(int(child)))]


async def compare(runs: int, files: int, pause: float) -> None:
    with tempfile.TemporaryDirectory(prefix="vtcode-bench-") as folder:
        base = Path(folder).resolve()
        workspace = base / "workspace"
        for number in range(files):
            if number % 100 == 0:
                (workspace / f"d{number // 100}").mkdir(parents=True)
            (workspace / f"d{number // 100}" / f"f{number}").touch()
        subprocess.run(["git", "init", "-q", str(workspace)], check=True)
        protected = tuple(workspace / name for name in PROTECTED)
        profile = Profile("bench", workspace, (workspace,), protected=protected)
        upper, work = base / "upper", base / "work"
        upper.mkdir()
        work.mkdir()
        staged = Profile(
            "bench", workspace, (workspace,), protected=protected, staging=Staging(workspace, upper, work)
        )
        kernel = Spawner.start(scratch=base / "scratch", tier="kernel")
        full = Spawner.start(scratch=base / "scratch", tier="full")
        print(f"`true` in a workspace of {files} files, ms    min     p50     p95")
        await measure("plain fork and exec", runs, lambda: plain(["true"]), pause)
        if shutil.which("bwrap"):
            await measure("bubblewrap", runs, lambda: plain(BWRAP.split()), pause)
        for name, spawner, used in (
            ("tier kernel", kernel, profile),
            ("tier full", full, profile),
            ("tier full with staging", full, staged),
        ):
            once = functools.partial(sandboxed, spawner, used, "true")
            await measure(name, runs, once, pause)
            await measure(f"{name}, back to back", runs, once)

        async def twenty(spawner: Spawner, used: Profile) -> None:
            await asyncio.gather(*(sandboxed(spawner, used, "true") for _ in range(20)))

        await measure("twenty at once, tier kernel", max(3, runs // 10), lambda: twenty(kernel, profile))
        await measure("twenty at once, full with staging", max(3, runs // 10), lambda: twenty(full, staged))
        await asyncio.sleep(32)
        print(f"  the fork server's memory (PSS): {proportional(full.pid):.1f} MB")
        print(f"  with what waits for the next run, at rest: {sum(map(proportional, family(full.pid))):.1f} MB")
        await kernel.close()
        await full.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--pause", type=float, default=0.1)
    given = parser.parse_args()
    asyncio.run(compare(given.runs, given.files, given.pause))


if __name__ == "__main__":
    main()
