"""The app over a scripted core, as a fixture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tui.device import Terminal
from tests.tui.rig import Rig
from vtcode_tui.config.settings import Settings


@pytest.fixture
def rig() -> Callable[..., Rig]:
    """Makes the app with its core; settings may be given."""

    def make(**more: Any) -> Rig:
        return Rig(more.pop("settings", Settings()), **more)

    return make


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def make(play: str, **more: int) -> Terminal:
        made.append(Terminal(play, tmp_path, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()
