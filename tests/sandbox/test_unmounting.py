"""A run whose layer is still mounted from before waits for as long as it takes, and for nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from tests.sandbox.test_kept import staged, tier
from vtcode_tui.sandbox import Profile, Spawner
from vtcode_tui.sandbox.inner import machine, unmounting
from vtcode_tui.sandbox.inner.holder import Holder
from vtcode_tui.sandbox.inner.job import SetupError
from vtcode_tui.sandbox.inner.layers import Layers

__all__ = ["staged", "tier"]

pytestmark = [pytest.mark.kernel, pytest.mark.own_spawner]
only_root = pytest.mark.skipif(os.getuid() != 0, reason="reaching into a run's layer takes root")


@contextlib.asynccontextmanager
async def still_mounted(spawner: Spawner, finish: Finish, staged: Profile) -> AsyncIterator[int]:
    """The layer, which an open file keeps mounted after the last run, as what is not written yet does."""
    flight = await spawner.run(grant_for(staged, "sh", "-c", "echo mine > own; echo; cat"), stdin="pipe")
    await anext(aiter(flight.output()))
    held = os.open(f"/proc/{flight.pid}/root{staged.workspace}/own", os.O_RDONLY)
    flight.close_input()
    await flight.wait()
    (staged.workspace / "changed").touch()  # so that the mount serves no other run
    try:
        yield held
    finally:
        with contextlib.suppress(OSError):
            os.close(held)


@only_root
async def test_runs_wait_until_the_earlier_mount_of_their_layer_is_gone_and_others_do_not_wait_for_them(
    spawner: Spawner, finish: Finish, staged: Profile, profile: Profile
) -> None:
    async with still_mounted(spawner, finish, staged) as held:
        waiting = [asyncio.ensure_future(finish(grant_for(staged, "cat", "own"))) for _ in range(3)]
        text, _ = await finish(grant_for(profile, "echo", "not staged"))
        assert text == "not staged\n"
        assert not any(task.done() for task in waiting)
        os.close(held)
        for task in waiting:
            text, outcome = await task
            assert (text, outcome.setup_error) == ("mine\n", "")


@only_root
async def test_a_run_that_is_cancelled_while_it_waits_never_begins(
    spawner: Spawner, finish: Finish, staged: Profile, profile: Profile
) -> None:
    async with still_mounted(spawner, finish, staged) as held:
        waiting = asyncio.ensure_future(finish(grant_for(staged, "touch", "begun")))
        await finish(grant_for(profile, "true"))  # the fork server has both messages
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        os.close(held)
        text, _ = await finish(grant_for(staged, "ls"))
        assert "own\n" in text
        assert "begun" not in text


@only_root
async def test_the_end_of_the_main_process_ends_what_waits(
    spawner: Spawner, finish: Finish, staged: Profile
) -> None:
    async with still_mounted(spawner, finish, staged):
        waiting = asyncio.ensure_future(finish(grant_for(staged, "true")))
        await asyncio.sleep(0)
        await spawner.close()
        assert (await waiting)[1].setup_error


def test_it_is_stuck_only_when_nothing_was_written_for_long() -> None:
    read, write = os.pipe()
    now, written = 1000.0, 7
    going = unmounting.Unmounting(read, written=lambda: written, clock=lambda: now)
    assert not going.is_stuck()
    for _ in range(100):
        now, written = now + unmounting.PATIENCE_SECONDS, written + 4
        assert not going.is_stuck()
    now += unmounting.PATIENCE_SECONDS + 1
    assert going.is_stuck()
    written += 4
    assert not going.is_stuck()
    assert not going.is_over()
    os.write(write, b"!")
    assert going.is_over()
    going.close()
    os.close(write)


def test_a_layer_that_stays_mounted_is_an_error_that_says_what_to_do(staged: Profile) -> None:
    read, write = os.pipe()
    now = 1000.0
    layers, folders = Layers(select.poll()), [str(staged.workspace)] * 3
    layers._going[folders[1]] = unmounting.Unmounting(read, written=lambda: 7, clock=lambda: now)
    assert layers.enter(folders, alone=True) is None
    now += unmounting.PATIENCE_SECONDS + 1
    with pytest.raises(SetupError, match=r"still mounted from an earlier run.*end the process that"):
        layers.enter(folders, alone=True)
    os.close(read)
    os.close(write)


def test_no_run_waits_for_what_a_holder_has_not_said_yet() -> None:
    holder = Holder()
    holder.orders.settimeout(3600)  # so that waiting for it would not end within this test's time
    holder.hear()
    assert not holder.may_serve([])
    assert holder.end() == -1
    os.waitpid(holder.pid, 0)


def test_what_the_machine_writes_is_counted(tmp_path: Path) -> None:
    before = machine.written()
    with (tmp_path / "file").open("wb") as file:
        file.write(os.urandom(1 << 16))
        os.fsync(file.fileno())
    assert machine.written() > before > 0
