"""Carries out attacks: without a sandbox to prove that the oracle fires, and with one to see that it does not."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.profile import Limits, Profile, Staging
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.sandbox.selftest import runner
from vtcode_tui.sandbox.selftest.table import Attack
from vtcode_tui.sandbox.selftest.world import World
from vtcode_tui.sandbox.spawner import Spawner

_MODULE = "vtcode_tui.sandbox.selftest.runner"
_LIMITS = Limits(wall_seconds=30.0, processes=256)

Verdict = Literal["contained", "known", "BREACH", "not provable here", "no sandbox"]

SECRET = f"sk-{secrets.token_hex(16)}"
"""Put into this process's environment by `plant`; a run that shows it has read what it must not."""
_PLANTED = ("OPENAI_API_KEY", "MY_SERVICE_LOGIN", "GH", "DATABASE")


def plant(environ: dict[str, str]) -> None:
    """Put the secret into an environment under names that look like one and names that do not."""
    environ.update(dict.fromkeys(_PLANTED, SECRET))


@dataclass(frozen=True, slots=True)
class Result:
    """How one attack went in one place."""

    attack: Attack
    tier: str
    verdict: Verdict
    breaches: tuple[str, ...] = ()
    output: str = ""
    reason: str = ""
    """Why it is not provable here, in its own words."""


class Control:
    """Runs attacks without any sandbox, in a process of its own."""

    def __init__(self) -> None:
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/nonexistent"}
        plant(environment)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(runner.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )

    def breaches(self, attack: Attack, base: Path | None = None) -> list[str]:
        """What the attack achieves without a sandbox."""
        return self.proof(attack, base)[0]

    def proof(self, attack: Attack, base: Path | None = None) -> tuple[list[str], str]:
        """What the attack achieves without a sandbox, and its complaint where that is nothing."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        world = World(base, SECRET)
        try:
            request = {**_arguments(attack, world), "cwd": str(world.workspace)}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            said = json.loads(self._process.stdout.readline() or '{"output": ""}')
            output = str(said["output"]).encode("latin-1").decode("utf-8", "replace")
            found = world.breaches(str(said["output"]))
            return found, "" if found else complaint_of(output)
        finally:
            world.close()

    def close(self) -> None:
        """Let the control end what its attacks have left, and then itself."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def complaint_of(output: str) -> str:
    """Why an attack came to nothing: the end of the last line that it said, without the names in it."""
    number = re.findall(r"\[Errno (\d+)\]", output)
    if number:
        return os.strerror(int(number[-1]))
    lines = output.split("\n") if output else []
    last = next((line for line in reversed(lines) if line.strip()), "")
    return last.rpartition(": ")[2].strip()[:60] or "it had no effect and said nothing"


async def attempt(spawner: Spawner, attack: Attack, *, staged: bool = False, base: Path | None = None) -> Result:
    """Carry the attack out in the spawner's tier, with or without a layer over the workspace."""
    world = World(base, SECRET)
    try:
        profile = Profile(
            "attack", world.workspace, writable=(world.workspace,), protected=world.protected, limits=_LIMITS
        )
        if staged:
            upper, work = world.base / "upper", world.base / "work"
            upper.mkdir()
            work.mkdir()
            profile = Profile(
                "attack",
                world.workspace,
                writable=(world.workspace,),
                protected=world.protected,
                limits=_LIMITS,
                staging=Staging(world.workspace, upper, work),
            )
        try:
            outcome, output = await spawner.self_test(_MODULE, "attack", _arguments(attack, world), profile)
        except SandboxError as error:
            outcome, output = Outcome(None, setup_error=str(error)), str(error)
        output = output or outcome.setup_error
        found = tuple(world.breaches(output))
        return Result(attack, spawner.tier, _verdict(attack, spawner.tier, outcome, found), found, output)
    finally:
        world.close()


def _verdict(attack: Attack, tier: str, outcome: Outcome, found: tuple[str, ...]) -> Verdict:
    if outcome.setup_error:
        return "no sandbox"
    if not found:
        return "contained"
    return "known" if tier in attack.open_in else "BREACH"


def _arguments(attack: Attack, world: World) -> dict[str, object]:
    names = {name: str(value) if isinstance(value, Path) else value for name, value in world.names.items()}
    return {"kind": attack.kind, "code": attack.code, "world": names, "seconds": 8}
