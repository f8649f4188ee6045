"""Everyday work in the sandbox: all of it with staging, samples elsewhere (VTCODE_WORKLOADS=all: all)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vtcode_tui.sandbox import Spawner
from vtcode_tui.sandbox.selftest.workloads import WORKLOADS, carry_out

pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("mode", ["staged", "full", "kernel"])
async def test_everyday_work_behaves_as_without_a_sandbox(mode: str, tmp_path: Path) -> None:
    step = 1 if mode == "staged" or os.environ.get("VTCODE_WORKLOADS") == "all" else 5
    spawner = Spawner.start(scratch=tmp_path / "scratch", tier="kernel" if mode == "kernel" else "full")
    broken, done = [], 0
    for workload in WORKLOADS[::step]:
        verdict, said = await carry_out(spawner, workload, staged=mode == "staged")
        done += verdict == "works"
        if verdict == "broken":
            broken.append((workload.name, said[-300:]))
    await spawner.close()
    assert broken == []
    assert done >= len(WORKLOADS[::step]) // 2


def test_the_table_is_large_enough() -> None:
    assert len(WORKLOADS) >= 100
