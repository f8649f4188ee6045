"""What bash really executes, recorded inside the sandbox by two independent witnesses.

`set -x` (switched on in every shell by BASH_ENV) writes the words of each simple command after every expansion,
builtins and subshells included. A folder of recording programs, which is the whole PATH, notes every program that
is started with its words, folder and environment; those that wrap others then become the real one.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lent import lent
from vtcode_tui.sandbox import Execute, Grant, Limits, Profile

PRINTERS = ("ls", "cat", "grep", "wc", "head", "sort", "rm", "git", "rg", "jq", "python3", "sudo")
WRAPPERS = ("env", "timeout", "nice", "nohup", "xargs", "find", "stdbuf", "setsid")
SHELLS = ("sh", "bash")
FILES = {
    "a.txt": "alpha\n",
    "b.txt": "beta two\n",
    "src/c.py": "x = 1\n",
    "src/deep/d.py": "",
    "two words.txt": "t\n",
}
MARK = "TRACE:"

_RECORD = """\
#!/bin/bash -p
{ printf '%s\\0' BEGIN "$(pwd -P)" "$#" "${0##*/}" "$@"
  for name in $(compgen -e); do printf '%s\\0' "$name" "${!name}"; done
  printf 'END\\0'; } > "$LOG.$BASHPID.$RANDOM"
"""
_DRIVER = """\
cd "$1" || exit 9
for case in */; do
  case=${case%/}
  cd "$1/$case/work" || exit 9
  env -i PATH="$1/../bin" HOME=/home/dev LOG="$1/$case/log" BASH_ENV="$1/../bin/.trace" \\
    "$2" -k 1 20 /bin/bash --norc --noprofile -c "$(cat ../text)" \\
    < /dev/null > ../out 2> ../err 9> ../trace
done
exit 0
"""


@dataclass(frozen=True, slots=True)
class Started:
    """A program that was started: its words, where, and what its environment was."""

    words: tuple[str, ...]
    folder: str
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Trace:
    """What one text did: `shell` are the traced words of every simple command, `written` the files it made."""

    folder: str
    shell: tuple[tuple[str, ...], ...]
    started: tuple[Started, ...]
    written: tuple[str, ...]


def traced(texts: list[str], place: Path) -> list[Trace]:
    """Run every text by bash in one sandboxed run; `place` is an empty folder outside any workspace."""
    shutil.rmtree(place, ignore_errors=True)
    cases, programs = place / "cases", place / "bin"
    programs.mkdir(parents=True)
    for name in (*PRINTERS, *WRAPPERS, *SHELLS):
        (programs / name).write_text(_RECORD + _body(name))
        (programs / name).chmod(0o755)
    (programs / ".trace").write_text("PS4=+TRACE:; BASH_XTRACEFD=9; set -x\n")
    for number, text in enumerate(texts):
        work = cases / f"{number:04}" / "work"
        for file, content in FILES.items():
            (work / file).parent.mkdir(parents=True, exist_ok=True)
            (work / file).write_text(content)
        (work.parent / "text").write_text(text)
    status = asyncio.run(_run(place, cases))
    assert status == 0, f"the driver ended with {status}"
    return [_trace(cases / f"{number:04}") for number in range(len(texts))]


def _body(name: str) -> str:
    if name in SHELLS:
        return 'exec /bin/bash "$@"\n'
    if name in WRAPPERS:
        return f'exec "$(PATH=/usr/bin:/bin type -P {name})" "$@"\n'
    return "printf '%s\\n' a.txt src\n"


async def _run(place: Path, cases: Path) -> int:
    spawner = lent(tier="full")
    try:
        profile = Profile("test", place, writable=(place,), limits=Limits(wall_seconds=600.0))
        argv = (
            "bash",
            "--norc",
            "-c",
            _DRIVER,
            "driver",
            str(cases),
            shutil.which("timeout", path="/usr/bin:/bin") or "",
        )
        expires = time.monotonic_ns() + 600 * 10**9
        grant = Grant(
            secrets.token_hex(8), "call", "", Execute(argv, Path("/bin/bash")), place, profile, expires, ()
        )
        flight = await spawner.run(grant)
        output = b"".join([piece async for piece in flight.output()])
        outcome = await flight.wait()
        assert not output.strip(), output.decode(errors="replace")
        return outcome.exit_code if outcome.exit_code is not None else -1
    finally:
        await spawner.close()


def _trace(case: Path) -> Trace:
    work = case / "work"
    shell = tuple(c for c in commands_of((case / "trace").read_text("latin-1")) if c and c != ("set", "-x"))
    started = tuple(sorted((s for log in case.glob("log.*") if (s := _started(log))), key=lambda s: s.words))
    written = tuple(
        str(path.relative_to(work))
        for path in sorted(work.rglob("*"))
        if path.is_file() and FILES.get(str(path.relative_to(work))) != path.read_text(errors="replace")
    )
    return Trace(str(work), shell, started, written)


def _started(log: Path) -> Started | None:
    parts = log.read_bytes().decode(errors="surrogateescape").split("\0")
    if parts[0] != "BEGIN" or len(parts) < 3 or len(parts) < 5 + int(parts[2]):
        # It was ended before it could say what it is; what it was started as is in the shell's own trace.
        return None
    count = int(parts[2]) + 1
    words, pairs = parts[3 : 3 + count], parts[3 + count : -2] if parts[-2] == "END" else []
    return Started(tuple(words), parts[1], dict(zip(pairs[::2], pairs[1::2], strict=True)))


def commands_of(text: str) -> Iterator[tuple[str, ...]]:
    """The commands that bash printed, each in a form that it would read again."""
    at = 0
    while at < len(text):
        while text[at : at + 1] == "+":
            at += 1
        if text.startswith(MARK, at):
            words, at = _words(text, at + len(MARK))
            yield words[1:] if words[:1] == ("COPROC",) else words
        else:
            # An operand of `[[` with a line end in it is printed as it is.
            at = text.find("\n", at) + 1 or len(text)


def _words(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """The words up to the next line end that is not quoted, and where the next command is."""
    words: list[str] = []
    word: list[str] | None = None
    while at < len(text):
        char = text[at]
        if char in " \n":
            if word is not None:
                words.append("".join(word))
            word = None
            at += 1
            if char == "\n":
                break
            continue
        word = [] if word is None else word
        if char == "'":
            end = text.index("'", at + 1)
            word.append(text[at + 1 : end])
            at = end + 1
        elif text.startswith("$'", at):
            piece, at = _dollar(text, at + 2)
            word.append(piece)
        elif char == "\\" and at + 1 < len(text):
            word.append(text[at + 1])
            at += 2
        else:
            word.append(char)
            at += 1
    # Bash writes what its locale cannot show as one code for each byte.
    return tuple(w.encode("latin-1").decode(errors="surrogateescape") for w in words), at


def _dollar(line: str, at: int) -> tuple[str, int]:
    out: list[str] = []
    plain = {"n": "\n", "t": "\t", "E": "\x1b", "a": "\a", "b": "\b", "r": "\r", "f": "\f", "v": "\v"}
    while line[at] != "'":
        if line[at] != "\\":
            out.append(line[at])
            at += 1
        elif line[at + 1] in "01234567":
            out.append(chr(int(line[at + 1 : at + 4], 8)))
            at += 4
        else:
            out.append(plain.get(line[at + 1], line[at + 1]))
            at += 2
    return "".join(out), at + 1


def dump(trace: Trace) -> str:
    """A trace for people."""
    return json.dumps([trace.shell, [(s.words, s.folder) for s in trace.started], trace.written], indent=1)
