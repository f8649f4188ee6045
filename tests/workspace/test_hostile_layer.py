"""What a run that wants to deceive or to break leaves in its layer, and what becomes of it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.workspace.conftest import Bench, in_mount
from vtcode_tui.common.errors import StaleFileError
from vtcode_tui.workspace.beneath import Beneath
from vtcode_tui.workspace.wire import decode

_LIBC = ctypes.CDLL(None, use_errno=True)
_EXCHANGE, _WHITEOUT = 2, 4


def in_layer(bench: Bench, act: Callable[[], Any]) -> Any:
    """What `act` gives back in the layer, where it begins in the workspace."""

    def there() -> Any:
        os.chdir(bench.root)
        return act()

    return in_mount(bench.layer, there)


def deep(depth: int) -> list[str]:
    """Make a folder in a folder, so deep that no path leads there."""
    Path("seen").write_text("s")
    for _ in range(depth):
        Path("a").mkdir()
        os.chdir("a")
    Path("bottom").write_text("b")
    return []


@pytest.fixture
def deepest(bench: Bench) -> Iterator[Bench]:
    """A bench in which nothing deep stays behind: what clears up after tests would break at it."""
    yield bench
    subprocess.run(["rm", "-rf", str(bench.layer.folder)], check=True)


def shown(bench: Bench) -> set[str]:
    return {change.path for change in bench.changes().files}


@pytest.mark.parametrize("depth", [250, 1200, 3000])
def test_a_tree_too_deep_for_any_path_hides_nothing_else_and_can_be_thrown_away(deepest: Bench, depth: int) -> None:
    bench = deepest
    before = bench.direct()
    in_layer(bench, lambda: deep(depth))
    answer = bench.call("scan", bench.layer.arguments())
    assert "error" not in answer, answer
    assert "seen" in {row["path"] for row in answer["changes"]["files"]}
    assert any(path.startswith("a/a/") for path in answer["special"])
    assert bench.accept({"seen": None})["done"] == ["seen"]
    everything = bench.changes()
    assert "error" not in bench.call("discard", bench.layer.discarding(everything, None, everything.digest))
    assert list(bench.layer.upper.iterdir()) == []
    (bench.root / "seen").unlink()
    assert bench.direct() == before


def test_files_of_gigabytes_of_nothing_are_named_and_not_read(bench: Bench) -> None:
    def make() -> list[str]:
        for name in ("big", "d/big"):
            with Path(name).open("wb") as file:
                file.truncate(7 << 30)
        with Path("small").open("wb") as file:
            file.truncate(1 << 20)
        return []

    in_layer(bench, make)
    answer = bench.call("scan", bench.layer.arguments())
    assert ({row["path"] for row in answer["changes"]["files"]}, answer["special"]) == ({"small"}, ["big", "d/big"])


def test_a_session_with_a_tree_too_deep_for_any_path_can_be_removed(deepest: Bench) -> None:
    in_layer(deepest, lambda: deep(2500))
    deepest.layer.remove()
    assert not deepest.layer.folder.exists()


NAMES = [
    b"line\nbreak",
    b"\x1b[2J\x1b]0;title\x07",
    b"not \xff\xfe utf-8",
    b"\xe2\x80\xaetxt.exe",
    b"x" * 255,
    b"-rf",
    b" ",
    b"a\\b",
    b"*",
]


def test_hostile_names_reach_the_workspace_as_they_are(bench: Bench) -> None:
    def make() -> list[str]:
        for name in NAMES:
            Path(os.fsdecode(name)).write_text("x")
            folder = Path(os.fsdecode(b"in-" + name[:200]))
            folder.mkdir()
            (folder / os.fsdecode(name)).write_text("y")
        return []

    in_layer(bench, make)
    assert len(bench.changes().files) == 2 * len(NAMES)
    assert bench.accept()["failed"] == {}
    for name in NAMES:
        assert (bench.root / os.fsdecode(name)).read_text() == "x"
        assert (bench.root / os.fsdecode(b"in-" + name[:200]) / os.fsdecode(name)).read_text() == "y"
    assert bench.changes().files == ()


def _refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return True
    return False


def test_a_run_cannot_write_the_kernels_own_marks(bench: Bench) -> None:
    """A forged whiteout or opaque mark would hide or delete real files without a deletion that anybody is shown."""

    def forge() -> list[Any]:
        told: list[Any] = [_refused(lambda: os.mknod("ghost", 0o020644, os.makedev(0, 0)))]
        for space in ("user", "trusted"):
            for name in ("opaque", "whiteout", "redirect", "metacopy", "origin"):
                for path in ("d", "a.txt"):
                    _refused(partial(os.setxattr, path, f"{space}.overlay.{name}", b"y"))
        told.append(_LIBC.syscall(316, -100, b"b.txt", -100, b"b2.txt", _WHITEOUT) != 0)
        Path("empty-file").touch()
        _refused(lambda: os.setxattr("empty-file", "user.overlay.whiteout", b"y"))
        told.append(sorted(path.name for path in Path("d").iterdir()))
        return told

    mknod, whiteout, names = in_layer(bench, forge)
    assert mknod
    assert whiteout
    assert names == ["c.txt", "e"]
    seen = bench.staged()
    assert {"d/c.txt", "d/e/f.txt", "d/e/g.txt", "a.txt", "b.txt"} <= set(seen)
    assert shown(bench) == {"empty-file"}
    assert bench.accept()["failed"] == {}
    assert bench.direct() == seen
    for path in bench.root.rglob("*"):
        assert os.listxattr(path, follow_symlinks=False) == []


def test_files_and_folders_that_change_places_in_one_call_are_shown_for_what_they_are(bench: Bench) -> None:
    def swap() -> list[str]:
        Path("made").mkdir()
        Path("made/x").write_text("x")
        assert _LIBC.syscall(316, -100, b"a.txt", -100, b"made", _EXCHANGE) == 0
        assert _LIBC.syscall(316, -100, b"b.txt", -100, b"run.sh", _EXCHANGE) == 0
        return []

    in_layer(bench, swap)
    wanted = bench.staged()
    assert wanted["a.txt/x"][2] == "x"
    assert wanted["b.txt"][1] == 0o755
    assert bench.accept()["failed"] == {}
    assert bench.direct() == wanted


def test_pipes_and_sockets_in_the_place_of_files_are_named_and_touch_nothing(bench: Bench) -> None:
    before = bench.direct()

    def replace() -> list[str]:
        Path("a.txt").unlink()
        os.mkfifo("a.txt")
        Path("b.txt").unlink()
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("b.txt")
        Path("run.sh").write_text("seen\n")
        return []

    in_layer(bench, replace)
    answer = bench.call("scan", bench.layer.arguments())
    assert answer["special"] == ["a.txt", "b.txt"]
    assert shown(bench) == {"run.sh"}
    assert bench.accept()["failed"] == {}
    after = bench.direct()
    assert after.pop("run.sh")[2] == "seen\n"
    before.pop("run.sh")
    assert after == before


def test_a_file_that_grows_while_it_is_taken_is_not_taken(bench: Bench) -> None:
    in_layer(bench, lambda: (Path("log").write_text("first\n"), [])[1])
    changes = bench.changes(live=True)
    arguments = bench.layer.accepting(changes, {"log": None}, changes.digest, live=True)
    with (bench.layer.upper / "log").open("a") as file:
        file.write("more\n")
    assert "not what was on the screen" in bench.call("accept", arguments)["error"]
    assert not (bench.root / "log").exists()


def test_a_folder_that_lets_others_write_is_a_change_of_its_own(bench: Bench) -> None:
    def make() -> list[str]:
        os.umask(0)
        for name, mode in (("open", 0o777), ("group", 0o2775), ("plain", 0o755), ("private", 0o700)):
            Path(name).mkdir()
            Path(name, "x").write_text("x")
            Path(name).chmod(mode)
        return []

    in_layer(bench, make)
    found = {c.path: (c.op, c.after_mode) for c in bench.changes().files if c.kind == "folder"}
    assert found == {"open": ("create", 0o777), "group": ("create", 0o2775)}
    assert bench.accept({"open/x": None, "private/x": None, "group/x": None, "group": None})["failed"] == {}
    modes = {name: (bench.root / name).stat().st_mode & 0o7777 for name in ("open", "private", "group")}
    assert modes == {"open": 0o755, "private": 0o700, "group": 0o2775}
    assert bench.accept()["failed"] == {}
    assert (bench.root / "open").stat().st_mode & 0o7777 == 0o777
    assert bench.changes().files == ()


def test_what_a_person_saves_while_an_acceptance_is_writing_that_file_is_kept(bench: Bench) -> None:
    in_layer(bench, lambda: (Path("a.txt").write_bytes(os.urandom(1 << 16) * 512), [])[1])
    changes = bench.changes()
    arguments = bench.layer.accepting(changes, {"a.txt": None}, changes.digest)
    pid = os.fork()
    if pid == 0:
        try:
            bench.call("accept", arguments)
        finally:
            os._exit(0)
    while not any(bench.root.glob(".vtcode-tmp-*")):
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "it ended before the file was seen being written"
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)
    assert any(bench.root.glob(".vtcode-tmp-*")), "it was stopped while it wrote"
    (bench.root / "a.txt").write_text("a person's\n")
    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)
    assert (bench.root / "a.txt").read_text() == "a person's\n"
    assert not any(bench.root.glob(".vtcode-tmp-*"))
    assert only_conflict(bench) == "a.txt"


def only_conflict(bench: Bench) -> str:
    (change,) = bench.changes().files
    assert change.conflict
    return change.path


def test_a_file_that_a_run_goes_on_writing_does_not_keep_an_acceptance_busy(bench: Bench) -> None:
    (bench.layer.upper / "log").write_bytes(b"x" * (3 << 20))
    with Beneath(bench.layer.upper) as up:
        entry = up.entry("log")
        assert entry is not None
        pieces = up.pieces("log", entry.sha256, entry.size)
        with (bench.layer.upper / "log").open("ab") as file, pytest.raises(StaleFileError):
            for _ in range(10):
                file.write(next(pieces))
                file.flush()


def exchanged(bench: Bench, name: str, contents: list[str], act: Callable[[], Any]) -> Any:
    """What `act` gives back while a run that lives puts the next content in place before each look at a file."""
    later = iter(contents)

    def exchange(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[0] == name and (content := next(later, None)) is not None:
            other = bench.layer.upper / ".other"
            other.write_text(content)
            other.rename(bench.layer.upper / name)

    def there() -> Any:
        sys.addaudithook(exchange)  # for good, which is why another process does it
        return act()

    return in_mount(None, there)


@pytest.mark.parametrize("looks", range(6))
def test_what_is_shown_and_taken_is_what_its_hash_says_though_a_run_exchanges_the_file(
    bench: Bench, looks: int
) -> None:
    """Else a person accepts, by its hash, what was never on the screen."""
    begin = bench.direct()["a.txt"][2]
    good, evil = (begin.replace("one\n", f"{word}\n").replace("eight", "8") for word in ("good", "evil"))
    in_layer(bench, lambda: Path("a.txt").write_text(good))
    scan = partial(bench.call, "scan", bench.layer.arguments(live=True))
    for contents in ([good] * looks + [evil], [evil] * looks + [good]):
        (change,) = decode(exchanged(bench, "a.txt", contents, scan)["changes"]).files
        assert sha256(change.new_text).hexdigest() == change.after_sha256
    (bench.layer.upper / "a.txt").write_text(good)
    shown = bench.changes()
    chosen = bench.layer.accepting(shown, {"a.txt": frozenset({0})}, shown.digest, live=True)
    contents = [good] * looks + [evil, good]
    answer = exchanged(bench, "a.txt", contents, partial(bench.call, "accept", chosen))
    taken = (bench.root / "a.txt").read_text()
    assert taken == (begin.replace("one\n", "good\n") if answer.get("done") else begin)
