"""Run the benchmarks: all of them, or those whose names are given; `--list` names them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))


def main() -> int:
    """Print each benchmark's table under its name."""
    wanted = sys.argv[1:]
    if wanted == ["--list"]:
        print("\n".join(NAMES))
        return 0
    if unknown := [name for name in wanted if name not in NAMES]:
        print(f"no benchmark is called {unknown[0]!r}; `python -m benchmarks --list` names them", file=sys.stderr)
        return 2
    for name in wanted or NAMES:
        print(f"\n== {name} ==", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
