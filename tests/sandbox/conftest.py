"""Runs on this machine's own kernel: a spawner, a workspace, and one call that runs something to its end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lent import lent
from vtcode_tui.sandbox import Execute, Grant, Invoke, Limits, Outcome, Pin, Profile, Spawner, Tier

LIMITS = Limits(wall_seconds=60.0)


def grant_for(profile: Profile, *argv: str, pins: tuple[Pin, ...] = (), seconds: float = 60) -> Grant:
    expires = time.monotonic_ns() + int(seconds * 1e9)
    work = Execute(argv, Path("/bin") / argv[0])
    return Grant(secrets.token_hex(8), "call", "", work, profile.workspace, profile, expires, pins)


def invoke(profile: Profile, module: str, function: str, arguments: Mapping[str, Any]) -> Grant:
    work = Invoke(module, function, json.dumps(arguments))
    return replace(grant_for(profile, "true"), work=work)


@pytest.fixture(params=["full", "kernel"])
def tier(request: pytest.FixtureRequest) -> Tier:
    found: Tier = request.param
    return found


@pytest.fixture
async def spawner(tier: Tier, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Spawner]:
    """One whose fork server may have served other tests, or (`own_spawner`) one with its own server and scratch."""
    alone = request.node.get_closest_marker("own_spawner") is not None
    started = Spawner.start(scratch=tmp_path / "scratch", tier=tier) if alone else lent(tier=tier)
    yield started
    await started.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    place = tmp_path / "workspace"
    place.mkdir()
    return place


Finish = Callable[..., Awaitable[tuple[str, Outcome]]]


@pytest.fixture
def finish(spawner: Spawner) -> Finish:
    """Run a grant to its end: the text of its output, and its outcome."""

    async def run(grant: Grant, **options: Any) -> tuple[str, Outcome]:
        flight = await spawner.run(grant, **options)
        output = b"".join([piece async for piece in flight.output()])
        return output.decode(errors="replace"), await flight.wait()

    return run


@pytest.fixture
def profile(workspace: Path) -> Profile:
    return Profile("test", workspace, writable=(workspace,), limits=LIMITS)
