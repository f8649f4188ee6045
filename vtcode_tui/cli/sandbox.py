"""`vtcode sandbox`: run a command in the workspace's tool sandbox, or prove what this machine can enforce."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import SandboxError, UsageError

if TYPE_CHECKING:
    from vtcode_tui.config import Settings
    from vtcode_tui.sandbox import Capability, Outcome, Profile, Spawner

EXAMPLE = """  vtcode sandbox doctor                              what holds here, and the remedy for what does not
  vtcode sandbox run -- make test                    under the rules of the tools
  vtcode sandbox run --read ~/data -- ./analyse      one more folder to read
  vtcode sandbox run --allow-host pypi.org -- pip download attrs"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="run | doctor")
    running = actions.add_parser("run", help="run one command in the tool sandbox of this workspace")
    running.add_argument("--write", action="append", default=[], metavar="D", help="one more folder to write")
    running.add_argument("--read", action="append", default=[], metavar="D", help="one more folder to read")
    running.add_argument(
        "--allow-host", action="append", default=[], metavar="H", help="a host, host:port or *.host"
    )
    running.add_argument("--json", action="store_true", help="print the outcome as one JSON object on stderr")
    running.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- ARGV...", help="the command")
    doctor = actions.add_parser("doctor", help="what this machine can enforce, proven by trying")
    doctor.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Run or examine; 4 where the sandbox cannot be had."""
    if given.action == "doctor":
        return _doctor(as_json=given.json)
    words = given.argv[1:] if given.argv[:1] == ["--"] else given.argv
    if not words:
        raise UsageError("expected a command after `--`, for instance: vtcode sandbox run -- make test")
    return asyncio.run(_run(given, words))


def _doctor(*, as_json: bool) -> int:
    capability = asyncio.run(_examine())
    if as_json:
        print(json.dumps({**asdict(capability), "degraded": capability.degraded}, indent=2))
    else:
        print(f"tier: {capability.tier}   staging: {'yes' if capability.staging else 'no'}")
        for finding in capability.findings:
            print(f"  {'ok ' if finding.works else 'NO '} {finding.name}: {finding.detail}")
            if finding.remedy and not finding.works:
                print(f"      remedy: {finding.remedy}")
    return 0 if capability.tier != "none" else 4


async def _examine() -> Capability:
    from vtcode_tui.sandbox import Spawner, probe
    from vtcode_tui.sandbox.selftest.referee import compare

    spawner = Spawner.start()
    try:
        capability = await probe(spawner)
    finally:
        await spawner.close()
    if sys.platform != "linux":
        return capability
    return replace(capability, findings=(*capability.findings, compare()))


async def _run(given: argparse.Namespace, words: list[str]) -> int:
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import load
    from vtcode_tui.sandbox import Spawner, probe

    spawner = Spawner.start()
    try:
        home = Home.from_environment()
        root = Path.cwd().resolve()
        settings = load(home, root).settings
        capability = await probe(spawner)
        if capability.tier == "none":
            raise SandboxError(f"no sandbox here: {'; '.join(capability.degraded)}", step="tier")
        if settings.sandbox.minimum_tier == "full" and capability.tier != "full":
            raise SandboxError(
                f"your configuration asks for tier full, this machine reaches {capability.tier}", step="tier"
            )
        profile = _profile(given, root, home, settings, capability)
        return await _carry_out(spawner, profile, words, as_json=given.json)
    finally:
        await spawner.close()


def _profile(
    given: argparse.Namespace, root: Path, home: object, settings: Settings, capability: Capability
) -> Profile:
    """The profile of the workspace's tools, with the folders and hosts that the person typed."""
    from vtcode_tui.common.home import Home
    from vtcode_tui.gate.profile import Surroundings, configured
    from vtcode_tui.workspace import Workspace

    assert isinstance(home, Home)
    own = (home.config, home.state, home.cache)
    place = Workspace(root, protect=settings.sandbox.protect, mask=settings.sandbox.mask)
    around = Surroundings(
        root,
        settings.sandbox,
        os.environ,
        own=own,
        protected=place.protected_paths(),
        hidden=place.masked_paths(),
        readable=configured(tuple(_folder(path) for path in given.read), own),
    )
    writable = (root, *configured((*settings.sandbox.write, *map(_folder, given.write)), own))
    return around.profile("run", writable=writable, staging=None, executes=True, hosts=tuple(given.allow_host))


def _folder(text: str) -> str:
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise UsageError(f"{text} does not exist: name a folder that does")
    return str(path)


async def _carry_out(spawner: Spawner, profile: Profile, words: list[str], *, as_json: bool) -> int:
    from vtcode_tui.gate.human import human_grant
    from vtcode_tui.sandbox import Denial

    def refused(denial: Denial) -> None:
        if not as_json:
            remedy = f" ({denial.remedy})" if denial.remedy else ""
            print(f"vtcode: refused: {denial.process or 'the run'}: {denial.detail}{remedy}", file=sys.stderr)

    grant = human_grant(words, Path.cwd(), profile)
    flight = await spawner.run(grant, stdin=0, separate=True, notice=refused)
    async for channel, data in flight.chunks():
        stream = sys.stdout.buffer if channel == 1 else sys.stderr.buffer
        stream.write(data)
        stream.flush()
    return _status(await flight.wait(), spawner.tier, as_json=as_json)


def _status(outcome: Outcome, tier: str, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"tier": tier, **asdict(outcome)}), file=sys.stderr)
    elif outcome.limit or outcome.killed:
        print(f"vtcode: ended: {outcome.killed or outcome.limit}", file=sys.stderr)
    if outcome.setup_error:
        if not as_json:
            print(f"vtcode: nothing ran: {outcome.setup_error}", file=sys.stderr)
        return 4
    for denial in outcome.denials:
        if denial.kind in ("protected", "path") and denial.audience != "model" and not as_json:
            remedy = f" ({denial.remedy})" if denial.remedy else ""
            print(f"vtcode: {denial.kind}: {denial.detail}{remedy}", file=sys.stderr)
    if outcome.signal is not None:
        return 128 + outcome.signal
    return outcome.exit_code or 0
