"""Everyday work in the sandbox: another third of the table in each mode, all of it in each on request.

The three thirds together are the whole table; VTCODE_ATTACKS=all takes all of it in each mode.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vtcode_tui.sandbox import Spawner
from vtcode_tui.sandbox.selftest.workloads import WORKLOADS, carry_out

pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(900)]


MODES = ("staged", "full", "kernel")


@pytest.fixture
def short() -> Iterator[Path]:
    """A place for private folders whose name leaves room for a socket's: the kernel takes 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        yield Path(folder).resolve()


@pytest.mark.parametrize("mode", MODES)
async def test_everyday_work_behaves_as_without_a_sandbox(mode: str, short: Path) -> None:
    chosen = WORKLOADS if os.environ.get("VTCODE_ATTACKS") == "all" else WORKLOADS[MODES.index(mode) :: len(MODES)]
    spawner = Spawner.start(scratch=short, tier="kernel" if mode == "kernel" else "full")
    broken, done = [], 0
    for workload in chosen:
        verdict, said = await carry_out(spawner, workload, staged=mode == "staged")
        done += verdict == "works"
        if verdict == "broken":
            broken.append((workload.name, said[-300:]))
    await spawner.close()
    assert broken == []
    assert done >= len(chosen) // 2


def test_the_table_is_large_enough() -> None:
    assert len(WORKLOADS) >= 100


@pytest.mark.parametrize("tier", ["full", "kernel"])
def test_at_least_97_of_100_are_carried_by_each_tier(tier: str) -> None:
    assert sum(tier not in work.not_in for work in WORKLOADS) >= 0.97 * len(WORKLOADS)
