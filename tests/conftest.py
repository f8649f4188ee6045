"""Fixtures and settings that every room's tests share."""

from __future__ import annotations

import gc
import os
import sys
import time

import pytest
from hypothesis import HealthCheck, settings

# `make test` tries the same examples every time, so that nobody's change fails by somebody else's luck; `make fuzz`
# (VTCODE_FUZZ=1) looks for new ones, and for a hundred times as many. No time limits: how fast a machine is says
# nothing about the program.
settings.register_profile(
    "test",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
    max_examples=50,
)
settings.register_profile("fuzz", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=5_000)
settings.load_profile("fuzz" if os.environ.get("VTCODE_FUZZ") else "test")

# Times on the screen are those of the machine's zone: where the tests run, there is one.
os.environ["TZ"] = "UTC"
time.tzset()

gc.disable()  # until all tests are collected: they stay, and so does what they import


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-snapshots` writes what is on the screen now instead of comparing it (`make snapshots`)."""
    parser.addoption("--update-snapshots", action="store_true", help="write the snapshots anew")


def pytest_collection_finish() -> None:
    """The collector of garbage leaves alone what stays, and looks less often: a tenth of the time of most tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Fork servers that tests handed on end with the last of them, also in the processes of pytest-xdist."""
    if (lending := sys.modules.get("tests.lent")) is not None:
        lending.end_all()
