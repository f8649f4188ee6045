"""Which tier this machine reaches, found out by trying to break out of it, and what is missing for more."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import socket
import tempfile
from pathlib import Path

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox import filters, records, ruleset
from vtcode_tui.sandbox.capability import Capability, Finding
from vtcode_tui.sandbox.profile import Limits, Profile, Staging, Tier
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.sandbox.spawner import Spawner

_LIMITS = Limits(wall_seconds=20.0)

_BREAKOUT = "vtcode_tui.sandbox.selftest.breakout"
_ESCAPED = "the self-test got out: it could "

_REMEDIES = {
    "landlock": (
        "boot with `landlock` in the lsm= list (Debian, Ubuntu, Fedora and Arch kernels have it built in); "
        "inside a container the host's kernel decides"
    ),
    "apparmor": (
        "Ubuntu restricts user namespaces: add an AppArmor profile that allows `userns` for this Python "
        "(see docs/sandbox.md), or: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    ),
    "sysctl": "sudo sysctl kernel.unprivileged_userns_clone=1",
    "count": "sudo sysctl user.max_user_namespaces=15000",
    "container": (
        "this looks like a container: start it with --security-opt seccomp=unconfined "
        "--security-opt apparmor=unconfined (Docker) or --security-opt unmask=ALL (Podman), or use tier kernel"
    ),
}


async def probe(spawner: Spawner) -> Capability:
    """Try the tiers from the strictest on, leave the spawner at the first that holds, and say what is missing.

    A tier holds when a worker could do its work in it and every attempt of `selftest.breakout` failed.
    """
    if platform.system() == "Darwin":
        from vtcode_tui.sandbox import seatbelt_trial

        return await seatbelt_trial.probe(spawner)
    abi = ruleset.supported_abi()
    findings = [_landlock(abi), _seccomp()]
    if not all(finding.works for finding in findings):
        spawner.tier = "none"
        return Capability("none", tuple(findings), abi, staging=False)
    with tempfile.TemporaryDirectory(prefix="vtcode-probe-") as folder:
        place = Path(folder).resolve()
        reached: Tier = "none"
        tiers: tuple[Tier, ...] = ("full", "kernel")
        for tier in tiers:
            problem = await _holds(spawner, tier, place)
            if problem and not problem.startswith(_ESCAPED):
                # What could not be set up may have been the machine's bad moment; what got out did get out.
                first, problem = problem, await _holds(spawner, tier, place)
                problem = f"{problem} (twice; at first: {first})" if problem else ""
            name = "namespaces" if tier == "full" else "seccomp"
            detail = problem or f"tier {tier} withstood every attempt to break out"
            findings.append(Finding(name, not problem, detail, _remedy(tier) if problem else ""))
            if not problem:
                reached = tier
                break
        spawner.tier = reached
        staging = reached == "full" and await _staging(spawner, place, findings)
    return Capability(reached, tuple(findings), abi, staging)


def _landlock(abi: int) -> Finding:
    if abi < 1:
        return Finding("landlock", False, "the kernel does not offer Landlock", _REMEDIES["landlock"])
    missing = [
        text
        for version, text in (
            (3, "truncation"),
            (4, "TCP"),
            (5, "device ioctls"),
            (6, "signals and abstract sockets"),
        )
        if abi < version
    ]
    note = f"; it does not cover {', '.join(missing)}, which seccomp and namespaces take over" if missing else ""
    heard, why = records.source()
    if heard is not None:
        heard.close()
    else:
        why = f"refused paths are named by what programs say of them alone: {why}"
    return Finding("landlock", True, f"version {abi}{note}; {why}")


def _seccomp() -> Finding:
    try:
        filters.compile_filters(full=True, debug=False)
    except SandboxError as error:
        return Finding("filters", False, str(error), "use a machine of x86_64 or aarch64")
    return Finding("filters", True, f"system calls of {platform.machine()} are known")


async def _holds(spawner: Spawner, tier: Tier, folder: Path) -> str:
    """An empty text when the tier holds, otherwise why it does not."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    workspace = folder / f"workspace-{tier}"
    workspace.mkdir()
    canary = folder / f"canary-{tier}"
    canary.write_text("outside")
    abstract = f"vtcode-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        named = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        named.bind("\0" + abstract)
        named.listen()
        arguments: dict[str, object] = {
            "canary": str(canary),
            "inside": str(workspace / "made"),
            "port": listener.getsockname()[1],
            "abstract": abstract,
            "pid": os.getpid(),
            "processes": str(Path("/proc/self/ns/pid").readlink()),
        }
        spawner.tier = tier
        outcome = await _attempt(spawner, arguments, workspace, None)
    if outcome.setup_error:
        return outcome.setup_error
    answer = outcome.result or {}
    escaped = [*answer.get("escaped", ()), *(["make a file outside"] if Path(f"{canary}.d").exists() else [])]
    if escaped:
        return f"{_ESCAPED}{', '.join(escaped)}"
    return "" if answer.get("wrote") else f"the self-test could not work in its own workspace ({outcome})"


async def _staging(spawner: Spawner, folder: Path, findings: list[Finding]) -> bool:
    lower, upper, work = (folder / name for name in ("lower", "upper", "work"))
    for made in (lower, upper, work):
        made.mkdir()
    arguments: dict[str, object] = {
        "canary": "/nowhere",
        "inside": str(lower / "made"),
        "port": 9,
        "abstract": "none",
        "pid": 1,
        "processes": "",
    }
    outcome = await _attempt(spawner, arguments, lower, Staging(lower, upper, work))
    works = bool(outcome.result and (upper / "made").exists() and not (lower / "made").exists())
    detail = "runs work in a layer over the workspace" if works else outcome.setup_error or "the layer was not used"
    remedy = "" if works else "edits need an approval each; put vtcode's state folder on ext4, xfs or btrfs"
    findings.append(Finding("staging", works, detail, remedy))
    return works


async def _attempt(
    spawner: Spawner, arguments: dict[str, object], workspace: Path, staging: Staging | None
) -> Outcome:
    profile = Profile("self-test", workspace, writable=(workspace,), limits=_LIMITS, staging=staging)
    try:
        outcome, _output = await spawner.self_test(_BREAKOUT, "attempt", arguments, profile)
    except SandboxError as error:
        return Outcome(None, setup_error=str(error))
    return outcome


def _remedy(tier: Tier) -> str:
    if tier == "kernel":
        return _REMEDIES["container"] if _in_container() else "see docs/sandbox.md"
    switches = (
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "apparmor"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl"),
        ("/proc/sys/user/max_user_namespaces", "0", "count"),
    )
    for path, bad, remedy in switches:
        with contextlib.suppress(OSError):
            if Path(path).read_text().strip() == bad:
                return _REMEDIES[remedy]
    return _REMEDIES["container"] if _in_container() else f"see docs/sandbox.md (kernel {platform.release()})"


def _in_container() -> bool:
    return any(Path(path).exists() for path in ("/.dockerenv", "/run/.containerenv", "/run/systemd/container"))
