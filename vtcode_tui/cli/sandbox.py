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

from vtcode_tui.common.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from vtcode_tui.config import Settings
    from vtcode_tui.sandbox import Capability, Denial, Outcome, Profile, Spawner

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
    running.add_argument("--debug", action="store_true", help="its programs may trace each other (gdb, strace)")
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
    from vtcode_tui.sandbox.capability import NO_SANDBOX

    capability, allowed_by = asyncio.run(_examine())
    if as_json:
        told = asdict(capability) | {"degraded": capability.degraded, "allow_unsandboxed": allowed_by}
        print(json.dumps(told, indent=2))
    else:
        print(f"tier: {capability.tier}   staging: {'yes' if capability.staging else 'no'}")
        for finding in capability.findings:
            print(f"  {'ok ' if finding.works else 'NO '} {finding.name}: {finding.detail}")
            if finding.remedy and not finding.works:
                print(f"      remedy: {finding.remedy}")
        if capability.uncontained:
            print(f"  {NO_SANDBOX}; set by {allowed_by}")
        elif allowed_by:
            print(
                f"  sandbox.allow_unsandboxed is on ({allowed_by}): where no tier is reached, nothing contains runs"
            )
    return 0 if capability.tier != "none" else 4


async def _examine() -> tuple[Capability, str]:
    """What holds here, and what allows runs without a sandbox (empty: nothing does)."""
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import load
    from vtcode_tui.sandbox import Spawner, probe
    from vtcode_tui.sandbox.selftest.referee import compare

    spawner = Spawner.start()
    try:
        capability = await probe(spawner)
    finally:
        await spawner.close()
    loaded = load(Home.from_environment(), Path.cwd().resolve())
    allowed = loaded.settings.sandbox.allow_unsandboxed
    allowed_by = str(loaded.source("sandbox.allow_unsandboxed")) if allowed else ""
    findings = capability.findings if sys.platform != "linux" else (*capability.findings, compare())
    uncontained = allowed and capability.tier == "none"
    return replace(capability, findings=findings, uncontained=uncontained), allowed_by


async def _run(given: argparse.Namespace, words: list[str]) -> int:
    from vtcode_tui.agent import capability_of
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import load
    from vtcode_tui.sandbox import Spawner
    from vtcode_tui.sandbox.capability import NO_SANDBOX
    from vtcode_tui.workspace import keep_apart

    spawner = Spawner.start()
    try:
        home = Home.from_environment()
        root = Path.cwd().resolve()
        keep_apart(root, home)
        settings = load(home, root).settings
        capability = await capability_of(spawner, settings)
        if capability.uncontained:
            _say(NO_SANDBOX)
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
    profile = around.profile("run", writable=writable, staging=None, executes=True, hosts=tuple(given.allow_host))
    return replace(profile, debug=profile.debug or given.debug)


def _folder(text: str) -> str:
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise UsageError(f"{text} does not exist: name a folder that does")
    return str(path)


async def _carry_out(spawner: Spawner, profile: Profile, words: list[str], *, as_json: bool) -> int:
    from vtcode_tui.gate.human import human_grant
    from vtcode_tui.render import Outlet

    told: set[tuple[str, str, str]] = set()

    def refused(denial: Denial) -> None:
        told.add(_name(denial))
        if not as_json:
            _say(f"refused: {denial.process or 'the run'}: {denial.detail}", denial.remedy)

    grant = human_grant(words, Path.cwd(), profile)
    flight = await spawner.run(grant, stdin=0, separate=True, notice=refused)
    outlets = {channel: Outlet(stream.buffer) for channel, stream in ((1, sys.stdout), (2, sys.stderr))}
    async for channel, data in flight.chunks():
        outlets[channel].write(data)
    for outlet in outlets.values():
        outlet.write(b"", final=True)
    return _status(await flight.wait(), spawner.tier, told, as_json=as_json)


def _name(denial: Denial) -> tuple[str, str, str]:
    return denial.kind, denial.detail, denial.process


def _status(outcome: Outcome, tier: str, told: Collection[tuple[str, str, str]], *, as_json: bool) -> int:
    """The exit status; what was not told while the run lasted (`told`) is told now."""
    if as_json:
        print(json.dumps({"tier": tier, **asdict(outcome)}), file=sys.stderr)
    elif outcome.limit or outcome.killed:
        remedy = next((denial.remedy for denial in outcome.denials if denial.kind == "limit"), "")
        _say(f"ended: {outcome.killed or outcome.limit}", remedy)
    if outcome.setup_error and not as_json:
        _say(f"nothing ran: {outcome.setup_error}")
    for denial in outcome.denials:
        if (
            denial.audience in {"all", "people"}
            and denial.kind != "limit"
            and _name(denial) not in told
            and not as_json
        ):
            by = f"refused: {denial.process}" if denial.process else denial.kind
            _say(f"{by}: {denial.detail}", denial.remedy)
    if outcome.setup_error:
        return 4
    if outcome.signal is not None:
        return 128 + outcome.signal
    return outcome.exit_code or 0


def _say(text: str, remedy: str = "") -> None:
    """One line of ours on stderr. A run chooses the names of its processes and files: none of its bytes acts on the
    terminal in our name."""
    from vtcode_tui.render import plain_line

    print(f"vtcode: {plain_line(text)}{f' ({plain_line(remedy)})' if remedy else ''}", file=sys.stderr)
