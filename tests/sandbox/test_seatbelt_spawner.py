"""The macOS spawner's process handling, run here behind a stand-in for `sandbox-exec` that enforces nothing."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.common.home import Home
from vtcode_tui.sandbox import (
    Execute,
    Grant,
    Invoke,
    Limits,
    Outcome,
    Pin,
    Profile,
    Staging,
    TerminalSize,
    seatbelt,
)
from vtcode_tui.sandbox.inner import kernel, processes
from vtcode_tui.sandbox.seatbelt_reading import decides, rules
from vtcode_tui.sandbox.seatbelt_spawner import SeatbeltSpawner
from vtcode_tui.sandbox.seatbelt_trial import probe

STAND_IN = r"""#!/bin/sh
# A STAND-IN for macOS's sandbox-exec: takes the same words, enforces NOTHING, notes what it was told.
test "$1" = -f || exit 64
{ echo "$@"; } >> "$(dirname "$0")/told"
cp "$2" "$(dirname "$0")/last.sb"
shift 2
while test "$1" = -D; do shift 2; done
test "$1" = -- || exit 64
shift
exec "$@"
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    program = folder / "sandbox-exec-STAND-IN"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return program


@pytest.fixture
async def spawner(tmp_path: Path, stand_in: Path) -> AsyncIterator[SeatbeltSpawner]:
    own = Home(tmp_path / "own/config", tmp_path / "own/state", tmp_path / "own/cache")
    home = tmp_path / "person"
    home.mkdir()
    made = SeatbeltSpawner(scratch=tmp_path / "scratch", home=home, own=own, program=str(stand_in))
    yield made
    await made.close()


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Profile("test", workspace, writable=(workspace,), limits=Limits(wall_seconds=60.0))


def _grant(profile: Profile, script: str, *, pins: tuple[Pin, ...] = (), seconds: float = 60) -> Grant:
    work = Execute(("sh", "-c", script), Path("/bin/sh"))
    expires = time.monotonic_ns() + int(seconds * 1e9)
    return Grant(secrets.token_hex(8), "call", "", work, profile.workspace, profile, expires, pins)


async def _finish(spawner: SeatbeltSpawner, grant: Grant, **options: Any) -> tuple[str, Outcome]:
    flight = await spawner.run(grant, **options)
    output = b"".join([piece async for piece in flight.output()])
    return output.decode(errors="replace"), await flight.wait()


def _gone(pid: int) -> bool:
    entry = processes.System().table().get(pid)
    return entry is None


async def test_output_and_exit_status_come_back(spawner: SeatbeltSpawner, profile: Profile) -> None:
    text, outcome = await _finish(spawner, _grant(profile, "echo out; echo err >&2; exit 7"))
    assert text == "out\nerr\n"
    assert (outcome.exit_code, outcome.signal, outcome.setup_error, outcome.killed) == (7, None, "", "")


async def test_a_signal_is_reported_as_one(spawner: SeatbeltSpawner, profile: Profile) -> None:
    _text, outcome = await _finish(spawner, _grant(profile, "kill -9 $$"))
    assert (outcome.exit_code, outcome.signal) == (None, 9)


async def test_stderr_is_kept_apart_and_input_is_written(spawner: SeatbeltSpawner, profile: Profile) -> None:
    flight = await spawner.run(_grant(profile, "cat; echo no >&2"), stdin="pipe", separate=True)
    flight.write(b"given")
    while flight._to_write:
        flight._on_writable()
    flight.close_input()
    pieces = [piece async for piece in flight.chunks()]
    assert b"".join(data for channel, data in pieces if channel == 1) == b"given"
    assert b"".join(data for channel, data in pieces if channel == 2) == b"no\n"
    assert (await flight.wait()).exit_code == 0


async def test_a_terminal_has_its_size_and_takes_input(spawner: SeatbeltSpawner, profile: Profile) -> None:
    script = "stty size; read line; stty size; echo got $line; test -t 0 -a -t 1 && tty >/dev/tty"
    flight = await spawner.run(_grant(profile, script), terminal=TerminalSize(90, 30))
    text = b""
    async for piece in flight.output():
        text += piece
        if b"30 90" in text and b"got" not in text and flight._size != TerminalSize(100, 40):
            flight.resize(TerminalSize(100, 40))
            flight.write(b"hello\n")
    assert b"40 100" in text
    assert b"got hello" in text
    assert b"/dev/pts/" in text
    assert (await flight.wait()).exit_code == 0


async def test_the_environment_is_the_runs_own(
    spawner: SeatbeltSpawner, profile: Profile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    text, _outcome = await _finish(
        spawner, _grant(profile, "env; touch $HOME/.cache/kept $TMPDIR/x; ls /proc/self/fd")
    )
    assert "hunter2" not in text
    assert f"HOME={tmp_path}/scratch/" in text
    assert f"TMPDIR={tmp_path}/scratch/" in text
    assert text.split("VTCODE_SANDBOX")[1].split("\n")[-5:] == [
        "0",
        "1",
        "2",
        "3",
        "",
    ]  # 3 is what ls itself opened
    again, _outcome = await _finish(spawner, _grant(profile, "ls $HOME/.cache"))
    assert again == "kept\n"
    assert not list((tmp_path / "scratch").glob("*/run-*"))


async def test_killing_ends_children_in_sessions_of_their_own(spawner: SeatbeltSpawner, profile: Profile) -> None:
    script = (
        "trap '' TERM HUP INT; setsid sleep 1000 & echo $!; (setsid sh -c 'echo $$; exec sleep 1000') & sleep 1000"
    )
    flight = await spawner.run(_grant(profile, script))
    pids: list[int] = []
    text = ""
    async for piece in flight.output():
        text += piece.decode()
        if text.count("\n") == 2 and not pids:
            pids = [int(word) for word in text.split()]
            flight.kill("enough")
    outcome = await flight.wait()
    assert outcome.killed == "enough"
    assert all(_gone(pid) for pid in [*pids, flight.pid])


async def test_what_outlives_the_work_is_ended_and_counted(spawner: SeatbeltSpawner, profile: Profile) -> None:
    text, outcome = await _finish(spawner, _grant(profile, "sleep 1000 >/dev/null & echo $!"))
    assert outcome.exit_code == 0
    assert outcome.survivors == 1
    assert _gone(int(text))


async def test_closing_the_spawner_ends_every_run(spawner: SeatbeltSpawner, profile: Profile) -> None:
    flights = [await spawner.run(_grant(profile, "sleep 1000")) for _ in range(3)]
    await spawner.close()
    assert all(_gone(flight.pid) for flight in flights)
    assert {(await flight.wait()).killed for flight in flights} == {"vtcode ended"}


@pytest.mark.parametrize(
    ("limits", "script", "name"),
    [
        (Limits(wall_seconds=0.3), "sleep 1000", "wall_seconds"),
        (Limits(wall_seconds=60, output=1 << 20), "yes", "output"),
        (Limits(wall_seconds=60, file_size=1 << 16), "exec head -c 1000000 /dev/zero > big", "file_size"),
        (Limits(wall_seconds=60, processes=10), "for i in $(seq 30); do sleep 1000 & done; wait", "processes"),
        (
            Limits(wall_seconds=60, memory=200 << 20),
            f"exec {sys.executable} -c 'b = bytes(1) * (600 << 20); input()' < /dev/zero",
            "memory",
        ),
    ],
)
async def test_each_limit_is_held_and_named(
    spawner: SeatbeltSpawner, profile: Profile, limits: Limits, script: str, name: str
) -> None:
    if name == "processes" and os.getuid() != 0:
        pytest.skip("the kernel itself refuses the fork first")
    _text, outcome = await _finish(spawner, _grant(replace(profile, limits=limits), script))
    assert outcome.limit == name


async def test_a_changed_pin_stops_the_work_before_it_begins(spawner: SeatbeltSpawner, profile: Profile) -> None:
    script = profile.workspace / "do.sh"
    script.write_text("touch ran")
    right = hashlib.sha256(b"touch ran").hexdigest()
    _text, outcome = await _finish(spawner, _grant(profile, "sh do.sh", pins=(Pin(script, right),)))
    assert outcome.exit_code == 0
    (profile.workspace / "ran").unlink()
    _text, outcome = await _finish(spawner, _grant(profile, "sh do.sh", pins=(Pin(script, "0" * 64),)))
    assert outcome.setup_error.startswith("pinned files:")
    assert not (profile.workspace / "ran").exists()


async def test_a_grant_is_good_once_and_not_for_ever(spawner: SeatbeltSpawner, profile: Profile) -> None:
    grant = _grant(profile, "true")
    await _finish(spawner, grant)
    with pytest.raises(SandboxError, match="used already"):
        await spawner.run(grant)
    with pytest.raises(SandboxError, match="expired"):
        await spawner.run(_grant(profile, "true", seconds=-1))


async def test_what_this_tier_cannot_do_is_refused(
    spawner: SeatbeltSpawner, profile: Profile, tmp_path: Path, stand_in: Path
) -> None:
    staging = Staging(profile.workspace, tmp_path / "u", tmp_path / "k")
    with pytest.raises(SandboxError, match="no layer"):
        await spawner.run(_grant(replace(profile, staging=staging), "true"))
    link = tmp_path / "link"
    link.symlink_to(profile.workspace)
    with pytest.raises(SandboxError, match="through a link"):
        await spawner.run(_grant(replace(profile, writable=(link,)), "true"))
    with pytest.raises(SandboxError, match="own files"):
        await spawner.run(_grant(replace(profile, readable=(tmp_path / "own/state",)), "true"))
    spawner.tier = "none"
    with pytest.raises(SandboxError, match="runs nothing"):
        await spawner.run(_grant(profile, "true"))
    spawner.tier = "seatbelt"
    stand_in.unlink()
    with pytest.raises(SandboxError, match="missing"):
        await spawner.run(_grant(profile, "true"))


async def test_a_worker_returns_its_dict(spawner: SeatbeltSpawner, profile: Profile, tmp_path: Path) -> None:
    module = "vtcode_tui.sandbox.selftest.breakout_mac"
    arguments = {
        "canary": str(tmp_path / "no/canary"),
        "inside": str(profile.workspace / "made"),
        "protected": str(tmp_path / "no/p/file"),
        "hidden": "/nowhere",
        "named": "/nowhere",
        "port": 1,
        "pid": os.getpid(),
    }
    work = Invoke(module, "attempt", json.dumps(arguments))
    _text, outcome = await _finish(spawner, replace(_grant(profile, ""), work=work))
    assert outcome.result is not None
    assert outcome.result["wrote"] is True
    text, failed = await _finish(spawner, replace(_grant(profile, ""), work=replace(work, function="missing")))
    assert failed.exit_code == 1
    assert failed.result is None
    assert "AttributeError" in text


async def test_protected_paths_are_brought_back(spawner: SeatbeltSpawner, profile: Profile) -> None:
    hooks = profile.workspace / ".git/hooks"
    hooks.mkdir(parents=True)
    (hooks / "pre-commit").write_text("mine")
    guarded = replace(profile, protected=(hooks, profile.workspace / "vtcode.toml"))
    script = "echo evil > .git/hooks/pre-commit; echo x > vtcode.toml; mv .git away; echo fine > other"
    _text, outcome = await _finish(spawner, _grant(guarded, script))
    assert (hooks / "pre-commit").read_text() == "mine"
    assert not (profile.workspace / "vtcode.toml").exists()
    assert (profile.workspace / "other").read_text() == "fine\n"
    assert {denial.kind for denial in outcome.denials} == {"protected"}


async def test_sandbox_exec_is_given_the_profile_of_the_grant(
    spawner: SeatbeltSpawner, profile: Profile, stand_in: Path
) -> None:
    await _finish(spawner, _grant(replace(profile, protected=(profile.workspace / "kept",)), "true"))
    words = (stand_in.parent / "told").read_text().split()
    given = dict(word.split("=", 1) for flag, word in itertools.pairwise(words) if flag == "-D")
    made = rules((stand_in.parent / "last.sb").read_text(), given)
    assert words[words.index("--") + 1] == "/bin/sh"
    assert decides(made, "file-read-data", "/usr/bin/git")
    assert not decides(made, "network-outbound", remote="localhost:80")
    assert not decides(made, "file-write-data", words[1])
    assert decides(made, "file-write-data", seatbelt.canonical(profile.workspace / "any"))
    assert not decides(made, "file-write-data", seatbelt.canonical(profile.workspace / "kept"))


async def test_a_sandbox_exec_that_enforces_nothing_is_found_out(spawner: SeatbeltSpawner) -> None:
    found = await probe(spawner)
    assert found.tier == spawner.tier == "none"
    assert "read a file outside" in found.findings[0].detail
    assert "listen" in found.findings[0].detail


def test_opening_by_steps_follows_no_link_and_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    root = os.open(tmp_path, os.O_RDONLY)
    flags = os.O_RDONLY | os.O_DIRECTORY
    try:
        for good in (".", "a", "a/b", "a/./b"):
            found = kernel.open_by_steps(root, good, flags)
            assert os.fstat(found).st_ino == (tmp_path / good).stat().st_ino
            os.close(found)
        for bad in ("link", "link/b", "a/../a", "..", "/etc", "missing"):
            with pytest.raises(OSError, match=r"."):
                kernel.open_by_steps(root, bad, flags)
    finally:
        os.close(root)


@pytest.mark.skipif(kernel.MAC, reason="shows what happens where the calls of macOS are missing")
def test_missing_calls_of_macos_are_an_error_that_refuses_the_run() -> None:
    with pytest.raises(OSError, match=r"libSystem|sandbox_check"):
        processes.Darwin()


async def test_an_error_that_nobody_foresaw_ends_the_run_and_is_said(
    spawner: SeatbeltSpawner, profile: Profile
) -> None:
    # A limit that is no number: the watch cannot be made, when the work has begun already.
    odd = replace(profile, limits=Limits(memory=cast(int, "much")), protected=(profile.workspace / ".envrc",))
    flight = await spawner.run(_grant(odd, "echo EVIL > .envrc; exec sleep 600"))
    outcome = await flight.wait()
    assert outcome.killed.startswith("the supervisor failed: TypeError")
    assert outcome.signal == 9
    assert _gone(flight.pid)
    assert not (profile.workspace / ".envrc").exists()
