"""Fixtures that every room's tests may use."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-snapshots` writes what is on the screen now instead of comparing it (`make snapshots`)."""
    parser.addoption("--update-snapshots", action="store_true", help="write the snapshots anew")
