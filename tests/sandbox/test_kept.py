"""The layer that stays mounted between runs: each sees what a run in a new mount would see."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from tests.sandbox.test_reserve import children, supervisor_of, until
from vtcode_tui.sandbox import Profile, Spawner, Staging, Tier
from vtcode_tui.sandbox.inner import ground
from vtcode_tui.sandbox.inner.vigil import Mounts, Unwatchable

pytestmark = [pytest.mark.kernel, pytest.mark.own_spawner]

LOOK = """
import json, os, stat, sys
found = {}
for folder, folders, files in os.walk("."):
    for name in [".", *folders, *files]:
        path = os.path.relpath(os.path.join(folder, name))
        known = os.lstat(path)
        row = [stat.S_IFMT(known.st_mode), stat.S_IMODE(known.st_mode), 0, ""]
        if stat.S_ISREG(known.st_mode):
            with open(path, "rb") as file:
                row[2:] = [known.st_size, file.read().decode("latin-1")]
                if os.path.isdir(sys.argv[1]):
                    copy = os.open(sys.argv[1], os.O_TMPFILE | os.O_RDWR)
                    assert os.copy_file_range(file.fileno(), copy, 1 << 20, 0) == known.st_size, path
                    os.close(copy)
            row.append(os.access(path, os.X_OK))
        elif stat.S_ISLNK(known.st_mode):
            row[3] = os.readlink(path)
        elif stat.S_ISDIR(known.st_mode):
            row[3] = sorted(name for name in os.listdir(path) if not name.startswith("own"))
        found[path] = row
json.dump(found, sys.stdout)
"""

CHANGES = {
    "a file that is written in place": "echo more >> a/grows",
    "a file that is cut off": ": > a/b/shrinks",
    "a file that is replaced, as editors save": "echo saved > a/.new; mv a/.new a/saved",
    "a file that is replaced by one from outside": "mv ../outside/other a/there",
    "a file that is deleted": "rm a/goes",
    "a file that comes": "echo new > a/b/new",
    "a file without a name that gets one": "python3 -c \"import ctypes, os; f = os.open('a', os.O_TMPFILE | 2);"
    "assert not ctypes.CDLL(None).linkat(-100, b'/proc/self/fd/%d' % f, -100, b'a/named', 0x400)\"",
    "a folder that comes, with files": "mkdir -p a/new/inner; echo x > a/new/inner/file",
    "a folder that is deleted": "rm -r a/folder",
    "a folder that moves": "mv a/moves b-moved",
    "a folder that takes another's place": "mv a/b2 ../outside; mv a/b3 a/b2",
    "two names that are exchanged": 'python3 -c "import ctypes; assert not ctypes.CDLL(None).'
    "renameat2(-100, b'a/x', -100, b'a/y', 2)\"",
    "a file that becomes a folder": "rm a/kind; mkdir a/kind; echo x > a/kind/inner",
    "a folder that becomes a file": "rm -r a/kind2; echo x > a/kind2",
    "a file that becomes a link": "rm a/kind3; ln -s saved a/kind3",
    "a link that leads elsewhere": "ln -sfn b a/link",
    "a file's mode": "chmod 755 a/mode",
    "a folder's mode": "chmod 750 a/b/c",
    "an edit by another name outside": "echo more >> ../outside/linked",
    "a mode by another name outside": "chmod 711 ../outside/linked2",
    "a name that comes and goes": "touch a/t; rm a/t",
}
QUIET = {
    "reading": "cat a/saved a/b/shrinks; ls -lR .; find . -name HEAD; cp a/saved ../outside/copy",
    "what lies elsewhere": "touch ../outside/new; mkdir ../outside/folder; echo x >> ../outside/other",
}


@pytest.fixture
def tier() -> Tier:
    return "full"


@pytest.fixture
def staged(profile: Profile, tmp_path: Path) -> Profile:
    upper, work = tmp_path / "layer/upper", tmp_path / "layer/work"
    for path in (upper, work):
        path.mkdir(parents=True)
    return replace(profile, staging=Staging(profile.workspace, upper, work))


@pytest.fixture
def tree(workspace: Path) -> Path:
    outside = workspace.parent / "outside"
    for folder in ("a/b/c", "a/folder/deep", "a/moves", "a/b2", "a/b3", "a/kind2"):
        (workspace / folder).mkdir(parents=True)
    outside.mkdir()
    (outside / "other").write_text("other")
    names = (
        "a/grows a/b/shrinks a/saved a/goes a/folder/deep/f a/moves/f a/b2/two a/b3/three a/x a/y a/kind a/kind2/f"
    )
    for name in [*names.split(), "a/kind3", "a/mode", "a/there", "a/linked", "a/linked2"]:
        (workspace / name).write_text(name * 3)
    (workspace / "a/link").symlink_to("saved")
    for name in ("linked", "linked2"):
        (outside / name).hardlink_to(workspace / "a" / name)
    return workspace


def named(pid: int) -> str:
    """What a process calls itself; nothing once it has gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def holders(spawner: Spawner) -> list[int]:
    """The processes that mounted a layer before a run wanted it."""
    return [pid for pid in children(spawner.pid) if named(pid) == "vtcode-kept"]


def mounted_ahead(spawner: Spawner) -> int:
    """The holder of a layer without a run, once there is one that has looked at all names."""
    found: list[int] = []

    def ready() -> bool:
        found[:] = holders(spawner)
        with contextlib.suppress(OSError):  # it has gone since, because somebody mounted something
            return len(found) == 1 and not children(found[0])
        return False

    until(ready)
    return found[0]


def still_holds(spawner: Spawner, holder: int, mounts: Mounts) -> bool:
    """Whether the layer is mounted as it was, which nobody can promise when others mount something meanwhile."""
    return holders(spawner) == [holder] or mounts.changed()


def gone(spawner: Spawner, holder: int) -> bool:
    return holder not in holders(spawner)


def seen_by(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(text)
    return {path: row for path, row in found.items() if not path.startswith("own")}


def outside_view(tree: Path) -> dict[str, object]:
    words = ["python3", "-c", LOOK, "/nowhere"]
    return seen_by(subprocess.run(words, cwd=tree, check=True, capture_output=True, text=True).stdout)


def surveyed(profile: Profile) -> ground.Ground:
    assert profile.staging is not None
    folders = [str(path) for path in (profile.staging.lower, profile.staging.upper, profile.staging.work)]
    found = ground.Ground(folders)
    ground.survey(found.notes, folders[0], lambda: False)
    found.surveyed = True
    return found


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_any_kind_below_a_layer_is_noted(staged: Profile, tree: Path, change: str) -> None:
    watched = surveyed(staged)
    assert watched.is_still()
    subprocess.run(["bash", "-ec", change], cwd=tree, check=True)
    assert not watched.is_still()
    watched.close()


@pytest.mark.parametrize("work", QUIET.values(), ids=QUIET)
def test_work_that_changes_nothing_below_a_layer_is_not_noted(staged: Profile, tree: Path, work: str) -> None:
    watched = surveyed(staged)
    subprocess.run(["bash", "-ec", work], cwd=tree, check=True, capture_output=True)
    assert watched.is_still()
    watched.close()


def test_folders_that_take_the_place_of_those_that_were_watched_prove_nothing(staged: Profile, tree: Path) -> None:
    watched = surveyed(staged)
    (tree.parent / "layer").rename(tree.parent / "moved")
    assert not watched.is_still()
    shutil.copytree(tree.parent / "moved", tree.parent / "layer")
    assert not watched.is_still()
    watched.close()


def test_more_folders_than_are_watched_prove_nothing(
    staged: Profile, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "_MOST", 8)
    with pytest.raises(Unwatchable):
        surveyed(staged)


def test_a_run_does_not_wait_for_a_survey(staged: Profile, tree: Path) -> None:
    assert staged.staging is not None
    found = ground.Ground([str(tree)] * 3)
    with pytest.raises(Unwatchable):
        ground.survey(found.notes, str(tree), lambda: True)
    found.close()


async def test_a_row_of_runs_sees_in_one_mount_what_a_human_sees_and_after_a_change_what_was_changed(
    spawner: Spawner, finish: Finish, staged: Profile, tree: Path
) -> None:
    async def look() -> dict[str, object]:
        text, outcome = await finish(grant_for(staged, "python3", "-c", LOOK, "."))
        assert outcome.exit_code == 0, text
        return seen_by(text)

    await finish(grant_for(staged, "sh", "-c", "echo 0 > own"))
    changes = list(CHANGES.values())
    for number in range(2):
        mounts, kept = Mounts(), mounted_ahead(spawner)
        for _ in range(2):
            assert await look() == outside_view(tree)
            await finish(grant_for(staged, "sh", "-c", f"mv own own2; mv own2 own; echo {number} >> own"))
        assert still_holds(spawner, kept, mounts)
        # Changes of which each alone would end the mount are in the unit test; here what is seen afterwards counts.
        for change in changes[number::2]:
            subprocess.run(["bash", "-ec", change], cwd=tree, check=True)
        assert await look() == outside_view(tree)
        until(partial(gone, spawner, kept))
    text, _ = await finish(grant_for(staged, "cat", "own"))
    assert text == "0\n0\n0\n1\n1\n"


async def test_what_a_worker_does_to_the_layers_own_folders_is_seen_by_the_next_run(
    spawner: Spawner, finish: Finish, staged: Profile, workspace: Path, tmp_path: Path
) -> None:
    (workspace / "file").write_text("real")
    await finish(grant_for(staged, "sh", "-c", "echo changed > file; mkdir d; echo x > d/own"))
    mounted_ahead(spawner)
    for discards, left in (
        ("rm upper/file upper/d/own", "reald\nfile\n"),
        ("echo more > upper/d/new", "reald\nfile\nnew\n"),
        ("rm -r upper/d", "realfile\n"),
    ):
        await finish(grant_for(staged, "sh", "-c", "cat file; ls -l . d"))
        worker = replace(staged, staging=None, writable=(tmp_path / "layer",), readable=(workspace,))
        _, outcome = await finish(grant_for(worker, "sh", "-c", f"cd {tmp_path}/layer; {discards}"))
        assert outcome.exit_code == 0
        text, _ = await finish(grant_for(staged, "sh", "-c", "cat file; ls . ; test -e d && ls d"))
        assert text == left


async def test_a_run_that_begins_while_a_worker_writes_to_the_layer_is_in_a_mount_of_its_own(
    spawner: Spawner, finish: Finish, staged: Profile, workspace: Path, tmp_path: Path
) -> None:
    await finish(grant_for(staged, "sh", "-c", "echo layer > own"))
    mounted_ahead(spawner)
    writing = replace(staged, staging=None, writable=(tmp_path / "layer",), readable=(workspace,))
    script = f"read line; rm {tmp_path}/layer/upper/own; echo; read line"
    worker = await spawner.run(grant_for(writing, "sh", "-c", script), stdin="pipe")
    assert (await finish(grant_for(staged, "cat", "own")))[0] == "layer\n"
    worker.write(b"\n")
    await asyncio.to_thread(until, lambda: not (tmp_path / "layer/upper/own").exists())
    assert (await finish(grant_for(staged, "ls")))[0] == ""
    worker.close_input()
    await worker.wait()
    assert (await finish(grant_for(staged, "ls")))[0] == ""


async def test_nothing_that_a_run_left_in_the_mount_is_there_for_the_next(
    spawner: Spawner, finish: Finish, staged: Profile, workspace: Path
) -> None:
    (workspace / "secret").write_text("masked")
    (workspace / "guarded").write_text("as it was")
    (workspace / "locked").write_text("x")
    await finish(grant_for(staged, "true"))
    mounts, kept = Mounts(), mounted_ahead(spawner)
    leaves = (
        "import fcntl, mmap, os, time\n"
        "if os.fork() == 0:\n"
        " os.setsid(); os.mkdir('stays'); os.chdir('stays')\n"
        " file = open('../locked', 'r+b'); fcntl.flock(file, 2); held = mmap.mmap(file.fileno(), 1)\n"
        " open('../ready', 'w').close()\n"
        " while True: open('../alive', 'a').write('x'); held[0] = 120; time.sleep(0.001)\n"
        "while not os.path.exists('ready'): time.sleep(0.001)\n"
        "print(open('secret').read(), end='')\n"
        "try: open('guarded', 'w')\nexcept OSError: print('refused')"
    )
    narrow = replace(staged, protected=(workspace / "guarded",), hidden=(workspace / "secret",))
    text, outcome = await finish(grant_for(narrow, "python3", "-c", leaves))
    assert (text, outcome.survivors) == ("refused\n", 1)
    sees = "cat secret; echo changed > guarded; cat guarded; flock -n locked echo free; wc -c < alive > n1;"
    text, _ = await finish(
        grant_for(staged, "sh", "-c", sees + "sleep 0.05; wc -c < alive | cmp - n1; rmdir stays")
    )
    assert text == "maskedchanged\nfree\n"
    assert still_holds(spawner, kept, mounts)
    assert (workspace / "guarded").read_text() == "as it was"


async def test_a_change_while_a_run_lasts_ends_the_mount_with_the_last_of_its_runs(
    spawner: Spawner, finish: Finish, staged: Profile, tree: Path
) -> None:
    await finish(grant_for(staged, "true"))
    mounts, kept = Mounts(), mounted_ahead(spawner)
    server = await spawner.run(grant_for(staged, "cat"), stdin="pipe")
    await finish(grant_for(staged, "cat", "a/saved"))
    subprocess.run(["bash", "-ec", CHANGES["a file that is replaced, as editors save"]], cwd=tree, check=True)
    assert (await finish(grant_for(staged, "true")))[1].exit_code == 0
    assert still_holds(spawner, kept, mounts)
    server.close_input()
    await server.wait()
    assert (await finish(grant_for(staged, "cat", "a/saved")))[0] == "saved\n"
    until(partial(gone, spawner, kept))


async def test_a_folder_that_takes_the_workspaces_place_while_a_run_lasts_is_not_written_to(
    spawner: Spawner, finish: Finish, staged: Profile, workspace: Path
) -> None:
    (workspace / "file").write_text("mine\n")
    server = await spawner.run(grant_for(staged, "cat"), stdin="pipe")
    moved = workspace.rename(workspace.with_name("moved"))
    workspace.mkdir()
    (workspace / "file").write_text("another's\n")
    words = ("sh", "-c", "cat file; echo layer > file; echo layer > new")
    text, outcome = await finish(grant_for(staged, *words))
    assert (text, "is another folder now" in outcome.setup_error) == ("", True)
    assert {path.name: path.read_text() for path in workspace.iterdir()} == {"file": "another's\n"}
    shutil.rmtree(workspace)
    moved.rename(workspace)
    assert (await finish(grant_for(staged, *words)))[0] == "mine\n"
    assert {path.name: path.read_text() for path in workspace.iterdir()} == {"file": "mine\n"}
    server.close_input()
    await server.wait()
    workspace.rename(moved)
    workspace.mkdir()
    assert (await finish(grant_for(staged, "ls")))[0] == "file\nnew\n"
    assert list(workspace.iterdir()) == []


@pytest.mark.parametrize("victim", ["holder", "fork server"])
async def test_a_kill_leaves_no_mount_and_the_next_run_has_its_layer(
    spawner: Spawner, finish: Finish, staged: Profile, victim: str
) -> None:
    await finish(grant_for(staged, "sh", "-c", "echo mine > own"))
    kept = mounted_ahead(spawner)
    with contextlib.suppress(ProcessLookupError):  # it has gone since, because somebody mounted something
        os.kill(kept if victim == "holder" else spawner.pid, signal.SIGKILL)
    until(lambda: named(kept) == "")
    text, outcome = await finish(grant_for(staged, "cat", "own"))
    assert (text, outcome.setup_error) == ("mine\n", "")


async def test_a_layer_whose_supervisor_was_killed_is_mounted_anew_for_the_next_run(
    spawner: Spawner, finish: Finish, staged: Profile
) -> None:
    await finish(grant_for(staged, "true"))
    kept = mounted_ahead(spawner)
    flight = await spawner.run(grant_for(staged, "sh", "-c", "echo mine > own; echo; cat"), stdin="pipe")
    await anext(aiter(flight.output()))
    os.kill(supervisor_of(flight.pid, spawner.pid), signal.SIGKILL)
    assert (await flight.wait()).killed == "the supervisor ended"
    until(partial(gone, spawner, kept))
    assert (await finish(grant_for(staged, "cat", "own")))[0] == "mine\n"


@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
async def test_a_file_system_that_comes_below_the_layer_ends_the_mount(
    spawner: Spawner, finish: Finish, staged: Profile, tree: Path
) -> None:
    await finish(grant_for(staged, "ls", "a"))
    kept = mounted_ahead(spawner)
    if subprocess.run(["mount", "--bind", str(tree / "a/moves"), str(tree / "a/b")], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        until(partial(gone, spawner, kept))
        _, outcome = await finish(grant_for(staged, "ls"))
        assert f"another file system is mounted in {tree}" in outcome.setup_error
        assert holders(spawner) == []
    finally:
        subprocess.run(["umount", "-l", str(tree / "a/b")], check=True)
    (tree / "a/moves/since").write_text("since")
    assert (await finish(grant_for(staged, "cat", "a/moves/since")))[0] == "since"


async def test_more_notes_than_the_kernel_keeps_end_the_mount(
    spawner: Spawner, finish: Finish, staged: Profile, tree: Path
) -> None:
    await finish(grant_for(staged, "true"))
    kept = mounted_ahead(spawner)
    os.kill(spawner.pid, signal.SIGSTOP)  # nobody hears of the first note before the last is lost
    try:
        most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        for number in range(most // 2 + 8):  # two notes that are alike are one: so of two files in turn
            for name in ("a/x", "a/y"):
                (tree / name).chmod(0o600 if number % 2 else 0o640)
        (tree / "a/saved").unlink()
    finally:
        os.kill(spawner.pid, signal.SIGCONT)
    assert (await finish(grant_for(staged, "cat", "a/saved")))[1].exit_code == 1
    until(partial(gone, spawner, kept))


async def test_a_run_in_another_layer_ends_the_mount_of_the_first(
    spawner: Spawner, finish: Finish, staged: Profile, tmp_path: Path
) -> None:
    await finish(grant_for(staged, "true"))
    kept = mounted_ahead(spawner)
    upper, work = tmp_path / "other/upper", tmp_path / "other/work"
    for path in (upper, work):
        path.mkdir(parents=True)
    other = replace(staged, staging=Staging(staged.workspace, upper, work))
    assert (await finish(grant_for(other, "ls")))[1].exit_code == 0
    until(partial(gone, spawner, kept))


async def test_twenty_runs_at_once_share_the_mount(spawner: Spawner, finish: Finish, staged: Profile) -> None:
    await finish(grant_for(staged, "true"))
    mounts, kept = Mounts(), mounted_ahead(spawner)
    runs = [finish(grant_for(staged, "sh", "-c", f"echo {n} > own{n}; cat own{n}")) for n in range(20)]
    assert [text for text, _ in await asyncio.gather(*runs)] == [f"{n}\n" for n in range(20)]
    assert still_holds(spawner, kept, mounts)
