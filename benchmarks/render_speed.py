"""CPU time of what the panes draw: Markdown while it streams, long diffs, foreign text made safe.

python -m benchmarks.render_speed
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from vtcode_tui.render import DiffView, MarkdownStream, markdown, plain, visible
from vtcode_tui.workspace.describe import change_of

SECTION = """## What changes in part {n}

The function `resolve_{n}` looks up **every** entry of the table once, and keeps what it finds. That matters because
the old one walked the list again for each *request*; see [the notes](https://example.org/notes/{n}) for the numbers
that were measured. Nothing else depends on the order in which entries are seen.

- the first pass collects names, and leaves out what is hidden
- the second one sorts them by length
  - ties are broken by the name itself
- the third writes them

```python
def resolve_{n}(entries: dict[str, int], limit: int = {n}) -> list[str]:
    \"\"\"The names of all entries up to a limit.\"\"\"
    found = []
    for name, size in entries.items():
        if size > limit and not name.startswith("_"):
            found.append(f"{{name}}={{size}}")  # as the caller wants it
    return sorted(found, key=len)
```

| case | before | after |
|:-----|-------:|------:|
| small | {n} ms | 2 ms |
| large | 1{n} ms | 9 ms |

"""


def answer(size: int) -> str:
    """An answer as models write them: prose, lists, code, tables."""
    return "".join(SECTION.format(n=n) for n in range(size // len(SECTION) + 1))[:size]


def stream(text: str, piece: int, look: int) -> None:
    """Feed in pieces; look at the lines after every few of them, as a screen does."""
    answer = MarkdownStream(100)
    for number, at in enumerate(range(0, len(text), piece)):
        answer.feed(text[at : at + piece])
        if number % look == 0:
            len(answer.lines)
    answer.close()


def listing(size: int) -> str:
    """One code block from beginning to end."""
    line = "    value = compute(first, second=None)  # a comment that says why\n"
    return "```python\n" + line * (size // len(line)) + "```\n"


def changed(lines: int) -> tuple[bytes, bytes]:
    """A file where every third line or so is different."""
    source = random.Random(1)
    old = [b"    value_%d = compute(%d)\n" % (n, n) for n in range(lines)]
    new = [line.replace(b"compute", b"measure") if source.random() < 0.3 else line for line in old]
    return b"".join(old), b"".join(new)


def timed(name: str, work: Callable[[], object]) -> None:
    """Run three times, print the best."""
    best = 1e9
    for _ in range(3):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    print(f"{name:56} {best * 1000:9.1f} ms")


def main() -> None:
    """Print one row for each piece of work."""
    text = answer(100_000)
    code = listing(100_000)
    markdown(text[:2000], 100)
    timed("100 KB answer at once", lambda: markdown(text, 100))
    timed("100 KB answer in tokens, drawn 20 times a second", lambda: stream(text, 4, 25))
    timed("100 KB answer in tokens, drawn for each token", lambda: stream(text, 4, 1))
    timed("100 KB listing in tokens, drawn 20 times a second", lambda: stream(code, 4, 25))
    timed("1 MB answer in tokens, drawn 20 times a second", lambda: stream(text * 10, 4, 25))
    old, new = changed(50_000)
    change = change_of("module.py", old, new)
    for wrap in (False, True):
        for side in (False, True):
            name = f"50,000 lines changed, {'split' if side else 'unified'}{', wrapped' if wrap else ''}: open"
            timed(name, lambda side=side, wrap=wrap: DiffView([change], 120, side_by_side=side, wrap=wrap))  # type: ignore[misc]
    view = DiffView([change], 120)
    middle = len(view) // 2
    timed("  50 rows in the middle", lambda: [DiffView.__getitem__(view, middle + row) for row in range(50)])
    timed("1 MB of source made plain", lambda: plain(code * 10))
    timed("1 MB of source made visible", lambda: visible(code * 10))


if __name__ == "__main__":
    main()
