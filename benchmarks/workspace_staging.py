"""Scanning, accepting and discarding a layer of 1,000 changed files over a workspace of 10,000."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vtcode_tui.workspace import Layer, staging
from vtcode_tui.workspace.changes import ChangeSet
from vtcode_tui.workspace.wire import decode

_TEXT = "".join(f"line {n}\n" for n in range(200))


def _timed(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    start = time.perf_counter()
    answer = work()
    print(f"{name:<44} {(time.perf_counter() - start) * 1000:8.0f} ms")
    return answer


def _write(root: Path, count: int, text: str) -> None:
    for n in range(count):
        path = root / f"d{n % 100}" / f"f{n}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "ws")
        _write(root, 10_000, _TEXT)
        layer = Layer(root, Path(folder, "layer"))
        layer.prepare()
        # What an overlay leaves for a changed file is a file.
        _write(layer.upper, 1_000, _TEXT.replace("line 100\n", "changed\n"))
        out = io.BytesIO()
        _timed("scan, first", lambda: staging.scan(layer.arguments(), out))
        answer = _timed("scan, again", lambda: staging.scan(layer.arguments(), out))
        shown: ChangeSet = decode(answer["changes"])
        half = {change.path: None for change in shown.files[:500]}
        rest = {change.path: None for change in shown.files[500:]}
        _timed(
            "accept 500 files, each durable",
            lambda: staging.accept(layer.accepting(shown, half, shown.digest), out),
        )
        _timed("discard 500 files", lambda: staging.discard(layer.discarding(shown, rest, shown.digest), out))


if __name__ == "__main__":
    main()
