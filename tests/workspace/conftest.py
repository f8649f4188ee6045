"""A real overlay for tests: operations on files done directly, or in a layer, by the same small program."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from vtcode_tui.workspace import marks, staging
from vtcode_tui.workspace.changes import ChangeSet, Selection
from vtcode_tui.workspace.layer import Layer
from vtcode_tui.workspace.wire import decode

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_REC, _PRIVATE = 0x4000, 1 << 18
_LIBC = ctypes.CDLL(None, use_errno=True)


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

    def __init__(self, folder: Path, layer: Path | None = None) -> None:
        self.root, self.layer = folder / "ws", Layer(folder / "ws", layer or folder / "layer")
        self.root.mkdir(parents=True)
        self.layer.prepare()

    def direct(self, operations: Operations = (), root: Path | None = None) -> Tree:
        """Do the operations in a real folder; the tree that stands there then."""
        return _in_child(root or self.root, operations, None)

    def staged(self, operations: Operations = ()) -> Tree:
        """Do the operations in the layer; the tree that a run sees then."""
        return _in_child(self.root, operations, self.layer)

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
        shown = self.changes(**{name: value for name, value in how.items() if name != "turn"})
        chosen = {c.path: None for c in shown.files} if selection is None else selection
        answer = self.call("accept", self.layer.accepting(shown, chosen, shown.digest, **how))
        self.layer.told()
        return answer

    def moment(self, worker: str, mark: int, **more: Any) -> dict[str, Any]:
        """The answer of a worker of `marks`; `put` runs where a run does, in the mount."""
        given = {"lower": str(self.root), "folder": str(self.layer.folder), "mark": mark, **more}
        if worker == "put":
            answer: dict[str, Any] = in_mount(self.layer, lambda: marks.put(given, io.BytesIO()))
        else:
            answer = json.loads(json.dumps(getattr(marks, worker)(given, io.BytesIO())))
        assert "error" not in answer, answer
        return answer

    def go_back(self, mark: int, turn: int = 99) -> dict[str, Any]:
        """Bring the layer back to a moment."""
        self.moment("drop", mark)
        answer = self.moment("put", mark)
        self.moment("settle", mark, turn=turn)
        return answer

    def discard(self, selection: Selection | None = None) -> dict[str, Any]:
        """Discard a selection of what is pending now (None: each change)."""
        shown = self.changes()
        chosen = {c.path: None for c in shown.files} if selection is None else selection
        return self.call("discard", self.layer.discarding(shown, chosen, shown.digest))


def _in_child(cwd: Path, operations: Operations, layer: Layer | None) -> Tree:
    def act() -> Tree:
        os.chdir(cwd)
        os.umask(0o022)
        for operation in operations:
            with contextlib.suppress(OSError):
                _do(*operation)
        return _tree()

    tree: Tree = in_mount(layer, act)
    return tree


def in_mount(layer: Layer | None, act: Callable[[], Any]) -> Any:
    """What `act` gives back where the layer is mounted. Forks, for namespaces are a process's own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer = json.dumps("the child broke")
        try:
            os.close(reading)
            if layer is not None:
                _mount(layer)
            answer = json.dumps(act())
        except (OSError, subprocess.CalledProcessError) as error:
            answer = json.dumps(str(error))
        finally:
            # Whatever happens, this process never goes on as a second pytest.
            with os.fdopen(writing, "w") as pipe:
                pipe.write(answer)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    found = json.loads(answer)
    assert not isinstance(found, str), found
    return found


def _mount(layer: Layer) -> None:
    """The overlay as an ordinary user's run has it: in a user and a mount namespace of its own."""
    user, group = os.geteuid(), os.getegid()
    _check(_LIBC.unshare(_NEWUSER | _NEWNS))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _check(_LIBC.mount(b"none", b"/", None, _REC | _PRIVATE, None))
    options = f"lowerdir={layer.lower},upperdir={layer.upper},workdir={layer.work},userxattr"
    _check(_LIBC.mount(b"vtcode", os.fsencode(layer.lower), b"overlay", 0, options.encode()))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _do(operation: str, path: str, word: str = "") -> None:
    match operation:
        case "write" | "append":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with Path(path).open("w" if operation == "write" else "a") as file:
                file.write(word)
        case "remove":
            Path(path).unlink()
        case "rmtree":
            shutil.rmtree(path)
        case "mkdir":
            Path(path).mkdir(parents=True)
        case "move":
            if not Path(word).is_dir():
                with contextlib.suppress(shutil.Error):
                    shutil.move(path, word)
        case "link":
            Path(path).symlink_to(word)
        case "chmod":
            Path(path).chmod(int(word, 8))
        case "shell":
            subprocess.run(["/bin/sh", "-c", path], check=True)


def _tree() -> Tree:
    found: Tree = {}
    for path in Path().rglob("*"):
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            found[str(path)] = ["link", str(path.readlink())]
        elif stat.S_ISDIR(info.st_mode):
            found[str(path)] = ["folder", stat.S_IMODE(info.st_mode)]
        elif stat.S_ISREG(info.st_mode):
            content = path.read_bytes().decode(errors="surrogateescape")
            found[str(path)] = ["file", stat.S_IMODE(info.st_mode), content]
    return found


@pytest.fixture(scope="session")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where this machine lets nobody mount an overlay."""
    bench = Bench(tmp_path_factory.mktemp("overlay") / "probe")
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
