"""What ordinary work loses in the sandbox: git status on many files, a C build of 200 files, grep, tar.

    python -m benchmarks.sandbox_work [--runs N] [--files N] [--work "git status"]

Each piece of work is run in turn in every place, so that a busy machine slows all of them alike; the smallest
time of each counts. `held` is `staged` while another run keeps the layer mounted, so that the kernel knows every
name already after the first time.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.sandbox_launch import grant, plain, sandboxed
from vtcode_tui.sandbox import Profile, Spawner, Staging

WORK = {
    "git status": "cd many && git status --porcelain >/dev/null",
    "make, 200 files of C": "rm -f c/*.o && make -s -C c -j2",
    "grep -r": "grep -r needle many >/dev/null; true",
    "tar and cp -a": "tar -cf t.tar c && mkdir t && tar -xf t.tar -C t && cp -a t t2 && rm -rf t t2 t.tar",
}


def prepare(workspace: Path, files: int) -> None:
    for number in range(files):
        folder = workspace / "many" / f"d{number // 100}"
        if number % 100 == 0:
            folder.mkdir(parents=True)
        (folder / f"f{number}").write_text(f"{number}\n")
    (workspace / "c").mkdir()
    names = [f"u{number}" for number in range(200)]
    for name in names:
        (workspace / "c" / f"{name}.c").write_text(
            f'#include <stdio.h>\nint {name}(void) {{ return puts("x"); }}\n'
        )
    objects = " ".join(f"{name}.o" for name in names)
    (workspace / "c" / "Makefile").write_text(f"all: {objects}\n%.o: %.c\n\tcc -O1 -c $< -o $@\n")
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(workspace / "many")]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, stdout=subprocess.DEVNULL)


async def compare(runs: int, files: int, chosen: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="vtcode-bench-") as folder:
        base = Path(folder).resolve()
        workspace, upper, work = base / "workspace", base / "upper", base / "work"
        for made in (workspace, upper, work):
            made.mkdir()
        prepare(workspace, files)
        profile = Profile("bench", workspace, (workspace,))
        staged = replace(profile, staging=Staging(workspace, upper, work))
        kernel = Spawner.start(scratch=base / "scratch", tier="kernel")
        full = Spawner.start(scratch=base / "scratch", tier="full")
        print(
            f"{'best of ' + str(runs) + ', s':<24}{'plain':>9}{'kernel':>17}{'full':>17}{'staged':>17}{'held':>17}"
        )
        for name, script in WORK.items():
            if chosen and name not in chosen:
                continue
            places: dict[str, Callable[[str], Awaitable[None]]] = {
                "plain": lambda text: plain(["bash", "-c", f"cd {workspace} && {text}"]),
                "kernel": lambda text: sandboxed(kernel, profile, "bash", "-c", text),
                "full": lambda text: sandboxed(full, profile, "bash", "-c", text),
                "staged": lambda text: sandboxed(full, staged, "bash", "-c", text),
                "held": lambda text: sandboxed(full, staged, "bash", "-c", text),
            }
            best = dict.fromkeys(places, 1e9)
            for _ in range(runs):
                for place, call in places.items():
                    holder = None
                    if place == "held":
                        holder = await full.run(grant(staged, "sleep", "600"))
                        await call(script)
                    begun = time.perf_counter()
                    await call(script)
                    best[place] = min(best[place], time.perf_counter() - begun)
                    if holder is not None:
                        holder.kill("measured")
                        await holder.wait()
            cells = "".join(
                f"{seconds:9.3f} ({seconds / best['plain']:4.2f}x)"
                for place, seconds in best.items()
                if place != "plain"
            )
            print(f"  {name:<22}{best['plain']:9.3f}{cells}")
        await kernel.close()
        await full.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--work", action="append", choices=tuple(WORK))
    given = parser.parse_args()
    asyncio.run(compare(given.runs, given.files, given.work or ()))


if __name__ == "__main__":
    main()
