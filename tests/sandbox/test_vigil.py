"""The vigil between runs: whatever comes into a workspace while nobody looks is looked at when a run ends."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from tests.sandbox.test_reserve import children, supervisor_of, until, until_past
from vtcode_tui.sandbox import Profile, Spawner
from vtcode_tui.sandbox.inner import repositories, vigil
from vtcode_tui.sandbox.inner.vigils import Vigils

pytestmark = [pytest.mark.kernel, pytest.mark.own_spawner]

_LAYOUT = "mkdir -p {0}/objects {0}/refs; echo 'ref: refs/heads/main' > {0}/HEAD; "
_ARM = "printf '[core]\\nfsmonitor = EVIL\\n'"

CHANGES = {
    "a file": "touch a/b/c/new",
    "a folder": "mkdir a/b/c/new",
    "a folder that goes again": "mkdir a/new; rmdir a/new",
    "a link": "ln -s /etc/passwd a/HEAD",
    "a hard link": "ln file a/b/HEAD",
    "a name that moves": "mv file renamed",
    "a name that moves over another": "mv file a/there",
    "two names that are exchanged": 'python3 -c "import ctypes; assert not ctypes.CDLL(None).'
    "renameat2(-100, b'file', -100, b'a/there', 2)\"",
    "a folder that moves away": "mv a/b ../b",
    "a folder that comes from outside": "mv ../outside a/in",
    "a name that is taken away": "rm a/there",
    "a pipe": "mkfifo a/b/pipe",
    "a socket": "python3 -c \"import socket; socket.socket(1).bind('a/b/socket')\"",
    "a file without a name that gets one": "python3 -c \"import ctypes, os; f = os.open('a', os.O_TMPFILE | 2);"
    "assert not ctypes.CDLL(None).linkat(-100, b'/proc/self/fd/%d' % f, -100, b'a/HEAD', 0x400)\"",
    "the workspace itself": "mv ../workspace ../moved; mkdir ../workspace",
}
QUIET = {
    "reading": "cat file a/there; ls -R .; find . -name HEAD; cd a",
    "writing in place": "echo more >> file; : > a/there",
    "modes and times": "chmod 600 file; chmod 700 a; touch -d 2001-01-01 file a",
    "what lies elsewhere": "touch ../outside/new; mkdir ../outside/folder",
}


@pytest.fixture
def tree(workspace: Path) -> Path:
    (workspace / "a/b/c").mkdir(parents=True)
    (workspace.parent / "outside").mkdir()
    for name in ("file", "a/there"):
        (workspace / name).write_text("x")
    return workspace


def _begun(place: Path) -> vigil.Vigil:
    """A vigil, once nobody on this machine (another test) mounts anything while it begins."""
    begun: list[vigil.Vigil] = []

    def tried() -> bool:
        with contextlib.suppress(vigil.Unwatchable):
            begun.append(vigil.begin(str(place)))
        return bool(begun)

    until(tried)
    return begun[0]


def _found(place: Path, watching: vigil.Vigil) -> repositories.Found | None:
    root = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return watching.found(root)
    finally:
        os.close(root)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_name_that_came_or_went_anywhere_lets_the_workspace_be_looked_through(tree: Path, change: str) -> None:
    watching = _begun(tree)
    assert _found(tree, watching) is not None
    subprocess.run(["bash", "-ec", change], cwd=tree, check=True)
    assert _found(tree, watching) is None
    watching.close()


@pytest.mark.parametrize("work", QUIET.values(), ids=QUIET)
def test_work_that_changes_no_name_leaves_what_was_found_true(tree: Path, work: str) -> None:
    subprocess.run(["git", "init", "-q", str(tree / "a/repository")], check=True)
    (tree / "a/.git").write_text("gitdir: nowhere")
    watching = _begun(tree)
    subprocess.run(["bash", "-ec", work], cwd=tree, check=True, capture_output=True)
    found = _found(tree, watching)
    assert found is not None
    assert (found.folders, found.pointers) == ({"a/repository/.git"}, {"a/.git"})
    watching.close()


def test_more_notes_than_the_kernel_keeps_count_as_a_change(tree: Path) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    watching = _begun(tree)
    for number in range(min(most, 20_000) // 2 + 1):
        place = tree / f"n{number % 2}"
        place.touch()
        place.unlink()
    assert _found(tree, watching) is None
    watching.close()


@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
@pytest.mark.parametrize("kind", [("-t", "tmpfs", "vtcode-test"), ("--bind", "../outside")], ids=["new", "bound"])
def test_a_workspace_that_holds_another_file_system_is_not_watched(tree: Path, kind: tuple[str, ...]) -> None:
    place = tree / "a/a folder \\040"
    place.mkdir()
    if subprocess.run(["mount", *kind, str(place)], cwd=tree, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (place / "folder").mkdir()
        with pytest.raises(vigil.Unwatchable):
            vigil.begin(str(tree))
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
@pytest.mark.parametrize("inside", [True, False], ids=["in the workspace", "elsewhere"])
def test_a_vigil_ends_when_a_file_system_is_mounted_in_its_workspace_and_not_elsewhere(
    tree: Path, *, inside: bool
) -> None:
    vigils = Vigils(select.poll())
    vigils.give(str(tree))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    vigils.join(str(tree), b" watches", ours)
    begun = _begun(tree)
    socket.send_fds(theirs, [b"vigil"], [begun.queue, begun.memory])
    vigils.hear({ours.fileno(): select.POLLIN})
    place = tree / "a" if inside else tree.parent / "outside"
    if subprocess.run(["mount", "-t", "tmpfs", "vtcode-test", str(place)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        vigils.look_at_mounts()
        words, handed = vigils.give(str(tree))
        assert (b"watched" in words) is not inside
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
    for descriptor in handed:
        os.close(descriptor)
    vigils.leave()
    begun.close()
    theirs.close()


TRAPS: dict[str, Callable[[str], str]] = {
    "a new repository": lambda name: f"git init -q {name}; {_ARM} >> {name}/.git/config",
    "a layout in a folder that was there": lambda _name: _LAYOUT.format("a/b/c") + f"{_ARM} > a/b/c/config",
    "a configuration that is changed in place": lambda _name: f"{_ARM} >> old/.git/config",
    "a repository that moves in from a folder too deep to be seen": lambda name: (
        f"mkdir -p d/d/d/d/d; git init -q d/d/d/d/d/r; {_ARM} >> d/d/d/d/d/r/.git/config; mv d/d/d/d/d/r {name}"
    ),
}


@pytest.fixture
def guarded(profile: Profile, tree: Path) -> Profile:
    subprocess.run(["git", "init", "-q", str(tree / "old")], check=True)
    return replace(profile, protected=(tree / ".envrc",))


def _armed(tree: Path) -> list[Path]:
    configurations = list(tree.rglob("config"))
    assert configurations
    return [path for path in configurations if "EVIL" in path.read_text()]


def _is_handed_over(server: int, served: set[int]) -> bool:
    return bool(set(children(server)) - served) and len(children(server)) == 2


Quiet = Callable[[], Awaitable[None]]


@pytest.fixture
def quiet(finish: Finish, guarded: Profile, spawner: Spawner) -> Quiet:
    """Two runs that change nothing; afterwards the fork server has a vigil, and two crews wait."""

    async def run() -> None:
        for _ in range(2):
            served = set(children(spawner.pid))
            _text, outcome = await finish(grant_for(guarded, "true"))
            assert (outcome.exit_code, outcome.denials) == (0, ())
            # The supervisor of the run has handed its vigil over, and is gone.
            until(functools.partial(_is_handed_over, spawner.pid, served))

    return run


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
async def test_a_trap_is_disarmed_in_a_workspace_that_was_quiet_for_runs(
    finish: Finish, guarded: Profile, quiet: Quiet, tree: Path, trap: Callable[[str], str]
) -> None:
    for name in ("one", "two"):
        await quiet()
        _text, outcome = await finish(grant_for(guarded, "bash", "-ec", trap(name)))
        assert outcome.exit_code == 0
        assert outcome.denials
    assert not _armed(tree)


async def test_what_the_human_changes_between_two_runs_is_not_taken_for_the_runs_doing(
    finish: Finish, guarded: Profile, quiet: Quiet, tree: Path
) -> None:
    await quiet()
    subprocess.run(["bash", "-ec", TRAPS["a new repository"]("mine")], cwd=tree, check=True)
    for _ in range(2):
        until_past(tree / "mine/.git")
        _text, outcome = await finish(grant_for(guarded, "true"))
        assert outcome.denials == ()
    assert "EVIL" in (tree / "mine/.git/config").read_text()


async def test_a_run_of_another_workspace_between_hides_nothing(
    finish: Finish, guarded: Profile, quiet: Quiet, tree: Path
) -> None:
    await quiet()
    other = tree.parent / "other"
    other.mkdir()
    elsewhere = replace(guarded, workspace=other, writable=(other, tree), protected=(other / ".envrc",))
    await finish(grant_for(elsewhere, "bash", "-ec", f"touch here {tree}/there"))
    _text, outcome = await finish(grant_for(guarded, "bash", "-ec", TRAPS["a new repository"]("one")))
    assert outcome.denials
    assert not _armed(tree)


async def test_a_run_that_lasts_is_compared_by_what_it_was_given_whatever_runs_beside_it(
    spawner: Spawner, finish: Finish, guarded: Profile, quiet: Quiet, tree: Path
) -> None:
    await quiet()
    script = f"read -r; {TRAPS['a configuration that is changed in place']('')}; read -r; mkdir -p a/new"
    lasting = await spawner.run(grant_for(guarded, "bash", "-ec", script), stdin="pipe")
    _text, outcome = await finish(grant_for(guarded, "bash", "-ec", "touch a/noted"))
    assert outcome.denials == ()
    lasting.write(b"\n")
    await asyncio.to_thread(until, lambda: bool(_armed(tree)))
    await finish(grant_for(guarded, "true"))
    lasting.write(b"\n")
    assert (await lasting.wait()).denials
    assert not _armed(tree)


async def test_a_run_whose_supervisor_is_killed_leaves_its_notes_to_the_next(
    spawner: Spawner, finish: Finish, guarded: Profile, quiet: Quiet, tree: Path
) -> None:
    await quiet()
    flight = await spawner.run(grant_for(guarded, "bash", "-ec", "mkdir a/noted; echo made; read -r"), stdin="pipe")
    until((tree / "a/noted").exists)
    os.kill(supervisor_of(flight.pid, spawner.pid), signal.SIGKILL)
    await flight.wait()
    _text, outcome = await finish(grant_for(guarded, "bash", "-ec", TRAPS["a new repository"]("one")))
    assert outcome.denials
    assert not _armed(tree)


@pytest.mark.parametrize("tier", ["kernel"], indirect=True)
@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
async def test_a_file_system_that_is_mounted_during_a_run_is_looked_through(
    spawner: Spawner, guarded: Profile, quiet: Quiet, tree: Path
) -> None:
    await quiet()
    script = f"read -r; {TRAPS['a new repository']('a/evil')}"
    theirs = tree.parent / "outside"
    subprocess.run(["bash", "-ec", TRAPS["a new repository"]("mine")], cwd=theirs, check=True)
    until_past(theirs / "mine/.git/config")
    flight = await spawner.run(grant_for(guarded, "bash", "-ec", script), stdin="pipe")
    if subprocess.run(["mount", "--bind", str(theirs), str(tree / "a")], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        flight.write(b"\n")
        outcome = await flight.wait()
        assert outcome.exit_code == 0
        assert [denial.detail for denial in outcome.denials] == ["a/evil/.git"]
        assert "EVIL" in (tree / "a/mine/.git/config").read_text()
        assert "EVIL" not in (tree / "a/evil/.git/config").read_text()
    finally:
        subprocess.run(["umount", "-l", str(tree / "a")], check=True)


NOTHING_TO_WATCH_WITH = """
import asyncio, sys
from pathlib import Path
Path("/proc/sys/user/" + sys.argv[1]).write_text(sys.argv[2])
from tests.sandbox.conftest import LIMITS, grant_for
from tests.sandbox.test_reserve import children, until
from vtcode_tui.sandbox import Profile, Spawner

async def main():
    workspace = Path(sys.argv[3])
    profile = Profile("test", workspace, (workspace,), limits=LIMITS, protected=(workspace / ".envrc",))
    spawner = Spawner.start(scratch=workspace.parent / "scratch", tier="kernel")
    for script in ("true", "true", *sys.argv[4:]):
        flight = await spawner.run(grant_for(profile, "bash", "-ec", script))
        outcome = await flight.wait()
        assert outcome.exit_code == 0, outcome
        until(lambda: len(children(spawner.pid)) == 2)
    assert outcome.denials
    await spawner.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "limit", [("max_inotify_watches", "2"), ("max_inotify_instances", "0")], ids=lambda limit: limit[0]
)
def test_where_the_kernel_watches_no_more_folders_they_are_looked_through(
    tree: Path, limit: tuple[str, str]
) -> None:
    words = ["unshare", "--user", "--map-root-user", sys.executable, "-c", NOTHING_TO_WATCH_WITH, *limit, str(tree)]
    trap = TRAPS["a new repository"]
    done = subprocess.run([*words, trap("one"), trap("two")], capture_output=True, text=True, check=False)
    if "unshare:" in done.stderr:
        pytest.skip("user namespaces are not permitted here")
    assert done.returncode == 0, done.stderr
    assert not _armed(tree)


@pytest.mark.parametrize("tier", ["kernel"], indirect=True)
async def test_a_supervisor_that_gets_no_answer_ends(spawner: Spawner, guarded: Profile, quiet: Quiet) -> None:
    await quiet()
    flight = await spawner.run(grant_for(guarded, "bash", "-ec", "read -r; mkdir new"), stdin="pipe")
    supervisor = supervisor_of(flight.pid, spawner.pid)
    os.kill(spawner.pid, signal.SIGSTOP)
    try:
        flight.write(b"\n")
        assert (await flight.wait()).exit_code == 0
        await asyncio.to_thread(until, lambda: _state(supervisor) == "Z")
    finally:
        os.kill(spawner.pid, signal.SIGCONT)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
