"""Fuzzy search over 100,000 paths, the outline of one megabyte, and a listing of 5,000 files."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vtcode_tui.code import Finder, outline
from vtcode_tui.code.listing import list_files

_VOCABULARY = """
config user model view test index util service handler client server parser token session event store cache
page button
form table list tree graph node edge path file stream buffer socket http auth login admin report export import
"""
_WORDS = _VOCABULARY.split()


def paths(count: int) -> list[str]:
    """Paths such as those of a large repository, the same at each call."""
    chance = random.Random(7)
    made = set[str]()
    while len(made) < count:
        folders = "/".join(chance.choice(_WORDS) for _ in range(chance.randint(1, 6)))
        name = "_".join(chance.choice(_WORDS) for _ in range(chance.randint(1, 3)))
        made.add(f"{folders}/{name}{chance.randint(0, 40)}.{chance.choice(['py', 'ts', 'go', 'md'])}")
    return sorted(made)


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Print a table."""
    known = paths(100_000)
    queries = [
        "usrmod",
        "config",
        "auth login",
        "sesstor",
        "parser12.py",
        "exprot",
        "tree graph nod",
        "hndlr",
        "x",
        "report7",
    ]
    times = sorted(_milliseconds(lambda q=q: Finder(Path("/"), known).find(q)) for q in queries)  # type: ignore[misc]
    finder = Finder(Path("/"), known)
    warm = sorted(_milliseconds(lambda q=q: finder.find(q)) for q in queries)  # type: ignore[misc]
    print(f"find in 100,000 paths, cold      median {statistics.median(times):6.0f} ms   worst {times[-1]:6.0f} ms")
    print(f"find in 100,000 paths            median {statistics.median(warm):6.0f} ms   worst {warm[-1]:6.0f} ms")
    source = b"".join(b"class A%d:\n    def f(self, a):\n        return [a + 1, a]\n\n" % n for n in range(15_000))
    spent = _milliseconds(lambda: outline(source, "python"))
    size = len(source) / 1e6
    print(f"outline of {size:.1f} MB of dense Python        {spent:12.0f} ms   ({1000 * size / spent:.1f} MB/s)")
    with tempfile.TemporaryDirectory() as folder:
        for n in range(5_000):
            place = Path(folder, f"d{n % 97}", f"e{n % 13}")
            place.mkdir(parents=True, exist_ok=True)
            (place / f"f{n}.py").touch()
        Path(folder, ".gitignore").write_text("*.pyc\nbuild/\n/dist\n")
        spent = _milliseconds(lambda: list(list_files(Path(folder))))
        print(f"listing of 5,000 files              {spent:12.0f} ms")


if __name__ == "__main__":
    main()
