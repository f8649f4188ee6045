"""How many megabytes a second the terminal screen takes, by kind of output.

python -m benchmarks.terminal_speed
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable

from vtcode_tui.terminal import Screen

MB = 1_000_000


def listing(size: int) -> bytes:
    """Like `ls -lR --color=always`: coloured names, one row to a file."""
    source = random.Random(1)
    out = bytearray()
    while len(out) < size:
        out += f"\r\n/usr/lib/folder-{source.randrange(999)}:\r\ntotal {source.randrange(9999)}\r\n".encode()
        for _ in range(source.randrange(5, 60)):
            colour = source.choice(("01;34", "01;36", "01;32", "0", "0", "0"))
            name = "".join(source.choices("abcdefghijklmnopqrstuvwxyz._-0123456789", k=source.randrange(6, 30)))
            shown = name if colour == "0" else f"\x1b[{colour}m{name}\x1b[0m"
            size = source.randrange(9_999_999)
            out += f"-rw-r--r--  1 root root {size:8} Nov 22 20:5{colour[0]} {shown}\r\n".encode()
    return bytes(out)


def log(size: int) -> bytes:
    """A build's log: progress on one row, colours, some CJK and emoji."""
    source = random.Random(2)
    out = bytearray()
    while len(out) < size:
        for percent in range(0, 100, 9):
            out += f"\r\x1b[32m[{'=' * (percent // 4):25}]\x1b[0m {percent}% compiling".encode()
        name = f"crate-{source.randrange(999)} v1.{source.randrange(99)}"
        out += f"\r\x1b[K\x1b[1m   Compiling\x1b[0m {name}\r\n".encode()
        if source.random() < 0.2:
            out += "warning: 未使用的变量 🚀 done ✓\r\n".encode()
    return bytes(out)


def redraw(size: int, columns: int, rows: int, *, truecolour: bool = False) -> bytes:
    """A full-screen editor that draws everything anew for each frame."""
    source = random.Random(3)
    words = ["def", "return", "self", "import", "value", "for", "in", "None", "print", "(x)", "=", "#"]
    out = bytearray(b"\x1b[?1049h")
    while len(out) < size:
        out += b"\x1b[?2026h\x1b[H"
        for row in range(rows):
            out += f"\x1b[{row + 1};1H\x1b[38;5;130m{row:4} \x1b[m".encode()
            used = 5
            while used < columns - 12:
                word = source.choice(words)
                if truecolour:
                    code = f"38;2;{source.randrange(256)};{source.randrange(256)};{source.randrange(256)}"
                else:
                    code = f"38;5;{source.choice((81, 130, 224, 121))}"
                out += f"\x1b[{code}m{word}\x1b[m ".encode()
                used += len(word) + 1
            out += b"\x1b[K"
        out += b"\x1b[?2026l"
    return bytes(out)


def plain_source(size: int) -> bytes:
    """`cat` of source code."""
    line = b"        return self.value if self.value is not None else default  # because\r\n"
    return (line * (size // len(line) + 1))[:size]


CORPORA: tuple[tuple[str, Callable[[], bytes], int, int], ...] = (
    ("ls -lR --color, 80x24", lambda: listing(8 * MB), 80, 24),
    ("source code, 80x24", lambda: plain_source(8 * MB), 80, 24),
    ("build log, 80x24", lambda: log(4 * MB), 80, 24),
    ("full-screen redraw, 80x24", lambda: redraw(4 * MB, 80, 24), 80, 24),
    ("redraw, 24-bit colours, 200x60", lambda: redraw(4 * MB, 200, 60, truecolour=True), 200, 60),
)


def main() -> None:
    """Print one row for each corpus: best of three."""
    print(f"{'corpus':34} {'MB/s':>7} {'worst 64 kB, ms':>16}")
    for name, make, columns, rows in CORPORA:
        data = make()
        best, worst = 0.0, 0.0
        for _ in range(3):
            screen = Screen(columns, rows)
            begun = time.perf_counter()
            slowest = 0.0
            for at in range(0, len(data), 65536):
                before = time.perf_counter()
                screen.feed(data[at : at + 65536])
                slowest = max(slowest, time.perf_counter() - before)
            speed = len(data) / MB / (time.perf_counter() - begun)
            if speed > best:
                best, worst = speed, slowest
        print(f"{name:34} {best:7.1f} {worst * 1000:16.1f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
