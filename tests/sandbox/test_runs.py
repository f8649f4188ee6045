from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox import slow_forks
from tests.sandbox.conftest import Finish, grant_for, invoke
from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox import Limits, Pin, Profile, Spawner, Staging, TerminalSize, Tier
from vtcode_tui.sandbox.inner import kernel

pytestmark = pytest.mark.kernel


async def test_a_program_runs_in_the_workspace_and_its_output_and_status_arrive(
    finish: Finish, profile: Profile
) -> None:
    text, outcome = await finish(grant_for(profile, "sh", "-c", "echo out; echo err >&2; echo made > file; exit 3"))
    assert (text, outcome.exit_code, outcome.setup_error) == ("out\nerr\n", 3, "")
    assert (profile.workspace / "file").read_text() == "made\n"


async def test_stdout_and_stderr_can_be_kept_apart(spawner: Spawner, profile: Profile) -> None:
    flight = await spawner.run(grant_for(profile, "sh", "-c", "echo out; echo err >&2"), separate=True)
    assert sorted([chunk async for chunk in flight.chunks()]) == [(1, b"out\n"), (2, b"err\n")]


async def test_a_signal_that_ends_a_run_is_told(finish: Finish, profile: Profile) -> None:
    _text, outcome = await finish(grant_for(profile, "sh", "-c", "kill -TERM $$"))
    assert (outcome.exit_code, outcome.signal) == (None, signal.SIGTERM)


async def test_input_reaches_a_run_through_a_pipe(spawner: Spawner, profile: Profile) -> None:
    flight = await spawner.run(grant_for(profile, "sh", "-c", "read line; echo got $line"), stdin="pipe")
    flight.write(b"hello\n")
    assert b"".join([piece async for piece in flight.output()]) == b"got hello\n"


async def test_a_run_that_lets_go_of_its_terminal_is_not_hung_up_on_and_ends_with_its_own_status(
    spawner: Spawner, profile: Profile
) -> None:
    script = "exec <&- >&- 2>&-; read -t 0.3 < <(sleep 30); exit 7"
    flight = await spawner.run(grant_for(profile, "bash", "-c", script), terminal=TerminalSize(100, 30))
    outcome = await flight.wait()
    assert (outcome.exit_code, outcome.signal) == (7, None)


async def test_a_terminal_that_was_let_go_of_and_is_opened_again_is_read_and_written(
    spawner: Spawner, profile: Profile
) -> None:
    script = (
        "exec <&- >&- 2>&-; read -t 0.3 < <(sleep 30); seq 20000 >/dev/tty; read x </dev/tty; echo bye $x >/dev/tty"
    )
    limits = replace(profile.limits, wall_seconds=20.0)
    grant = grant_for(replace(profile, limits=limits), "bash", "-c", script)
    flight = await spawner.run(grant, terminal=TerminalSize(100, 30))
    seen = b""
    async for piece in flight.output():
        seen += piece
        if seen.endswith(b"\n20000\r\n"):
            flight.write(b"you\n")
    assert seen.endswith(b"bye you\r\n")
    assert (await flight.wait()).exit_code == 0


async def test_a_terminal_has_its_size_and_a_name_and_passes_input_and_resizes(
    spawner: Spawner, profile: Profile
) -> None:
    script = "tty; stty size; trap 'stty size; exit 7' WINCH; echo ready; while :; do read x; done"
    flight = await spawner.run(grant_for(profile, "bash", "-c", script), terminal=TerminalSize(100, 30))
    seen = b""
    resized = False
    async for piece in flight.output():
        seen += piece
        if b"ready" in seen and not resized:
            resized = True
            flight.resize(TerminalSize(120, 40))
            flight.write(b"\n")
    outcome = await flight.wait()
    assert b"/dev/pts/" in seen
    assert b"30 100" in seen
    assert b"40 120" in seen
    assert outcome.exit_code == 7


PAIR = """
import fcntl, os, pty, sys
master, slave = os.openpty()
assert os.isatty(slave) and not os.get_inheritable(slave)
os.write(slave, b"inside"); assert os.read(master, 9) == b"inside"
try:
    fcntl.ioctl(slave, 0x5441, os.O_RDWR); print("the other end of a slave")
except OSError: pass
for name in sys.argv[1:]:
    try: os.write(os.open(name, os.O_RDWR | os.O_NOCTTY), b"intruder")
    except OSError: pass
child, mine = pty.fork()
if child == 0:
    os.execlp("sh", "sh", "-c", "test -t 0 && stty size >/dev/null && echo own > /dev/tty")
text = b""
try:
    while piece := os.read(mine, 99): text += piece
except OSError: pass
print(text.decode().strip(), os.waitpid(child, 0)[1])
"""


async def test_a_run_makes_pseudo_terminals_of_its_own_and_reaches_nobody_elses(
    finish: Finish, profile: Profile
) -> None:
    master, slave = os.openpty()
    try:
        text, outcome = await finish(grant_for(profile, "python3", "-c", PAIR, os.ttyname(slave)))
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 99)
    finally:
        os.close(master)
        os.close(slave)
    assert (text, outcome.exit_code) == ("own 0\n", 0)


async def test_files_move_and_are_linked_between_folders(finish: Finish, profile: Profile) -> None:
    program = (
        "import os; os.makedirs('a/c'); os.mkdir('b'); open('a/f', 'w').close(); os.rename('a/f', 'b/g');"
        "os.link('b/g', 'a/h'); os.rename('a/c', 'b/c');"
        "print(sorted(os.listdir('a')), sorted(os.listdir('b')))"
    )
    text, outcome = await finish(grant_for(profile, "python3", "-c", program))
    assert (text, outcome.exit_code) == ("['h'] ['c', 'g']\n", 0)


async def test_a_grant_is_good_for_one_run(finish: Finish, profile: Profile) -> None:
    grant = grant_for(profile, "true")
    await finish(grant)
    with pytest.raises(SandboxError, match="used already"):
        await finish(grant)


async def test_an_expired_grant_does_not_run(finish: Finish, profile: Profile) -> None:
    with pytest.raises(SandboxError, match="expired"):
        await finish(grant_for(profile, "touch", "ran", seconds=-1))
    assert not (profile.workspace / "ran").exists()


@pytest.mark.parametrize("content", [b"changed", None])
async def test_a_pinned_file_that_is_not_what_was_approved_stops_the_run(
    finish: Finish, profile: Profile, content: bytes | None
) -> None:
    script = profile.workspace / "script"
    if content is not None:
        script.write_bytes(content)
    pin = Pin(script, hashlib.sha256(b"approved").hexdigest())
    _text, outcome = await finish(grant_for(profile, "touch", "ran", pins=(pin,)))
    assert outcome.setup_error.startswith("pinned files")
    assert outcome.exit_code is None
    assert not (profile.workspace / "ran").exists()


async def test_a_pinned_file_that_is_what_was_approved_lets_the_run_go_on(finish: Finish, profile: Profile) -> None:
    script = profile.workspace / "script"
    script.write_bytes(b"approved")
    pins = (Pin(script, hashlib.sha256(b"approved").hexdigest()), Pin(profile.workspace / "absent", None))
    _text, outcome = await finish(grant_for(profile, "true", pins=pins))
    assert outcome.exit_code == 0


async def test_a_stamp_stands_for_the_content_of_a_pinned_file_that_has_settled_outside_of_what_a_run_can_write(
    finish: Finish, profile: Profile, tmp_path: Path
) -> None:
    outside = tmp_path / "tools"
    outside.mkdir()
    folder = os.open(outside, os.O_RDONLY)
    exact = kernel.has_exact_times(folder)
    os.close(folder)
    if not exact:
        pytest.skip("this file system is not trusted to stamp each change")
    script = outside / "do.sh"
    script.write_text("echo ran\n")
    known = script.stat()
    stamp = (known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)
    reading = replace(profile, readable=(outside,))
    pin = Pin(script, hashlib.sha256(b"approved").hexdigest(), stamp)
    text, outcome = await finish(grant_for(reading, "sh", str(script), pins=(pin,)))
    assert (text, outcome.exit_code) == ("ran\n", 0)
    writing = replace(profile, writable=(profile.workspace, outside))
    _text, outcome = await finish(grant_for(writing, "sh", str(script), pins=(pin,)))
    assert "not what was approved" in outcome.setup_error
    script.write_text("echo own\n")
    os.utime(script, ns=(known.st_atime_ns, known.st_mtime_ns))
    _text, outcome = await finish(grant_for(reading, "sh", str(script), pins=(pin,)))
    assert "not what was approved" in outcome.setup_error


async def test_a_worker_function_returns_its_result_and_streams_its_output(
    finish: Finish, profile: Profile
) -> None:
    arguments = {
        "canary": "/nowhere",
        "inside": str(profile.workspace / "made"),
        "port": 1,
        "abstract": "x",
        "pid": 1,
    }
    _text, outcome = await finish(invoke(profile, "vtcode_tui.sandbox.selftest.breakout", "attempt", arguments))
    assert outcome.result is not None
    assert outcome.result["wrote"] is True
    assert outcome.result["escaped"] == []


async def test_a_worker_that_raises_ends_with_its_traceback_and_no_result(finish: Finish, profile: Profile) -> None:
    text, outcome = await finish(invoke(profile, "vtcode_tui.sandbox.selftest.breakout", "attempt", {}))
    assert (outcome.exit_code, outcome.result) == (1, None)
    assert "KeyError" in text


async def test_a_program_that_does_not_exist_is_a_setup_error_that_names_it(
    finish: Finish, profile: Profile
) -> None:
    _text, outcome = await finish(grant_for(profile, "no-such-program"))
    assert "no-such-program" in outcome.setup_error
    assert outcome.exit_code is None


async def test_daemons_that_change_session_do_not_outlive_the_run(finish: Finish, profile: Profile) -> None:
    marker = profile.workspace / "alive"
    daemon = f"setsid sh -c '(trap \"\" TERM HUP; while :; do echo x >> {marker}; sleep 0.01; done) &' &"
    _text, outcome = await finish(
        grant_for(profile, "bash", "-c", f"{daemon} while [ ! -s {marker} ]; do :; done; exit 0")
    )
    assert outcome.exit_code == 0
    assert outcome.survivors >= 1
    size = marker.stat().st_size
    await asyncio.to_thread(_nobody_writes, marker)
    assert marker.stat().st_size == size


def _nobody_writes(path: Path) -> None:
    """Every process that has the path on its command line is gone."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            assert os.fsencode(path) not in line


async def test_killing_a_run_says_the_reason_and_ends_it(spawner: Spawner, profile: Profile) -> None:
    flight = await spawner.run(grant_for(profile, "sleep", "600"))
    flight.kill("the human pressed Escape")
    outcome = await flight.wait()
    assert outcome.killed == "the human pressed Escape"
    assert outcome.signal == signal.SIGKILL


async def test_a_wall_limit_ends_a_run_and_is_named(finish: Finish, profile: Profile) -> None:
    limited = replace(profile, limits=Limits(wall_seconds=0.3))
    _text, outcome = await finish(grant_for(limited, "sleep", "600"))
    assert outcome.limit == "wall_seconds"
    assert any(denial.kind == "limit" for denial in outcome.denials)


async def test_an_output_limit_ends_a_run_and_is_named(finish: Finish, profile: Profile) -> None:
    limited = replace(profile, limits=replace(profile.limits, output=1 << 20))
    text, outcome = await finish(grant_for(limited, "sh", "-c", "yes"))
    assert outcome.limit == "output"
    assert len(text) <= 1 << 20


async def test_not_reading_makes_a_run_wait(spawner: Spawner, profile: Profile) -> None:
    script = "head -c 8000000 /dev/zero; echo done > finished"
    flight = await spawner.run(grant_for(profile, "sh", "-c", script))
    stream = flight.output()
    first = await anext(stream)
    assert first
    assert not (profile.workspace / "finished").exists()
    rest = sum([len(piece) async for piece in stream])
    assert len(first) + rest == 8_000_000
    assert (profile.workspace / "finished").exists()


@pytest.mark.parametrize("terminal", [None, TerminalSize()], ids=["pipe", "terminal"])
async def test_a_run_whose_output_nobody_reads_any_more_ends_all_the_same(
    spawner: Spawner, profile: Profile, terminal: TerminalSize | None
) -> None:
    """Who cannot keep its output kills a run and waits for its end."""
    flight = await spawner.run(grant_for(profile, "yes"), terminal=terminal)
    async with asyncio.timeout(60):
        while not flight._paused:
            await asyncio.sleep(0.01)
        flight.kill("its output could not be recorded")
        assert (await flight.wait()).killed == "its output could not be recorded"


async def test_descriptors_of_a_run_are_its_three_streams(finish: Finish, profile: Profile) -> None:
    text, _outcome = await finish(grant_for(profile, "sh", "-c", "ls /proc/$$/fd"))
    assert text.split() == ["0", "1", "2"]


DEEP = "import os; [(os.mkdir('d'), os.chdir('d')) for _ in range(2500)]; open('x', 'w').close()"


@pytest.mark.own_spawner
async def test_runs_leave_nothing_behind_in_the_scratch_folder(
    spawner: Spawner, finish: Finish, profile: Profile, tmp_path: Path
) -> None:
    await finish(grant_for(profile, "sh", "-c", "echo x > $TMPDIR/y; echo x > ~/z; mkdir ~/d"))
    _text, outcome = await finish(
        grant_for(profile, "sh", "-c", f'cd; ln -s /etc l; mkdir -p s/t; chmod 0 s; python3 -c "{DEEP}"')
    )
    assert outcome.exit_code == 0
    await spawner.close()
    left = [path.name for path in (tmp_path / "scratch").glob("*/*")]
    assert left == ["cache"]


async def test_the_cache_folder_stays_between_runs(finish: Finish, profile: Profile) -> None:
    await finish(grant_for(profile, "sh", "-c", "echo kept > $XDG_CACHE_HOME/x"))
    text, _outcome = await finish(grant_for(profile, "sh", "-c", "cat $XDG_CACHE_HOME/x"))
    assert text == "kept\n"


@pytest.mark.own_spawner
async def test_the_next_run_works_after_the_fork_server_was_killed(
    spawner: Spawner, finish: Finish, profile: Profile
) -> None:
    flight = await spawner.run(grant_for(profile, "sleep", "600"))
    os.kill(spawner.pid, signal.SIGKILL)
    outcome = await flight.wait()
    assert outcome.killed
    while Path(f"/proc/{flight.pid}").exists():
        await asyncio.sleep(0)
    text, _outcome = await finish(grant_for(profile, "echo", "again"))
    assert text == "again\n"


async def test_the_next_run_works_while_what_the_killed_fork_server_had_just_forked_holds_its_socket(
    profile: Profile, tier: Tier, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listening, contextlib.ExitStack() as held:
        listening.bind(slow_forks.gate(os.getpid()))
        listening.listen()
        listening.settimeout(60)  # no time limit of a test ends a thread
        spawner = Spawner.start([slow_forks.__name__], scratch=tmp_path / "scratch", tier=tier)
        starting = asyncio.ensure_future(spawner.run(grant_for(profile, "sleep", "600")))
        (await asyncio.to_thread(listening.accept))[0].close()
        flight = await starting
        held.enter_context((await asyncio.to_thread(listening.accept))[0])  # a crew for the next run
        os.kill(spawner.pid, signal.SIGKILL)
        assert (await flight.wait()).killed
        listening.close()
        next_one = await spawner.run(grant_for(profile, "echo", "again"))
        assert b"".join([piece async for piece in next_one.output()]) == b"again\n"
    await spawner.close()


async def test_a_masked_file_reads_as_empty_or_the_run_is_refused(
    finish: Finish, profile: Profile, tier: Tier
) -> None:
    secret, nested = profile.workspace / ".env", profile.workspace / "sub" / "deep" / ".env"
    nested.parent.mkdir(parents=True)
    for file in (secret, nested):
        file.write_text("KEY=canary")
    masked = replace(profile, hidden=(secret, nested))
    if tier == "kernel":
        with pytest.raises(SandboxError, match="can only give a whole folder"):
            await finish(grant_for(masked, "cat", ".env"))
        return
    text, outcome = await finish(
        grant_for(masked, "sh", "-c", "cat .env; mv .env x; ln .env y; echo z > .env; cat x y")
    )
    assert "canary" not in text
    assert outcome.setup_error == ""
    assert secret.read_text() == "KEY=canary"
    # A run beside it would find what it is to mask no more where it was.
    text, _ = await finish(
        grant_for(masked, "sh", "-c", "mv sub sub2; mv sub/deep s; echo x > sub/y; mv sub/y sub/z")
    )
    text += (await finish(grant_for(masked, "sh", "-c", "cat s/.env sub*/*/.env; cat sub/z")))[0]
    assert (text.count("busy"), text.count("canary"), text[-2:]) == (2, 0, "x\n")
    assert nested.read_text() == "KEY=canary"


async def test_twenty_runs_at_once_all_end_well(finish: Finish, profile: Profile) -> None:
    ended = await asyncio.gather(*(finish(grant_for(profile, "echo", str(n))) for n in range(20)))
    assert [text for text, _outcome in ended] == [f"{n}\n" for n in range(20)]


@pytest.mark.parametrize("tier", ["full"])
class TestStaging:
    async def test_runs_see_what_runs_wrote_and_the_real_files_do_not_change(
        self, finish: Finish, profile: Profile, tmp_path: Path
    ) -> None:
        staged = self._staged(profile, tmp_path)
        (profile.workspace / "a").write_text("real")
        await finish(grant_for(staged, "sh", "-c", "echo more >> a; echo new > b; mkdir d"))
        text, outcome = await finish(grant_for(staged, "sh", "-c", "cat a b; ls"))
        assert outcome.exit_code == 0
        assert text == "realmore\nnew\na\nb\nd\n"
        assert [(p.name, p.read_text()) for p in profile.workspace.iterdir()] == [("a", "real")]

    async def test_runs_at_once_share_the_layer_and_a_later_run_sees_what_the_human_changed(
        self, finish: Finish, profile: Profile, tmp_path: Path
    ) -> None:
        staged = self._staged(profile, tmp_path)
        waits = "while [ ! -e go ]; do sleep 0.01; done; cat go"
        first = asyncio.ensure_future(finish(grant_for(staged, "sh", "-c", waits)))
        second = await finish(grant_for(staged, "sh", "-c", "echo shared > go; cat go"))
        assert (await first)[0] == second[0] == "shared\n"
        for number in range(5):
            (profile.workspace / "human").write_text(str(number))
            text, outcome = await finish(grant_for(staged, "sh", "-c", "cat human go"))
            assert (text, outcome.setup_error) == (f"{number}shared\n", "")

    async def test_a_read_only_run_sees_the_layer_and_cannot_change_it(
        self, finish: Finish, profile: Profile, tmp_path: Path
    ) -> None:
        staged = self._staged(profile, tmp_path)
        await finish(grant_for(staged, "sh", "-c", "echo new > b"))
        reading = replace(staged, writable=(), readable=(profile.workspace,))
        text, outcome = await finish(grant_for(reading, "sh", "-c", "cat b; echo x > c"))
        assert text.startswith("new\n")
        assert outcome.exit_code != 0

    def _staged(self, profile: Profile, tmp_path: Path) -> Profile:
        upper, work = tmp_path / "layer" / "upper", tmp_path / "layer" / "work"
        for path in (upper, work):
            path.mkdir(parents=True)
        return replace(profile, staging=Staging(profile.workspace, upper, work))


@pytest.mark.parametrize(("ending", "audience"), [(0, "journal"), (3, "all")])
async def test_a_refusal_that_a_run_went_on_without_is_evidence_all_the_same(
    finish: Finish, profile: Profile, ending: int, audience: str
) -> None:
    script = "import socket,sys\ntry: socket.socket(socket.AF_NETLINK,3,0)\n"
    script += f"except OSError as e: sys.exit({ending} if e.errno == 95 else 9)"
    _text, outcome = await finish(grant_for(profile, "python3", "-c", script))
    assert outcome.exit_code == ending
    found = [denial.audience for denial in outcome.denials if "netlink" in denial.detail]
    assert found == [audience]
