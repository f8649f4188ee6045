"""A whole conversation at a real pseudo-terminal: long answers, much output, many turns, beside other agents.

    python -m benchmarks.conversation                              this checkout's vtcode
    python -m benchmarks.conversation -c vtcode -c "vibe --trust" -c codex -c opencode

Every program gets a home of its own with settings that name one model, `benchmarks._model` on loopback; no account,
no network. Our own terminal screen reads what each writes, and what it shows is what counts: `shown` is the time
from Enter until the end of the answer or the output stands on the screen (`-` where a program never shows it, and
then the time until it writes nothing more), `CPU` that of all the program's processes until it rests.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.startup import Terminal, cpu_seconds, erase, key_times, memory_mb, type_until_shown

VIBE = """
active_model = "endless"
enable_update_checks = false
enable_telemetry = false
[[providers]]
name = "loopback"
api_base = "{url}"
backend = "generic"
[[models]]
name = "endless"
provider = "loopback"
alias = "endless"
"""
CODEX = """
model = "endless"
model_provider = "loopback"
check_for_update_on_startup = false
[model_providers.loopback]
name = "loopback"
base_url = "{url}"
wire_api = "responses"
[projects."{folder}"]
trust_level = "trusted"
"""


@dataclass(frozen=True)
class Spent:
    """What one step took: seconds until its end was shown or the writing ended, and of processor time."""

    seconds: float
    cpu: float
    shown: bool

    def __str__(self) -> str:
        return f"{self.seconds:7.2f}{' ' if self.shown else '-'}{self.cpu:7.2f}"


def settings(home: Path, folder: Path, url: str) -> dict[str, str]:
    """Settings for each program that is known here; the variables that they need."""
    opencode = {
        "autoupdate": False, "model": "loopback/endless", "small_model": "loopback/endless",
        "provider": {"loopback": {"npm": "@ai-sdk/openai-compatible", "name": "loopback",
                                  "options": {"baseURL": url, "apiKey": "none"}, "models": {"endless": {}}}},
    }  # fmt: skip
    files = {
        ".vibe/config.toml": VIBE.format(url=url),
        ".codex/config.toml": CODEX.format(url=url, folder=folder),
        ".config/opencode/opencode.json": json.dumps(opencode),
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return {
        "HOME": str(home), "VTCODE_HOME": str(home / ".vtcode"), "TERM": "xterm-256color", "COLORTERM": "truecolor",
        "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url, "MISTRAL_API_KEY": "none",
    }  # fmt: skip


@contextmanager
def model() -> Iterator[str]:
    """The address of a model of its own process."""
    server = subprocess.Popen([sys.executable, "-m", "benchmarks._model"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def started(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    """A program that takes keys and rests."""
    terminal = Terminal(command, folder, environment, (120, 40))
    try:
        if not type_until_shown(terminal, 60.0):
            raise SystemExit(
                f"{command[0]} does not show what is typed: {' '.join(terminal.text().split())[-200:]}"
            )
        terminal.settle(30.0)
        erase(terminal, 240)
        yield terminal
    finally:
        terminal.close()


def step(terminal: Terminal, text: str, end: str, most: float = 120.0, *, rest: bool = True) -> Spent:
    """Type a line, send it, wait for its end."""
    for letter in text:
        terminal.send(letter.encode())
        terminal.step(0.01)
    terminal.wait(lambda: text[-8:] in terminal.text(), 5.0)
    terminal.quiet(0.4, 2.0)  # what comes right behind letters is taken for a paste by some
    cpu, begun, last, written = (
        cpu_seconds(terminal.pid),
        time.perf_counter(),
        time.perf_counter(),
        terminal.written,
    )
    terminal.send(b"\r")
    shown = False
    # What never shows its end has ended when it neither writes nor computes for five seconds.
    spent = cpu
    while time.perf_counter() - begun < most and not terminal.ended:
        terminal.step(0.05)
        now = time.perf_counter()
        if end in terminal.text():
            shown, last = True, terminal.read_at
            break
        if terminal.written != written:
            written, last, spent = terminal.written, now, cpu_seconds(terminal.pid)
        elif now - last > 5.0 and cpu_seconds(terminal.pid) - spent < 0.2:
            break
    if rest:
        terminal.settle(20.0)
    return Spent(last - begun, cpu_seconds(terminal.pid) - cpu, shown)


def converse(command: list[str], folder: Path, environment: dict[str, str], given: argparse.Namespace) -> None:
    """All steps with one program; a row for each."""
    name = Path(command[0]).name
    for size in (100, 1024):
        with started(command, folder, environment) as terminal:
            print(
                f"{name:10} {str(size) + ' KB of Markdown':24} {step(terminal, f'answer {size} t1', 'END-t1')}",
                flush=True,
            )
    with started(command, folder, environment) as terminal:
        spent = step(terminal, f"!{given.output}", "END-OF-OUTPUT", 60.0)
        print(f"{name:10} {'10 MB of output':24} {spent}", flush=True)
    with started(command, folder, environment) as terminal:
        first = memory_mb(terminal.pid)
        turns = [step(terminal, f"answer 1 t{n}", f"END-t{n}", 20.0, rest=False) for n in range(1, given.turns + 1)]
        terminal.settle(20.0)
        keys = sorted(key_times(terminal, 40, 0.03, lambda seconds: terminal.quiet(seconds, 10 * seconds)))
        tenth = max(1, given.turns // 10)
        early, late = (statistics.median(turn.seconds for turn in part) for part in (turns[:tenth], turns[-tenth:]))
        print(
            f"{name:10} {str(given.turns) + ' turns':24} {sum(t.seconds for t in turns):7.2f}"
            f"{' ' if all(t.shown for t in turns) else '-'}{sum(t.cpu for t in turns):7.2f}"
            f"   a turn at first {1000 * early:.0f} ms, at last {1000 * late:.0f};"
            f" a key then {keys[len(keys) // 2] if keys else float('nan'):.1f};"
            f" memory {first:.0f}, then {memory_mb(terminal.pid):.0f} MB",
            flush=True,
        )


def main() -> None:
    """Measure each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--command", action="append", help="a command line; may be given several times")
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--output", default="cat big.txt", help="the command that writes 10 MB")
    given = parser.parse_args()
    commands = [shlex.split(text) for text in given.command or []] or [[sys.executable, "-m", "vtcode_tui"]]
    print(f"{'':10} {'':24} {'shown s':>7} {'CPU s':>7}")
    with tempfile.TemporaryDirectory() as place, model() as url:
        home, folder = Path(place, "home"), Path(place, "work")
        home.mkdir()
        folder.mkdir()
        lines = "".join(
            f"{n:07} a line of what a build has to say about itself and its many files\n" for n in range(131072)
        )
        (folder / "big.txt").write_text(lines + "END-OF-OUTPUT\n")
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        environment = dict(os.environ) | settings(home, folder, url)
        subprocess.run(
            [sys.executable, "-m", "vtcode_tui", "trust", "grant"],
            cwd=folder, env=environment | {"PYTHONPATH": str(Path.cwd())}, check=True, capture_output=True,
        )  # fmt: skip
        for command in commands:
            try:
                converse(command, folder, environment, given)
            except SystemExit as error:
                print(error)


if __name__ == "__main__":
    main()
