"""Crews that wait for a run: none serves two, and none serves a run with what the machine was like before."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Profile, Spawner

pytestmark = [pytest.mark.kernel, pytest.mark.own_spawner]


def children(pid: int) -> list[int]:
    """The processes below another."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)  # whoever it is that makes it true needs a processor


def until_past(file: Path) -> None:
    """Wait until the clock of files, which goes in steps, shows that a file was changed before now."""
    until(lambda: time.clock_gettime_ns(time.CLOCK_REALTIME) > file.stat().st_ctime_ns + 10**7)


def supervisor_of(pid: int, spawner: int) -> int:
    """The process below the spawner that `pid` descends from."""
    while (parent := int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])) != spawner:
        pid = parent
    return pid


class Mounts:
    """Whether somebody on this machine (another test) mounted anything since it was asked last.

    The fork server sends the crews that wait away then.
    """

    def __init__(self) -> None:
        self._file = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLPRI)

    def changed(self) -> bool:
        return bool(self._poll.poll(0))

    def close(self) -> None:
        os.close(self._file)


async def test_each_run_is_served_by_a_crew_of_its_own_that_had_waited_for_it_and_has_empty_folders(
    spawner: Spawner, finish: Finish, profile: Profile
) -> None:
    await finish(grant_for(profile, "true"))
    served: set[int] = set()
    mounts = Mounts()
    while len(served) < 3:
        mounts.changed()
        until(lambda: len(set(children(spawner.pid)) - served) == 2)
        waiting = set(children(spawner.pid)) - served
        flight = await spawner.run(
            grant_for(profile, "sh", "-c", "ls ~ $TMPDIR; touch ~/m $TMPDIR/m; cat"), stdin="pipe"
        )
        supervisor = supervisor_of(flight.pid, spawner.pid)
        flight.close_input()
        output = b"".join([piece async for piece in flight.output()])
        assert (await flight.wait()).exit_code == 0
        assert b"m\n" not in output
        if not mounts.changed():
            assert supervisor in waiting - served
            served.add(supervisor)
    mounts.close()


async def test_crews_that_are_killed_while_they_wait_are_replaced(
    spawner: Spawner, finish: Finish, profile: Profile
) -> None:
    await finish(grant_for(profile, "true"))
    until(lambda: len(children(spawner.pid)) == 2)
    waiting = set(children(spawner.pid))
    for pid in waiting:
        with contextlib.suppress(ProcessLookupError):  # dismissed, since another test mounted something
            os.kill(pid, signal.SIGKILL)
    until(lambda: not waiting & set(children(spawner.pid)))
    text, outcome = await finish(grant_for(profile, "echo", "ran"))
    assert (text, outcome.exit_code) == ("ran\n", 0)


async def test_a_run_that_may_trace_is_not_given_a_crew_whose_filters_forbid_it(
    spawner: Spawner, finish: Finish, profile: Profile
) -> None:
    trace = "python3 -c 'import ctypes; print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))'"
    for debug, wanted in ((False, "-1\n"), (True, "0\n"), (False, "-1\n")):
        text, _outcome = await finish(grant_for(replace(profile, debug=debug), "sh", "-c", trace))
        assert text == wanted
        until(lambda: len(children(spawner.pid)) == 2)


@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
@pytest.mark.parametrize("tier", ["full"], indirect=True)
async def test_a_file_system_that_was_mounted_while_a_crew_waited_is_seen_by_the_next_run(
    spawner: Spawner, finish: Finish, profile: Profile, tmp_path: Path
) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    reading = replace(profile, readable=(place,))
    await finish(grant_for(reading, "true"))
    until(lambda: len(children(spawner.pid)) == 2)
    if subprocess.run(["mount", "-t", "tmpfs", "vtcode-test", str(place)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (place / "file").write_text("there\n")
        text, _outcome = await finish(grant_for(reading, "cat", str(place / "file")))
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
    assert text == "there\n"
