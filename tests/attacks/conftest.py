"""The attack table of `vtcode selftest`, with a control that proves each oracle."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.lent import lent
from vtcode_tui.sandbox import Spawner
from vtcode_tui.sandbox.selftest import suite
from vtcode_tui.sandbox.selftest.table import Attack


class Proof:
    """What attacks achieve without a sandbox, found out once for each."""

    def __init__(self) -> None:
        self._control = suite.Control()
        self._known: dict[str, list[str]] = {}

    def of(self, attack: Attack, base: Path) -> list[str]:
        if attack.id not in self._known:
            self._known[attack.id] = self._control.breaches(attack, base)
        return self._known[attack.id]

    def close(self) -> None:
        self._control.close()


@pytest.fixture(scope="session")
def proof() -> Iterator[Proof]:
    made = Proof()
    yield made
    made.close()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short name: the path of a socket holds 107 bytes, and pytest likes them long."""
    with tempfile.TemporaryDirectory(prefix="vtcode-at-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture
async def attacked(mode: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Spawner]:
    planted: dict[str, str] = {}
    suite.plant(planted)
    for name, value in planted.items():
        monkeypatch.setitem(os.environ, name, value)
    spawner = lent(tier="kernel" if mode == "kernel" else "full")
    yield spawner
    await spawner.close()
