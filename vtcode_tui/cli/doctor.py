"""`vtcode doctor`: what is missing on this machine, each in one sentence with the remedy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vtcode_tui.common.home import Home

EXAMPLE = """  vtcode doctor
  vtcode doctor --json"""


@dataclass(frozen=True)
class Finding:
    """One thing that vtcode needs or likes to have."""

    name: str
    state: str
    """`ok`, `missing` (something does not work without it) or `note`."""
    detail: str
    remedy: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(given: argparse.Namespace) -> int:
    """Look at everything; 0 when nothing is missing, 4 without a sandbox, 2 for a wrong configuration, else 1."""
    from pathlib import Path

    from vtcode_tui.common.home import Home

    found = findings(Home.from_environment(), Path.cwd())
    if given.json:
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        for finding in found:
            print(f"{finding.state:8} {finding.name}: {finding.detail}")
            if finding.remedy:
                print(f"{'':8}   remedy: {finding.remedy}")
    return _status(found)


def findings(home: Home, root: Path, *, sandbox: bool = True) -> list[Finding]:
    """Everything that was looked at, in a fixed order."""
    return [
        _python(),
        _git(),
        _terminal(),
        _state(home),
        *_guarded("configuration", lambda: _configuration(home, root)),
        *_guarded("policy", lambda: _policy(home, root)),
        *_guarded("trust", lambda: _trust(home, root)),
        *(_guarded("sandbox", lambda: _sandbox(home, root)) if sandbox else ()),
        *_guarded("model", lambda: _models(home, root)),
    ]


def _status(findings: list[Finding]) -> int:
    missing = {finding.name.split(" ")[0] for finding in findings if finding.state == "missing"}
    if not missing:
        return 0
    if "sandbox" in missing:
        return 4
    return 2 if missing & {"configuration", "policy"} else 1


def _guarded(name: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    from vtcode_tui.common.errors import VtcodeError

    try:
        return look()
    except VtcodeError as error:
        return [Finding(name, "missing", str(error))]


def _python() -> Finding:
    import platform
    import sys

    good = sys.version_info >= (3, 11)
    detail = f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    return Finding("python", "ok" if good else "missing", detail, "" if good else "install Python 3.11 or newer")


def _git() -> Finding:
    import shutil

    path = shutil.which("git")
    if path:
        return Finding("git", "ok", path)
    remedy = "install git (Debian, Ubuntu: apt install git; Fedora: dnf install git; macOS: xcode-select --install)"
    return Finding("git", "note", "not found: `vtcode review` and snapshots need it", remedy)


def _terminal() -> Finding:
    import os
    import sys

    term = os.environ.get("TERM", "")
    if not sys.stdout.isatty():
        return Finding(
            "terminal", "note", "stdout is no terminal: the full-screen app needs one, `vtcode exec` does not"
        )
    if term in {"", "dumb"}:
        return Finding(
            "terminal", "note", f"TERM={term or '(unset)'}", "use a terminal that sets TERM, or vtcode exec"
        )
    return Finding("terminal", "ok", f"TERM={term}")


def _state(home: Home) -> Finding:
    import os
    import shutil

    place = home.state
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        return Finding(
            "state", "missing", f"{home.state} cannot be written", "set VTCODE_HOME to a folder of yours"
        )
    free = shutil.disk_usage(place).free >> 20
    if free < 64:
        return Finding("state", "missing", f"only {free} MiB are free for {home.state}", "make room on that disk")
    return Finding("state", "ok", f"{home.state}, {free:,} MiB free")


def _configuration(home: Home, root: Path) -> list[Finding]:
    from vtcode_tui.config import load

    loaded = load(home, root)
    files = ", ".join(str(file.path) for file in loaded.files) or "built-in defaults only"
    notes = [Finding("configuration", "note", str(notice)) for notice in loaded.notices]
    return [Finding("configuration", "ok", files), *notes]


def _policy(home: Home, root: Path) -> list[Finding]:
    from vtcode_tui.policy import load_policy

    policy = load_policy(home, root)
    notes = [Finding("policy", "note", str(notice)) for notice in policy.notices]
    return [Finding("policy", "ok", f"{len(policy.rules)} rules, digest {policy.sha256[:12]}"), *notes]


def _trust(home: Home, root: Path) -> list[Finding]:
    from vtcode_tui.workspace import trust_of

    trust = trust_of(root, home)
    if trust.trusted:
        return [Finding("trust", "ok", f"{trust.root} is trusted")]
    return [Finding("trust", "note", trust.reason, "vtcode trust grant")]


def _sandbox(home: Home, root: Path) -> list[Finding]:
    import asyncio

    from vtcode_tui.config import load
    from vtcode_tui.sandbox import Spawner, probe
    from vtcode_tui.sandbox.capability import NO_SANDBOX

    async def look() -> list[Finding]:
        spawner = Spawner.start()
        try:
            found = await probe(spawner)
        finally:
            await spawner.close()
        state = "missing" if found.tier == "none" else "ok"
        staging = "edits are staged" if found.staging else "edits are approved one by one"
        rows = [Finding("sandbox", state, f"tier {found.tier}, {staging}")]
        loaded = load(home, root)
        if loaded.settings.sandbox.allow_unsandboxed:
            source = loaded.source("sandbox.allow_unsandboxed")
            told = NO_SANDBOX if found.tier == "none" else "on: where no tier is reached, nothing contains runs"
            rows.append(Finding("sandbox.allow_unsandboxed", "note", f"{told}; set by {source}"))
        return rows + [
            Finding(f"sandbox {f.name}", "missing" if found.tier == "none" else "note", f.detail, f.remedy)
            for f in found.findings
            if not f.works
        ]

    return asyncio.run(look())


def _models(home: Home, root: Path) -> list[Finding]:
    import asyncio
    import os

    from vtcode_tui.common.errors import ModelError
    from vtcode_tui.config import load
    from vtcode_tui.llm import resolve_models

    models = resolve_models(load(home, root).settings, os.environ)

    async def look() -> list[Finding]:
        try:
            chain = await models.chain()
        except ModelError as error:
            return [Finding("model", "note", str(error))]
        name = chain.current.name
        await chain.aclose()
        return [Finding("model", "ok", name)]

    return asyncio.run(look())
