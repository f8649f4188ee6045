"""A real overlay for tests: operations on files done directly, or in a layer, by the same small program."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from vtcode_tui.workspace import staging
from vtcode_tui.workspace.changes import ChangeSet, Selection
from vtcode_tui.workspace.layer import Layer
from vtcode_tui.workspace.wire import decode

OPERATIONS = r"""
import json, os, shutil, sys
def do(op, *words):
    try:
        match op:
            case "write":
                os.makedirs(os.path.dirname(words[0]) or ".", exist_ok=True)
                with open(words[0], "w") as file: file.write(words[1])
            case "append":
                with open(words[0], "a") as file: file.write(words[1])
            case "remove": os.unlink(words[0])
            case "rmtree": shutil.rmtree(words[0])
            case "mkdir": os.makedirs(words[0])
            case "move":
                if not os.path.isdir(words[1]): shutil.move(words[0], words[1])
            case "link": os.symlink(words[1], words[0])
            case "chmod": os.chmod(words[0], int(words[1], 8))
            case "shell": assert os.system(words[0]) == 0
    except OSError:
        pass
def tree():
    found = {}
    for folder, folders, files in os.walk("."):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if os.path.islink(path): found[path[2:]] = ["link", os.readlink(path)]
            elif os.path.isdir(path): found[path[2:]] = ["folder", info.st_mode & 0o7777]
            elif not os.path.isfile(path): found[path[2:]] = ["special"]
            else: found[path[2:]] = ["file", info.st_mode & 0o7777, open(path, errors="surrogateescape").read()]
    return found
os.umask(0o022)
for op in json.loads(sys.argv[1]): do(*op)
print(json.dumps(tree()))
"""

MOUNT = 'mount -t overlay vtcode -o "lowerdir=$1,upperdir=$2,workdir=$3,userxattr" "$1" && cd "$1" && shift 3 && exec "$@"'
Operations: TypeAlias = Sequence[Sequence[str]]
START: Operations = (
    ("write", "a.txt", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"),
    ("write", "b.txt", "b\n"),
    ("write", "d/c.txt", "c\n"),
    ("write", "d/e/f.txt", "f\n"),
    ("write", "d/e/g.txt", "g\n"),
    ("write", "run.sh", "echo\n"),
    ("chmod", "run.sh", "755"),
    ("link", "link", "a.txt"),
    ("mkdir", "empty"),
)
Tree: TypeAlias = dict[str, list[Any]]


class Bench:
    """A workspace with a layer over it, and the workers that handle the layer."""

    def __init__(self, folder: Path) -> None:
        self.root, self.layer = folder / "ws", Layer(folder / "ws", folder / "layer")
        self.root.mkdir(parents=True)
        self.layer.prepare()

    def direct(self, operations: Operations = (), root: Path | None = None) -> Tree:
        """Do the operations in a real folder; the tree that stands there then."""
        return _run([], root or self.root, operations)

    def staged(self, operations: Operations = ()) -> Tree:
        """Do the operations in the layer; the tree that a run sees then."""
        words = [
            "unshare",
            "-rm",
            "sh",
            "-c",
            MOUNT,
            "sh",
            str(self.root),
            str(self.layer.upper),
            str(self.layer.work),
        ]
        return _run(words, self.root, operations)

    def call(self, worker: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer, through JSON as in the sandbox."""
        given = json.loads(json.dumps(arguments))
        answer: dict[str, Any] = json.loads(json.dumps(getattr(staging, worker)(given, io.BytesIO())))
        return answer

    def changes(self, **how: bool) -> ChangeSet:
        """The change set of the layer."""
        answer = self.call("scan", self.layer.arguments(**how))
        assert "error" not in answer, answer
        return decode(answer["changes"])

    def accept(self, selection: Selection | None = None, **how: Any) -> dict[str, Any]:
        """Accept a selection of what is pending now (None: everything)."""
        shown = self.changes(**{k: v for k, v in how.items() if k != "overwrite"})
        chosen = {c.path: None for c in shown.files} if selection is None else selection
        return self.call("accept", self.layer.accepting(shown, chosen, shown.digest, **how))

    def discard(self, selection: Selection | None = None) -> dict[str, Any]:
        """Discard a selection of what is pending now (None: each change)."""
        shown = self.changes()
        chosen = {c.path: None for c in shown.files} if selection is None else selection
        return self.call("discard", self.layer.discarding(shown, chosen, shown.digest))


def _run(prefix: Sequence[str], cwd: Path, operations: Operations) -> Tree:
    program = [sys.executable, "-I", "-S", "-c", OPERATIONS, json.dumps(operations)]
    done = subprocess.run([*prefix, *program], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tree: Tree = json.loads(done.stdout)
    return tree


@pytest.fixture(scope="session")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where this machine lets nobody mount an overlay."""
    bench = Bench(tmp_path_factory.mktemp("overlay") / "probe")
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    try:
        bench.staged()
    except AssertionError as error:
        pytest.skip(f"no overlay can be mounted here: {error}")


@pytest.fixture
def bench(tmp_path: Path, overlays: None) -> Bench:
    """A workspace with a few files and an empty layer."""
    made = Bench(tmp_path / "bench")
    made.direct(START)
    return made


@pytest.fixture
def benches(tmp_path_factory: pytest.TempPathFactory, overlays: None) -> Callable[[], Bench]:
    """Makes a fresh one at each call."""

    def make() -> Bench:
        made = Bench(tmp_path_factory.mktemp("bench") / "b")
        made.direct(START)
        return made

    return make
