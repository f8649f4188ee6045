"""Fixtures and settings that every room's tests share."""

from __future__ import annotations

import asyncio
import faulthandler
import functools
import gc
import inspect
import os
import sys
import time
from collections.abc import Generator

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

ENDED_AFTER = 60.0
"""Seconds that a test has left when its time limit has ended it."""
_stderr = pytest.StashKey[int]()
_cancelled_at = pytest.StashKey[float]()

gc.disable()  # until all tests are collected: they stay, and so does what they import


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-snapshots` writes what is on the screen now instead of comparing it (`make snapshots`)."""
    parser.addoption("--update-snapshots", action="store_true", help="write the snapshots anew")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the way out for what a process says at its end: later, what is written there is a test's own."""
    config.stash[_stderr] = os.dup(2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that not even its time limit ends takes its process along: it is named, and the others go on.

    The limit is an exception in the main thread. A task that is not the test's own may keep it, and what the test
    leaves behind may wait for the same as the test did, which nothing limits.
    """
    item.stash[_cancelled_at] = time.monotonic() + 0.9 * _limit(item)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Limit what is left of a test that failed: pytest takes the limit back, for those who debug."""
    if isinstance(node, pytest.Item) and not node.config.getoption("usepdb"):
        _limit(node)


def _limit(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    given = float(mark.args[0] if mark else item.config.getoption("timeout") or item.config.getini("timeout"))
    faulthandler.dump_traceback_later(given + ENDED_AFTER, exit=True, file=item.config.stash[_stderr])
    return given


def pytest_itemcollected(item: pytest.Item) -> None:
    """Cancel a coroutine's test shortly before its time limit, which would end its event loop instead of it.

    All tasks of a loop are cancelled at once when it ends, the app's too: the test's own way out then waits for
    them without a limit, and what the test waited for is never said.
    """
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(test := item.obj):
        return

    @functools.wraps(test)
    async def cancelled_in_time(**given: object) -> None:
        async with asyncio.timeout_at(item.stash[_cancelled_at]):
            await test(**given)

    item.obj = cancelled_in_time


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
