"""The app over a scripted core, as a fixture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tui.rig import Rig
from vtcode_tui.config.settings import Settings


@pytest.fixture
def rig() -> Callable[..., Rig]:
    """Makes the app with its core; settings may be given."""

    def make(**more: Any) -> Rig:
        return Rig(more.pop("settings", Settings()), **more)

    return make
