"""A journal in a temporary folder, and a story to fill one with."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from vtcode_tui.events import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    numbers = count()
    made = Journal.create(tmp_path / "s", "0197-session", ids=lambda: f"id-{next(numbers)}")
    yield made
    made.close()
