"""The tier is found by trying; a bad moment of the machine does not cost it, a way out does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox import Outcome, Profile, Spawner, probe
from vtcode_tui.sandbox.inner import cgroup

pytestmark = pytest.mark.kernel


class Faltering(Spawner):
    """A spawner whose first `failures` self-tests cannot be set up, as under a load that it cannot bear."""

    failures = 1
    escapes = False
    attempts = 0

    async def self_test(
        self, module: str, function: str, arguments: Mapping[str, object], profile: Profile
    ) -> tuple[Outcome, str]:
        self.attempts += 1
        if self.attempts > self.failures:
            return await super().self_test(module, function, arguments, profile)
        if self.escapes:
            return Outcome(0, result={"escaped": ["read a file outside"], "wrote": True}), ""
        raise SandboxError("fork: Resource temporarily unavailable", step="fork")


def _faltering(place: Path) -> Faltering:
    made = Faltering.start(scratch=place / "scratch")
    assert isinstance(made, Faltering)
    return made


async def test_a_tier_that_failed_once_is_tried_again(tmp_path: Path) -> None:
    spawner = _faltering(tmp_path)
    found = await probe(spawner)
    await spawner.close()
    assert found.tier == "full"
    assert spawner.tier == "full"


async def test_a_tier_that_failed_twice_is_given_up_with_both_reasons(tmp_path: Path) -> None:
    spawner = _faltering(tmp_path)
    spawner.failures = 2
    found = await probe(spawner)
    await spawner.close()
    assert found.tier == "kernel"
    assert any("twice; at first: fork" in finding.detail for finding in found.findings)


async def test_a_tier_that_let_something_out_is_not_tried_again(tmp_path: Path) -> None:
    spawner = _faltering(tmp_path)
    spawner.escapes = True
    found = await probe(spawner)
    await spawner.close()
    assert found.tier == "kernel"
    assert any("it could read a file outside" in finding.detail for finding in found.findings)


def test_the_group_of_a_living_fork_server_is_not_swept_away_before_it_is_entered(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (gone.pid, os.getpid()):
        (tmp_path / f"{cgroup.PREFIX}{pid}").mkdir()
    cgroup._sweep(str(tmp_path))
    assert [one.name for one in tmp_path.iterdir()] == [f"{cgroup.PREFIX}{os.getpid()}"]
