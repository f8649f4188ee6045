"""Scanning, accepting and discarding large change sets, and following commands where there is no layer.

CPU time is of this process: on a machine that does other work it says more than the clock.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vtcode_tui.workspace import Layer, staging, tracing
from vtcode_tui.workspace.changes import ChangeSet
from vtcode_tui.workspace.wire import decode

_TEXT = "".join(f"line {n}\n" for n in range(100))


def _timed(name: str, work: Callable[[], Any], repeat: int = 1) -> Any:
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    assert not (isinstance(answer, dict) and "error" in answer), answer
    print(f"{name:<52} {min(walls) * 1000:8.0f} ms {min(cpus) * 1000:8.0f} ms CPU", flush=True)
    return answer


def _write(root: Path, count: int, text: str) -> None:
    for n in range(count):
        path = root / f"d{n % 500}" / f"f{n}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def layered(folder: Path, total: int, changed: int, accepted: int) -> None:
    """A layer with `changed` files over a workspace of `total`."""
    root, out = folder / "ws", io.BytesIO()
    _write(root, total, _TEXT)
    layer = Layer(root, folder / "layer")
    layer.prepare()
    # What an overlay leaves for a changed file is a file.
    _write(layer.upper, changed, _TEXT.replace("line 50\n", "changed\n"))
    print(f"-- {changed:,} changed files over {total:,}")
    _timed("scan, first", lambda: staging.scan(layer.arguments(), out))
    answer = _timed("scan, again", lambda: staging.scan(layer.arguments(), out), 3)
    shown: ChangeSet = _timed("decode (a thread of the main process)", lambda: decode(answer["changes"]), 3)
    _timed("digest of the change set", lambda: shown.digest, 3)
    some = {change.path: None for change in shown.files[:accepted]}
    rest = {change.path: None for change in shown.files[accepted : 2 * accepted]}
    if accepted:
        given = layer.accepting(shown, some, shown.digest)
        _timed(f"accept {accepted:,} files, each durable", lambda: staging.accept(given, out))
        given = layer.discarding(shown, rest, shown.digest)
        _timed(f"discard {len(rest):,} files", lambda: staging.discard(given, out))


def followed(folder: Path, total: int) -> None:
    """A workspace of `total` files without a layer."""
    root, out = folder / "plain", io.BytesIO()
    _write(root, total, _TEXT)
    kept = folder / "kept"
    kept.mkdir(parents=True)
    given: dict[str, Any] = {"root": str(root), "folder": str(kept)}
    print(f"-- following commands in {total:,} files")
    _timed("before the first command of a session", lambda: tracing.before(given, out))
    time.sleep(0.1)
    _timed("before a command", lambda: tracing.before(given, out), 3)
    _write(root, 10, "x\n")
    _timed("after a command that changed 10", lambda: tracing.after({**given, "turn": 1}, out))
    _timed("what waits for review", lambda: tracing.review(given, out), 3)


def main() -> None:
    """Print a table; an argument divides the sizes."""
    part = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        layered(folder / "small", 10_000 // part, 1_000 // part, 500 // part)
        layered(folder / "large", 50_000 // part, 10_000 // part, 5_000 // part)
        layered(folder / "huge", 50_000 // part, 50_000 // part, 0)
        shutil.rmtree(folder / "huge")
        followed(folder / "followed", 50_000 // part)


if __name__ == "__main__":
    main()
