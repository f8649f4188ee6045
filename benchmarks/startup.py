"""How a full-screen program feels, measured at a real pseudo-terminal: start, typing, idleness, memory.

    python -m benchmarks.startup                                  this checkout, in an empty folder that it trusts
    python -m benchmarks.startup -c vtcode -c "vibe" -c "codex" --setup "vtcode trust grant"
                                                                  any programs, side by side
    python -m benchmarks.startup -c "python -m benchmarks._bare"  Textual alone (PYTHONPATH must name this checkout)

Our own terminal screen stands in for the person's terminal: it answers what programs ask of one, and what it shows
is what counts. `painted` is the first moment with words on the screen, `typing` the first at which a typed word is
echoed, `ready` (asked for by --ready) the first at which some words of the whole program stand there, all from the
exec; `key` is the time from one key to its echo when nothing else happens, `stream` with --stream the same while a
model (`benchmarks._model`, at OPENAI_BASE_URL) streams 150 pieces a second, our screen's own work with them
included.
"""

from __future__ import annotations

import argparse
import os
import select
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pexpect

from vtcode_tui.terminal import Screen

WORD = "zqxjkv"
OWN = [sys.executable, "-m", "vtcode_tui"]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    """What one start of a program gave; times in milliseconds."""

    painted: float = 0.0
    typing: float = 0.0
    ready: float = 0.0
    keys: list[float] = field(default_factory=list)
    streaming: list[float] = field(default_factory=list)
    idle_cpu: float = 0.0
    idle_bytes: int = 0
    memory_mb: float = 0.0
    note: str = ""


class Terminal:
    """A program at a pseudo-terminal whose screen we can see."""

    def __init__(
        self, command: list[str], folder: Path, environment: dict[str, str], size: tuple[int, int]
    ) -> None:
        columns, rows = size
        self.screen = Screen(columns, rows)
        self.written = 0
        self.read_at = 0.0
        """When the last bytes had been read: what our screen needs to understand them is not the program's time."""
        self.begun = time.perf_counter()
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            command[0], command[1:], dimensions=(rows, columns), cwd=str(folder), env=environment, encoding=None
        )
        self.pid: int = self._child.pid or 0
        self.ended = False

    def send(self, data: bytes) -> None:
        os.write(self._child.fileno(), data)

    def step(self, timeout: float) -> None:
        """Take what the program writes next, for at most `timeout` seconds."""
        if self.ended:
            return
        ready, _, _ = select.select([self._child.fileno()], [], [], timeout)
        if not ready:
            return
        try:
            data = os.read(self._child.fileno(), 65536)
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return
        self.read_at = time.perf_counter()
        self.written += len(data)
        self.screen.feed(data)
        replies = self.screen.take_replies()
        if replies:
            self.send(replies)

    def wait(self, condition: Callable[[], bool], timeout: float) -> float | None:
        """Seconds until something is on the screen; None when it does not come."""
        begun = time.perf_counter()
        while not condition():
            left = timeout - (time.perf_counter() - begun)
            if left <= 0 or self.ended:
                return None
            self.step(min(left, 0.05))
        return time.perf_counter() - begun

    def quiet(self, seconds: float, most: float) -> None:
        """Wait until the program has written nothing for a while."""
        end = time.perf_counter() + most
        last = time.perf_counter()
        written = self.written
        while time.perf_counter() < end and time.perf_counter() - last < seconds and not self.ended:
            self.step(0.05)
            if self.written != written:
                written, last = self.written, time.perf_counter()

    def settle(self, most: float) -> None:
        """Wait until the program has neither written nor computed for a second."""
        end = time.perf_counter() + most
        still = 0
        while still < 2 and time.perf_counter() < end and not self.ended:
            cpu, written = cpu_seconds(self.pid), self.written
            self.quiet(0.5, 0.5)
            still = still + 1 if self.written == written and cpu_seconds(self.pid) - cpu < 0.03 else 0

    def text(self) -> str:
        screen = self.screen
        return "\n".join(screen.text(screen.history + row) for row in range(screen.rows))

    def words(self) -> int:
        return len(self.text().split())

    def close(self) -> None:
        for pid in family(self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._child.isalive():
            self._child.wait()
        self._child.close()


def family(pid: int) -> list[int]:
    """A process and everything that descends from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(parents.get(one, []))
    return found


def cpu_seconds(pid: int) -> float:
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_mb(pid: int) -> float:
    """Proportional memory of the family: what is shared is counted once."""
    total = 0
    for one in family(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def measure(command: list[str], folder: Path, environment: dict[str, str], given: argparse.Namespace) -> Result:
    """Start a program once and look at it."""
    terminal = Terminal(command, folder, environment, (given.columns, given.rows))
    result = Result()
    try:
        if terminal.wait(lambda: terminal.words() >= 3, given.timeout) is None:
            result.note = "nothing was painted"
            return result
        result.painted = (time.perf_counter() - terminal.begun) * 1000
        if not type_until_shown(terminal, given.timeout):
            result.note = "typed text was not shown"
            return result
        result.typing = (time.perf_counter() - terminal.begun) * 1000
        if given.ready and terminal.wait(lambda: given.ready in terminal.text(), given.timeout) is not None:
            result.ready = (time.perf_counter() - terminal.begun) * 1000
        terminal.settle(20.0)  # what is loaded after the first paint shall not count as slow keys
        erase(terminal, len(WORD) * 40)
        result.keys = idle_key_times(terminal, given.keys)
        terminal.settle(10.0)
        if terminal.ended:
            result.note = "ended by itself: " + " ".join(terminal.text().split())[-60:]
            return result
        before, written = cpu_seconds(terminal.pid), terminal.written
        end = time.perf_counter() + given.idle
        while time.perf_counter() < end:
            terminal.step(0.2)
        result.idle_cpu = (cpu_seconds(terminal.pid) - before) / given.idle * 100
        result.idle_bytes = terminal.written - written
        result.memory_mb = memory_mb(terminal.pid)
        if given.stream:
            result.streaming = streamed_key_times(terminal, given.keys)
    finally:
        terminal.close()
    return result


def type_until_shown(terminal: Terminal, timeout: float) -> bool:
    """Type a word again and again until it is seen: programs that are not ready yet may lose it."""
    end = time.perf_counter() + timeout
    while time.perf_counter() < end and not terminal.ended:
        terminal.send(WORD.encode())
        if terminal.wait(lambda: WORD in terminal.text(), 0.25) is not None:
            return True
    return False


def erase(terminal: Terminal, count: int) -> None:
    terminal.send(b"\x7f" * count)
    terminal.quiet(0.3, 5.0)


def idle_key_times(terminal: Terminal, count: int) -> list[float]:
    """From a key to its echo, with a pause between two keys so that nothing is drawn meanwhile."""
    return key_times(terminal, count, 0.03, lambda seconds: terminal.quiet(seconds, 10 * seconds))


def key_times(terminal: Terminal, count: int, rest: float, wait: Callable[[float], object]) -> list[float]:
    """From a key to its echo, ms, with a rest of so many seconds between two keys, for which `wait` waits."""
    times: list[float] = []
    typed = ""
    for number in range(count):
        typed += WORD[number % len(WORD)]
        stood = terminal.text().count(typed)  # elsewhere, or from before: no echo of this key
        before = time.perf_counter()
        terminal.send(typed[-1].encode())
        if terminal.wait(lambda: terminal.text().count(typed) > stood, 2.0) is None:  # noqa: B023  # called before
            break
        times.append((terminal.read_at - before) * 1000)
        wait(rest)
        if len(typed) == 24:
            terminal.send(b"\x7f" * 24)
            wait(0.3)
            typed = ""
    return times


def streamed_key_times(terminal: Terminal, count: int) -> list[float]:
    """The same while an answer streams; nothing when none comes."""
    erase(terminal, 40)
    terminal.send(b"go\r")
    if terminal.wait(lambda: "streamed words" in terminal.text(), 20.0) is None:
        return []
    follow(terminal, 2.0)
    return key_times(terminal, count, 0.05, lambda seconds: follow(terminal, seconds))


def follow(terminal: Terminal, seconds: float) -> None:
    """Take what is written for a while."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0 and not terminal.ended:
        terminal.step(left)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def print_row(name: str, results: list[Result]) -> None:
    good = [one for one in results if not one.note]
    if not good:
        print(f"{name:28} {results[0].note if results else 'not run'}")
        return
    keys = [time for one in good for time in one.keys]

    def middle(pick: Callable[[Result], float]) -> float:
        return statistics.median(map(pick, good))

    print(
        f"{name:28} {middle(lambda r: r.painted):9.0f} {middle(lambda r: r.typing):9.0f}"
        f" {middle(lambda r: r.ready):7.0f}"
        f" {percentile(keys, 0.5):8.1f} {percentile(keys, 0.95):8.1f} {percentile(keys, 0.99):8.1f}"
        f" {middle(lambda r: r.idle_cpu):8.2f} {middle(lambda r: r.idle_bytes):8.0f}"
        f" {middle(lambda r: r.memory_mb):8.0f}"
    )
    streaming = [time for one in good for time in one.streaming]
    if streaming:
        p50, p95, p99 = (percentile(streaming, share) for share in (0.5, 0.95, 0.99))
        print(f"{'  while an answer streams':28} {'':27} {p50:8.1f} {p95:8.1f} {p99:8.1f}")


@contextmanager
def answering(wanted: bool) -> Iterator[dict[str, str]]:
    """A model that streams without end, if one is wanted, and the variables by which programs find it."""
    if not wanted:
        yield {}
        return
    server = subprocess.Popen([sys.executable, "-m", "benchmarks._model"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{server.stdout.readline().strip()}/v1",
        }
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Measure each command, print one row for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--command", action="append", help="a command line; may be given several times")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--idle", type=float, default=5.0, help="seconds of idleness that are watched")
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--timeout", type=float, default=30.0)
    parser.add_argument(
        "--setup",
        help="a command run in the folder before the first start; vtcode trusts it where no command is named",
    )
    parser.add_argument(
        "--ready", default="", help="words that show that all of the program is there, e.g. 'F1 help'"
    )
    parser.add_argument("--folder", type=Path, help="where the programs start; an empty folder otherwise")
    parser.add_argument("--stream", action="store_true", help="time keys while an answer streams, too")
    given = parser.parse_args()
    commands = [shlex.split(text) for text in given.command or []] or [OWN]
    columns = ("painted", "typing", "ready", "key p50", "p95", "p99", "idle %", "bytes", "MB")
    print(
        f"{'ms; median of ' + str(given.runs) + ' starts':28} {columns[0]:>9} {columns[1]:>9} {columns[2]:>7}",
        end="",
    )
    print("".join(f" {name:>8}" for name in columns[3:]))
    with tempfile.TemporaryDirectory() as home, answering(given.stream) as model:
        environment = dict(os.environ) | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "VTCODE_HOME": home}
        environment |= model
        folder = given.folder or Path(home) / "work"
        folder.mkdir(exist_ok=True)
        setup = shlex.split(given.setup or "") or ([] if given.command else [*OWN, "trust", "grant"])
        if setup:
            subprocess.run(setup, cwd=folder, env=environment, check=True, capture_output=True)
        for command in commands:
            results = [measure(command, folder, environment, given) for _ in range(given.runs)]
            print_row(" ".join(Path(word).name for word in command)[:28], results)


if __name__ == "__main__":
    main()
