"""The same bytes to tmux and to the screen: both must show the same.

Left out of the generated streams is where tmux differs from xterm on purpose or by accident: halves of overwritten
wide characters, origin mode with margins, deleting lines outside the margins, `CSI 0;0 r`, and steps back from
behind the last column.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pexpect
import pytest

from vtcode_tui.terminal import Screen

COLUMNS, ROWS = 40, 10

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A tmux server of its own with one pane that shows what is written to it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="referee"))
        self.socket = self.folder / "socket"
        self.fifo = self.folder / "bytes"
        self.columns, self.rows = columns, rows
        self._config = self.folder / "config"
        self._config.write_text("set -g status off\nset -g history-limit 1000\nset -g escape-time 0\n")
        self._count = 0

    def __enter__(self) -> Tmux:
        self._run("new-session", "-d", "-s", "main", "-x", str(self.columns), "-y", str(self.rows), "cat")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-f", str(self._config), "-S", str(self.socket), *words],
            capture_output=True,
            check=True,
            env={
                "PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin",
                "LC_ALL": "C.UTF-8",
                "TERM": "xterm-256color",
            },
        )
        return done.stdout.decode("utf-8", "replace")

    def show(self, data: bytes) -> tuple[list[str], tuple[int, int]]:
        """The rows (without blanks at their ends) and the cursor's row and column after these bytes."""
        self._count += 1
        stream = self.folder / f"stream{self._count}"
        stream.write_bytes(data)
        done = f"done{self._count}"
        command = f"stty raw -echo; cat {stream}; tmux -S {self.socket} wait-for -S {done}; exec sleep 60"
        self._run("respawn-pane", "-k", "-t", "main", command)
        self._run("wait-for", done)
        text = self._run("capture-pane", "-p", "-t", "main")
        rows = [row.rstrip(" ") for row in text.split("\n")[: self.rows]]
        y, x = self._run("display-message", "-p", "-t", "main", "#{cursor_y} #{cursor_x}").split()
        return rows + [""] * (self.rows - len(rows)), (int(y), int(x))


@pytest.fixture(scope="module")
def small() -> Iterator[Tmux]:
    with Tmux(COLUMNS, ROWS) as tmux:
        yield tmux


@pytest.fixture(scope="module")
def usual() -> Iterator[Tmux]:
    with Tmux(80, 24) as tmux:
        yield tmux


def picture(data: bytes, columns: int, rows: int) -> tuple[list[str], tuple[int, int]]:
    screen = Screen(columns, rows)
    for at in range(0, len(data), 1000):
        screen.feed(data[at : at + 1000])
    cursor = screen.cursor
    return [screen.text(screen.history + row) for row in range(rows)], (cursor.row, cursor.column)


def stream(seed: int) -> bytes:
    """Text and sequences at random, in one of three kinds."""
    source = random.Random(seed)
    kind = source.choice(["edit", "margins", "wide"])
    alphabet = "ab 漢字é" if kind == "wide" else "abcdef  XYZé"
    out = []
    for _ in range(source.randint(3, 40)):
        if source.random() < 0.35:
            text = "".join(source.choices(alphabet, k=source.randint(1, 25)))
            out.append(text)
            if kind == "edit" and source.random() < 0.2:
                out.append(f"{text}x\x1b[{source.randint(1, 50)}b")
        elif source.random() < 0.2:
            out.append(source.choice(["\r\n", "\r", "\n", "\t", "\x1b[9G\x08"]))
        else:
            n, m = source.randint(0, 12), source.randint(0, 45)
            some = ["m", "31m", "H", f"{n};1H", f"{n}d", f"{n}S", f"{n}T", "J", "2J", "K", "2K"]
            if kind != "wide":
                some += [f"{n}{final}" for final in "ABCEFX@P"] + [
                    f"{m}G\x1b[{n}D",
                    f"{n};{m}H",
                    f"{m}G",
                    "1J",
                    "1K",
                    "Z",
                    "s",
                    "u",
                ]
                some += ["g", "3g"]
            some += [f"{min(n, 5) or 1};{n + 2}r"] if kind == "margins" else []
            some += [f"{n}L", f"{n}M", "?1049h"] if kind == "edit" else []
            sequence = "\x1b[" + source.choice(some)
            if source.random() < 0.1:
                sequence = "\x1b" + source.choice("78MDEH" if kind != "wide" else "78MDE")
            out.append(sequence)
    return "".join(out).encode()


@needs_tmux
@pytest.mark.parametrize("seed", range(60))
def test_generated_streams_look_as_in_tmux(small: Tmux, seed: int) -> None:
    data = stream(seed)
    rows, (y, x) = small.show(data)
    assert picture(data, COLUMNS, ROWS) == (rows, (y, min(x, COLUMNS - 1))), data


def record(argv: list[str], keys: list[str], folder: Path) -> bytes:
    """What a real program writes to a terminal of 80x24 while it is used."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    environment: dict[str, str] = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
    }
    child: pexpect.spawn[bytes] = pexpect.spawn(
        argv[0], argv[1:], dimensions=(24, 80), timeout=20, cwd=str(folder), env=environment, encoding=None
    )
    out = bytearray()
    for key in keys:
        out += quiet(child)
        child.send(key)
    out += quiet(child)
    child.close(force=True)
    return bytes(out)


def quiet(child: pexpect.spawn[bytes]) -> bytes:
    """Everything until the program has written something and then nothing for a while."""
    out = bytearray()
    wait = 5.0
    while True:
        try:
            out += child.read_nonblocking(65536, timeout=wait)
            wait = 0.25
        except (pexpect.TIMEOUT, pexpect.EOF):
            return bytes(out)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    lines = [f"def function_{n}(x):\n    '''漢字 and text'''\n    return x + {n}\n\n" for n in range(60)]
    (tmp_path / "code.py").write_text("import os\n\n" + "".join(lines))
    return tmp_path


VIM = ["vim", "-u", "NONE", "-N", "--cmd", "syntax on | set number t_RV= t_u7= ttimeout ruler nomore"]

SYNTAX = [*VIM, "--cmd", "set cursorline list listchars=tab:>-,trail:. colorcolumn=20"]
COMMIT = "git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm first"

PROGRAMS: dict[str, tuple[list[str], list[str]]] = {
    "vim scrolls and edits": (
        [*VIM, "code.py"],
        ["G", "gg", "\x06", "ohello\x1b", "dd", ":split\r", "\x04", "/return\r", "n"],
    ),
    "vim with many colours": ([*SYNTAX, "code.py"], ["jjjj", ":vsplit\r", "\x17l", "Vjjd", "u", ":%s/x/yyyy/g\r"]),
    "less": (["less", "-N", "code.py"], [" ", " ", "b", "/function_9\r", "G", "g", "jjj"]),
    "git log": (["sh", "-c", f"{COMMIT} && git --no-pager -c color.ui=always log --stat -p | head -60"], []),
    "ls": (["sh", "-c", "mkdir d; ln -s code.py l; ls -laR --color=always; ls --color=always -x /usr/bin"], []),
    "top": (["top", "-d", "0.3", "-n", "3"], []),
    "htop": (["htop", "-d", "3"], ["\x1b[B", "\x1b[B", "t"]),
    "nano": (["nano", "-I", "code.py"], ["\x16", "hello", "\x0b", "\x17"]),
    "python's own prompt": ([sys.executable, "-q"], ["1+1\r", "print('漢字\\u0301')\r", "x = [\r", "1]\r\r"]),
}


@needs_tmux
@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_real_programs_look_as_in_tmux(usual: Tmux, project: Path, name: str) -> None:
    argv, keys = PROGRAMS[name]
    data = record(argv, keys, project)
    rows, _ = usual.show(data)
    ours, _ = picture(data, 80, 24)
    assert ours == rows


@needs_tmux
@pytest.mark.slow
def test_a_progress_bar_looks_as_in_tmux(usual: Tmux, project: Path) -> None:
    script = (
        "import sys\nfor n in range(0, 101, 7):\n"
        "    sys.stdout.write(f'\\r\\x1b[32m{\"█\" * (n // 4):25}\\x1b[0m {n:3}%\\x1b[K')\n"
        "print('\\n🚀 done ✓')"
    )
    data = record([sys.executable, "-c", script], [], project)
    assert picture(data, 80, 24)[0] == usual.show(data)[0]
