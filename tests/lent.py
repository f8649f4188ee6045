"""Fork servers that tests hand on to one another: one costs more to start and to try out than most tests' runs.

A fork server knows nothing of a session but its runs, which have ended when it goes to the next test. Tests of the
start, of the trial and of the end of one, and those that kill it, start their own.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import functools
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vtcode_tui.agent import PRELOAD, capability_of
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Settings
from vtcode_tui.sandbox import Spawner, Tier
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.sandbox.flight import Flight

_Server = tuple[socket.socket, "subprocess.Popen[bytes]", int, int]
_idle: dict[tuple[str, ...], list[_Server]] = collections.defaultdict(list)
"""Those that wait for a test, by what they have preloaded."""
_proven: list[Capability] = []


class Lent(Spawner):
    """A spawner with a fork server that served other tests before, where one is free."""

    def _launch(self) -> None:
        if not _idle[self._preload]:
            super()._launch()
            return
        self._control, self._process, self._server, self._life = _idle[self._preload].pop()

    async def close(self) -> None:
        """End every run, and let the fork server go to the next test."""
        self._let_go()
        if self._uncontained is not None:
            await self._uncontained.close()
        for flight in list(self._flights):
            flight.kill("vtcode ended")
            await _drained(flight)
        if self._former or self._has_ended():
            await super().close()
        else:
            _idle[self._preload].append((self._control, self._process, self._server, self._life))


async def _drained(flight: Flight) -> None:
    async for _piece in flight.output():
        pass
    await flight.wait()


@functools.cache
def _scratch() -> Path:
    # One place for all: crews that wait for a run are of no use to one that has its folders elsewhere.
    place = Path(tempfile.mkdtemp(prefix="vtcode-lent-")).resolve()
    atexit.register(end_all)
    return place


def end_all() -> None:
    """End those that wait; told at the end of all tests too, since what pytest-xdist ends asks no `atexit`."""
    for control, process, _pid, life in itertools.chain(*_idle.values()):
        with contextlib.suppress(OSError):
            control.shutdown(socket.SHUT_RDWR)
        control.close()
        if life >= 0:
            os.close(life)
        with contextlib.suppress(
            subprocess.TimeoutExpired
        ):  # it ends by itself; no test waits for one that does not
            process.wait(20)
    _idle.clear()
    if _scratch.cache_info().currsize:
        shutil.rmtree(_scratch(), ignore_errors=True)


def lent(preload: Sequence[str] = (), *, own: Home | None = None, tier: Tier = "full") -> Spawner:
    """What `Spawner.start` gives, without the start where it can be."""
    return Lent.start(preload, own=own, scratch=_scratch(), tier=tier)


def lent_spawner(home: Home) -> Spawner:
    """What `start_spawner` gives, likewise."""
    return lent(PRELOAD, own=home)


async def proven(spawner: Spawner, settings: Settings) -> Capability:
    """What `capability_of` says, tried out once in a process where nothing unusual is configured."""
    if settings.sandbox != type(settings.sandbox)():
        return await capability_of(spawner, settings)
    if not _proven:
        _proven.append(await capability_of(spawner, settings))
    spawner.tier = _proven[0].tier
    return _proven[0]
