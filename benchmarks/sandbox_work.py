"""What ordinary work loses in the sandbox: git status on many files, a C build of 200 files, grep, tar.

    python -m benchmarks.sandbox_work [--runs N] [--files N] [--work "git status"]

Each piece of work is run in turn in every place, so that a busy machine slows all of them alike; the smallest time
of each counts, by the clock and in processor time (without what starting costs). `staged` comes right after a
change in the real workspace, so that the layer is mounted for it; `again` is the next run in the layer, once that
is mounted ahead and every name in it was looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from benchmarks.sandbox_launch import family, plain, sandboxed
from vtcode_tui.sandbox import Profile, Spawner, Staging

_PATIENCE_SECONDS = 60.0

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
    # A collection in the background would change the repository while it is measured.
    git = ["git", "-c", "gc.auto=0", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(workspace / "many")]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, stdout=subprocess.DEVNULL)


async def _plain(words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    await plain(words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _is_mounted_ahead(server: int) -> bool:
    """Whether a holder below the fork server keeps a layer for the next run, and has looked at every name in it."""
    with suppress(OSError):  # a process that has gone since
        for holder in family(server)[1:]:
            if Path(f"/proc/{holder}/comm").read_text() == "vtcode-kept\n":
                return family(holder) == [holder]
    return False


async def _mounted_ahead(server: int) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not _is_mounted_ahead(server):
        if time.monotonic() > until:
            raise SystemExit("the layer is not mounted ahead here: see 'between runs' in docs/sandbox.md")
        await asyncio.sleep(0.05)


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
        places: dict[str, Callable[[str], Awaitable[float]]] = {
            "plain": lambda text: _plain(["bash", "-c", f"cd {workspace} && {text}"]),
            "kernel": lambda text: sandboxed(kernel, profile, "bash", "-c", text),
            "full": lambda text: sandboxed(full, profile, "bash", "-c", text),
            "staged": lambda text: sandboxed(full, staged, "bash", "-c", text),
            "again": lambda text: sandboxed(full, staged, "bash", "-c", text),
        }
        print(f"{'best of ' + str(runs) + ', s':<32}{'plain':>9}" + "".join(f"{p:>17}" for p in [*places][1:]))
        for name, script in WORK.items():
            if chosen and name not in chosen:
                continue
            clock, processor = dict.fromkeys(places, 1e9), dict.fromkeys(places, 1e9)
            for _ in range(runs):
                for place, call in places.items():
                    if place == "staged":
                        (workspace / "changed").touch()
                    if place == "again":
                        await _mounted_ahead(full.pid)
                    begun = time.perf_counter()
                    processor[place] = min(processor[place], await call(script))
                    clock[place] = min(clock[place], time.perf_counter() - begun)
            for kind, best in (("clock", clock), ("CPU", processor)):
                cells = [f"{best[place]:9.3f} ({best[place] / best['plain']:4.2f}x)" for place in [*places][1:]]
                print(f"  {name + ', ' + kind:<30}{best['plain']:9.3f}{''.join(cells)}")
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
