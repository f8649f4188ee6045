"""An error in a run's supervisor that nobody foresaw: the run ends, what it did is compared, and it is said."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox import faults
from tests.sandbox.conftest import Finish, grant_for
from tests.sandbox.test_reserve import children, until
from vtcode_tui.sandbox import Outcome, Profile, Spawner, Tier

pytestmark = [pytest.mark.kernel, pytest.mark.own_spawner]


@pytest.fixture
async def spawner(tier: Tier, tmp_path: Path) -> AsyncIterator[Spawner]:
    started = Spawner.start(["tests.sandbox.faults"], scratch=tmp_path / "scratch", tier=tier)
    yield started
    await started.close()


@pytest.fixture
def guarded(profile: Profile) -> Profile:
    (profile.workspace / ".vscode").mkdir()
    return replace(profile, protected=tuple(profile.workspace / name for name in (".envrc", ".vscode")))


EVIL = "echo EVIL > .envrc; mv .vscode v; mkdir .vscode; echo EVIL > .vscode/tasks.json; "


def _alive(marker: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found += [entry.name] if words[:2] == [b"sleep", marker.encode()] else []
    return found


@pytest.mark.parametrize("fault", [faults.WATCH, faults.END])
async def test_a_fault_of_the_supervisor_ends_the_run_and_the_guard_still_restores(
    finish: Finish, guarded: Profile, fault: str
) -> None:
    marker = f"70{os.getpid()}.{len(fault)}"
    stays = "wait" if fault == faults.WATCH else "exit 0"
    script = f"{EVIL} setsid sleep {marker} & setsid sleep {marker} & touch {fault}; {stays}"
    _text, outcome = await finish(grant_for(guarded, "bash", "-c", script))
    assert outcome.killed == f"the supervisor failed: ArithmeticError('the {fault}')"
    assert outcome.exit_code is None or fault == faults.END
    assert _alive(marker) == []
    assert not (guarded.workspace / ".envrc").exists()
    assert list((guarded.workspace / ".vscode").iterdir()) == []
    assert {d.detail for d in outcome.denials if d.kind == "protected"} >= {".envrc"}


async def test_a_place_that_cannot_be_compared_is_told_and_the_others_are_restored(
    finish: Finish, guarded: Profile
) -> None:
    _text, outcome = await finish(grant_for(guarded, "bash", "-c", f"{EVIL} touch {faults.GUARD}"))
    told = {d.detail: d.remedy for d in outcome.denials if d.kind == "protected"}
    assert "could not be compared: ArithmeticError('the fault-guard'); look at it" in told[".envrc"]
    assert list((guarded.workspace / ".vscode").iterdir()) == []


async def test_a_crew_whose_rehearsal_fails_says_so_and_runs_nothing_and_the_next_is_whole(
    spawner: Spawner, finish: Finish, profile: Profile, tmp_path: Path
) -> None:
    fault = tmp_path / "scratch" / faults.REHEARSAL
    await finish(grant_for(profile, "true"))
    fault.touch()
    served = await _run_until(spawner, finish, profile, refused=True)
    assert served.setup_error.startswith("rehearsal:"), served
    assert not (profile.workspace / "ran").exists()
    fault.unlink()
    served = await _run_until(spawner, finish, profile, refused=False)
    assert served.exit_code == 0


async def _run_until(spawner: Spawner, finish: Finish, profile: Profile, *, refused: bool) -> Outcome:
    """Runs, each with a crew that had waited for it, until one is refused or is not: two wait at a time."""
    for _ in range(4):
        until(lambda: len(children(spawner.pid)) == 2)
        (profile.workspace / "ran").unlink(missing_ok=True)
        _text, outcome = await finish(grant_for(profile, "touch", "ran"))
        if bool(outcome.setup_error) is refused:
            return outcome
    raise AssertionError(f"no run was {'refused' if refused else 'done'}")
