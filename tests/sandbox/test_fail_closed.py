"""Each kernel feature taken away in turn, and each of our processes killed: nothing runs, nothing stays."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from vtcode_tui.sandbox import Tier

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).resolve().parents[2]

DRIVER = """
import asyncio, json, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from vtcode_tui.sandbox import *
from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox import filters
base, tier, words, taken, staged = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4], sys.argv[5]
filters.compile_filters(full=tier == "full", debug=False)
if taken:
    import pyseccomp as s
    outer = s.SyscallFilter(s.ALLOW)
    name, *conditions = json.loads(taken)
    outer.add_rule(s.ERRNO(1), name, *[s.Arg(a, s.MASKED_EQ, m, v) for a, m, v in conditions])
    outer.load()

async def main():
    spawner = Spawner.start(scratch=base / "scratch", tier=tier)
    workspace = base / "workspace"
    staging = Staging(workspace, base / "upper", base / "work") if staged else None
    profile = Profile("t", workspace, (workspace,), protected=(workspace / "kept",), staging=staging)
    work = Execute(tuple(words), Path("/bin") / words[0])
    grant = Grant("n", "c", "", work, workspace, profile, time.monotonic_ns() + 10**11)
    try:
        run = await spawner.run(grant)
    except SandboxError as error:
        print(json.dumps({{"setup_error": str(error), "step": error.step}}), flush=True)
        return
    print(json.dumps({{"pid": run.pid, "spawner": spawner.pid}}), flush=True)
    async for _ in run.output():
        pass
    outcome = await run.wait()
    print(json.dumps({{"setup_error": outcome.setup_error, "exit": outcome.exit_code}}), flush=True)
    await spawner.close()

asyncio.run(main())
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("workspace", "upper", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "workspace" / "kept").write_text("kept")
    return tmp_path


def _drive(base: Path, tier: str, words: list[str], taken: str = "", staged: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(root=str(ROOT)), str(base), tier, json.dumps(words), taken, staged],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


BOTH: list[list[object]] = [
    ["landlock_create_ruleset"],
    ["landlock_restrict_self"],
    ["landlock_add_rule"],
    ["seccomp"],
    ["capset"],
    ["prctl", [0, 0xFFFFFFFF, 38]],
    ["close_range"],
    ["setsid"],
    ["pidfd_open"],
]
FULL: list[list[object]] = [
    ["clone", [0, 0x10000000, 0x10000000]],
    ["mount"],
    ["mount", [3, 4096, 4096]],
    ["mount_setattr"],
    ["pivot_root"],
    ["umount2"],
    ["openat2"],
]


@pytest.mark.parametrize(
    ("tier", "taken"),
    [(tier, feature) for tier in ("full", "kernel") for feature in BOTH] + [("full", feature) for feature in FULL],
    ids=str,
)
def test_without_a_feature_nothing_runs_and_the_step_is_named(base: Path, tier: str, taken: list[object]) -> None:
    driver = _drive(base, tier, ["touch", str(base / "workspace" / "ran")], json.dumps(taken))
    out, err = driver.communicate(timeout=60)
    ran = (base / "workspace" / "ran").exists()
    last = json.loads(out.splitlines()[-1]) if out else {}
    assert not ran, (out, err)
    assert last.get("setup_error") or last.get("exit") is None, (out, err)
    assert last.get("setup_error"), (out, err)


@pytest.mark.parametrize(
    "taken", [["open_tree"], ["move_mount"], ["inotify_add_watch"], ["mount", [3, 0xFFFFFFFF, 4]]], ids=str
)
def test_without_a_layer_a_staged_run_does_not_run(base: Path, taken: list[object]) -> None:
    driver = _drive(base, "full", ["touch", str(base / "workspace" / "ran")], json.dumps(taken), "staged")
    out, err = driver.communicate(timeout=60)
    assert not (base / "workspace" / "ran").exists()
    assert json.loads(out.splitlines()[-1])["setup_error"].startswith("layer"), (out, err)


def test_the_driver_runs_when_nothing_is_taken_away(base: Path) -> None:
    driver = _drive(base, "full", ["touch", str(base / "workspace" / "ran")])
    driver.communicate(timeout=60)
    assert (base / "workspace" / "ran").exists()


DAEMONS = (
    "for i in 1 2 3; do setsid bash -c 'trap \"\" TERM HUP INT; while :; do sleep 0.2; done' {marker} & done; wait"
)


@pytest.fixture
def marker(base: Path) -> Iterator[str]:
    name = f"vtcode-marker-{base.name}-{os.getpid()}"
    yield name
    for pid in _marked(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _marked(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if marker.encode() in words and words[0] in (b"bash", b"setsid"):
                    found.append(int(entry.name))
    return found


def _wait_for(condition: object) -> bool:
    assert callable(condition)
    give_up = time.monotonic() + 100
    while time.monotonic() < give_up:
        if condition():
            return True
        time.sleep(0.01)
    return False


def _supervisor_of(spawner: int) -> int:
    children = Path(f"/proc/{spawner}/task/{spawner}/children").read_text().split()
    return int(children[0])


TOGETHER = ("main", "sentinel", "spawner", "supervisor")
VICTIMS = [*((one,) for one in TOGETHER), *combinations(TOGETHER, 3)][:-1]
"""But for sentinel, spawner and supervisor at once: then nobody is left who would know tier kernel's daemons."""


@pytest.mark.parametrize("victims", VICTIMS, ids=" and ".join)
@pytest.mark.parametrize("tier", ["full", "kernel"])
def test_nothing_survives_when_our_processes_are_killed(
    base: Path, tier: Tier, victims: tuple[str, ...], marker: str
) -> None:
    driver = _drive(base, tier, ["bash", "-c", DAEMONS.format(marker=marker)])
    assert driver.stdout is not None
    started = json.loads(driver.stdout.readline())
    assert _wait_for(lambda: len(_marked(marker)) >= 3)
    server = started["spawner"]
    pids = {"main": driver.pid, "sentinel": _parent_of(server), "spawner": server}
    pids["supervisor"] = _supervisor_of(server)
    if len(victims) > 1:
        # At the same moment: none of them can do anything between the end of one and of the next.
        for victim in victims:
            os.kill(pids[victim], signal.SIGSTOP)
    for victim in victims:
        os.kill(pids[victim], signal.SIGKILL)
    assert _wait_for(lambda: not _marked(marker))
    driver.kill()
    driver.communicate()
    if victims != ("supervisor",):
        assert _wait_for(lambda: not Path(f"/proc/{server}/cmdline").exists())
    assert _wait_for(lambda: not Path(f"/proc/{pids['sentinel']}/cmdline").exists())


def _parent_of(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])
