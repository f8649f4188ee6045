"""From a request to what the fork server is told: pure data and one ruleset descriptor."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox import env, outline, ruleset, toolchains
from vtcode_tui.sandbox.grant import Invoke, Pin, Work
from vtcode_tui.sandbox.inner import tree
from vtcode_tui.sandbox.inner.job import OWN
from vtcode_tui.sandbox.profile import Profile, Tier
from vtcode_tui.sandbox.run import TerminalSize
from vtcode_tui.sandbox.view import View

Rule = tuple[str, int, bool]

_KEEPERS = frozenset(f"vtcode_tui.workspace.{name}" for name in ("staging", "marks", "tracing"))
"""The workers that are given the folder of one session's layer or ledger."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run is built on: the tier, Landlock's version, where runs have their folders, whose home it is."""

    tier: Tier
    abi: int
    scratch: Path
    home: Path
    own: tuple[Path, ...] = ()
    """vtcode's own folders: no run may have them, whatever its profile says."""
    layers: Path | None = None
    """Where the layers of sessions lie: the one exception, a single layer at a time, for the staging workers."""
    recorded: bool = False
    """Whether somebody reads what Landlock tells the machine's audit."""
    rulesets: ruleset.Rulesets | None = None
    """Where a run's Landlock ruleset comes from, where some wait."""
    environment: Mapping[str, str] = field(default_factory=lambda: env.passed(os.environ))
    """What passes from the person's environment, which this program does not change."""
    places: outline.Places = field(default_factory=outline.Places)
    """Where the file comes from that names what the guard compares."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be done, without the right to do it."""

    work: Work
    cwd: Path
    profile: Profile
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job as text, the descriptors of its ruleset (the caller closes it) and of its outline (shared by all)."""

    text: bytes
    ruleset: int
    outline: int
    staging: list[str] | None
    guarded: str
    """The workspace whose protected paths are compared after the run; "" where that is not needed."""
    places: int
    """The descriptor of the file that names them, which is shared; -1 for none."""
    writes: list[str]
    """Where the run writes past every layer: its writable roots, where it is not staged itself."""
    view: View
    """What the run will see."""


def prepare(
    request: Request, machine: Machine, terminal: TerminalSize | None, tty: str, proxy: tuple[str, int, str] | None
) -> Prepared:
    """Everything a run needs to know. `tty` is the terminal made for tier kernel; raises SandboxError."""
    profile = request.profile
    full = machine.tier == "full"
    hidden = _hidden(profile, machine.tier)
    keep_own_out(request, machine)
    rights = ruleset.rights_of(machine.abi)
    shelf = machine.scratch / hashlib.sha256(os.fsencode(profile.workspace)).hexdigest()[:16]
    caches = shelf / "cache"
    common = toolchains.everywhere(machine.home)
    rules = _rules_full(machine, profile) if full else _rules_kernel(profile, caches, tty)
    own_rules = [(f"{OWN}/{name}", rights.everything, False) for name in ("home", "tmp")]
    job = work_of(request, machine, Path(OWN), proxy)
    kind = outline.file_of(
        full=full,
        debug=profile.debug,
        signals=machine.abi < 6,
        home=machine.home,
        scratch=machine.scratch,
    )
    staging = profile.staging
    layer = [str(staging.lower), str(staging.upper), str(staging.work)] if staging else None
    job |= {
        "folder": "",
        "caches": str(caches),
        "home": str(machine.home),
        "full": full,
        "reaps": False,
        "recorded": machine.recorded,
        "readable": [str(path) for path in dict.fromkeys(profile.readable) if path not in common],
        "writable": [str(path) for path in profile.writable],
        "protected": [str(path) for path in profile.protected],
        "guarded": [],
        "hidden": hidden,
        "rules": [(path, *rights.masked(access)) for path, access, _strict in (rules if full else own_rules)],
        "rlimits": _rlimits(profile, full=full),
        "limits": limits_of(profile),
        "connect": [list(proxy[:2])] if proxy else [],
        "staging": layer,
        "terminal": [terminal.columns, terminal.rows] if terminal else None,
        "workspace": str(profile.workspace),
    }
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    caches.mkdir(mode=0o700, exist_ok=True)
    text = json.dumps(job).encode()
    held = (machine.rulesets or rulesets(machine)).take([] if full else rules)
    own = (str(machine.home), "/tmp") if full else (f"{OWN}/home", f"{OWN}/tmp")
    view = View(profile, machine.tier, machine.home, *own)
    guarded = str(profile.workspace) if profile.protected and not staging else ""
    places = machine.places.file_of(profile.workspace, profile.protected, shelf / "quarantine") if guarded else -1
    writes = [str(path) for path in profile.writable] if full and not staging else []
    return Prepared(text, held, kind, layer, guarded, places, writes, view)


def _hidden(profile: Profile, tier: Tier) -> list[str]:
    """The masked files that are there; raises SandboxError for what a tier cannot give."""
    hidden = [str(path) for path in profile.hidden if path.exists()]
    if hidden and tier != "full":
        raise SandboxError(
            f"nothing runs here while {hidden[0]} is masked: tier {tier} can only give a whole folder. "
            "Move the file out of the workspace, leave it out of `mask` under [sandbox] in vtcode.toml, "
            "or get tier full (`vtcode sandbox doctor` says how)",
            step="masked files",
        )
    if profile.staging is not None and tier != "full":
        raise SandboxError(f"tier {tier} has no layer: edits need an approval each", step="layer")
    return hidden


def keep_own_out(request: Request, machine: Machine) -> None:
    """Refuse a profile that would open vtcode's own folders."""
    stages = isinstance(request.work, Invoke) and request.work.module in _KEEPERS
    for root in (*request.profile.writable, *request.profile.readable):
        if stages and machine.layers is not None and root.parent == machine.layers:
            continue
        for folder in machine.own:
            if folder.is_relative_to(root) or root.is_relative_to(folder):
                raise SandboxError(
                    f"{root} holds vtcode's own files ({folder}): work in a folder below it",
                    step="granted folders",
                )


def work_of(
    request: Request, machine: Machine, folder: Path, proxy: tuple[str, int, str] | None
) -> dict[str, object]:
    """What is to be done and in which environment, as keys of the job."""
    full = machine.tier == "full"
    home = str(folder / "home") if not full else str(machine.home) if machine.home.is_dir() else "/tmp"
    environment = {**machine.environment}
    environment |= {k: v for k, v in request.profile.environment.items() if "\0" not in k + v and "=" not in k}
    environment |= env.fixed(home, "/tmp" if full else str(folder / "tmp"))
    path = {"PATH": environment.get("PATH", os.environ.get("PATH", ""))}
    environment["PATH"] = env.search_path(path, request.profile.workspace)
    environment |= env.large_files(environment["PATH"])
    if proxy:
        environment |= env.proxied(proxy[2])
    work = request.work
    invoked = isinstance(work, Invoke)
    return {
        "argv": [] if isinstance(work, Invoke) else list(work.argv),
        "executable": "" if isinstance(work, Invoke) else str(work.executable),
        "invoke": work.arguments if isinstance(work, Invoke) else None,
        "module": work.module if isinstance(work, Invoke) else "",
        "function": work.function if isinstance(work, Invoke) else "",
        "search": list(toolchains.module_search()) if invoked else [],
        "cwd": str(request.cwd),
        "environment": environment,
        "pins": [(str(pin.path), pin.sha256, pin.stamp) for pin in request.pins],
    }


def rulesets(machine: Machine) -> ruleset.Rulesets:
    """The source of rulesets for runs on this machine, with the rules for what every run may read."""
    common = [(path, ruleset.RUN) for path in toolchains.existing_system()]
    common += [(path, ruleset.READ_ONLY) for path in toolchains.existing_files()]
    common += [(str(path), ruleset.RUN) for path in toolchains.everywhere(machine.home)]
    rights, contained = ruleset.rights_of(machine.abi), machine.tier == "full"
    if not contained:  # where the file system is the machine's own
        common += [("/proc", ruleset.READ_ONLY), ("/dev/shm", rights.everything)]
        # A terminal that a run opens itself is new: its other end comes from the notifier (`inner.terminals`).
        common += [(path, ruleset.DEVICE) for path in (*toolchains.DEVICES, "/dev/ptmx")]
    return ruleset.Rulesets(rights, common, network=not contained)


def _rules_kernel(profile: Profile, caches: Path, tty: str) -> list[Rule]:
    everything = ruleset.rights_of(ruleset.supported_abi()).everything
    rules: list[Rule] = [(str(path), ruleset.RUN, False) for path in profile.readable]
    if tty:
        rules.append((tty, ruleset.DEVICE, False))
    rules += [(str(path), everything, True) for path in profile.writable]
    rules.append((str(caches), everything, True))
    return rules


def _rules_full(machine: Machine, profile: Profile) -> list[Rule]:
    """The rules that the work adds itself, for places that are others in its own file system."""
    everything = ruleset.rights_of(machine.abi).everything
    rules: list[Rule] = [(str(path), ruleset.RUN, False) for path in profile.readable]
    rules += [("/proc", ruleset.READ_ONLY, False)]
    rules += [("/", ruleset.LIST, False), ("/dev", ruleset.DEVICE | ruleset.LIST, False)]
    rules += [(path, everything, False) for path in ("/tmp", "/var/tmp", "/dev/shm", str(machine.home))]
    rules += [(str(path), everything, False) for path in profile.writable]
    return rules


def _rlimits(profile: Profile, *, full: bool) -> dict[str, int]:
    limits = profile.limits
    wanted = {"FSIZE": limits.file_size, "NOFILE": limits.descriptors, "MEMLOCK": 64 << 20}
    if os.getuid() != 0:
        # The kernel counts threads: in tier full those of the user namespace, otherwise all of this user's. A floor
        # under what is watched from outside, which allows two threads for a process and says what was exceeded:
        # it lies lower by a margin, so that the watch sees the flood first.
        wanted["NPROC"] = 5 * limits.processes // 2 + 64 + (0 if full else tree.threads_of_user(os.getuid()))
    return wanted


def limits_of(profile: Profile) -> dict[str, float]:
    """The limits that are watched from outside, as keys of the job."""
    limits = profile.limits
    return {
        "processes": limits.processes,
        "memory": limits.memory,
        "disk": limits.disk,
        "inodes": limits.inodes,
        "wall": limits.wall_seconds,
    }
