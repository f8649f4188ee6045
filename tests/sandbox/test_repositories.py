"""Traps that take two runs: one prepares a repository where nobody looks, the next brings it to where git looks."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from tests.sandbox.test_guard import visit
from tests.sandbox.test_reserve import until_past
from vtcode_tui.sandbox import Profile

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(shutil.which("script") is None, reason="nothing here makes a terminal"),
]

_ARM = "printf '[core]\\nfsmonitor = touch CANARY\\npager = touch CANARY\\n'"
_DEEP = f"mkdir -p a/b/c/d/e; git init -q a/b/c/d/e/r; {_ARM} >> a/b/c/d/e/r/.git/config"
TRAPS = {
    "too deep, then moved": (_DEEP, "mv a/b/c/d/e/r X"),
    "too deep, then its git folder moved": (_DEEP, "mkdir X; mv a/b/c/d/e/r/.git X"),
    "too deep, then a file leads there": (_DEEP, "mkdir X; echo 'gitdir: ../a/b/c/d/e/r/.git' > X/.git"),
    "too deep, then a folder with the file that leads there moved": (
        f"{_DEEP}; mkdir a/b/c/d/X; echo 'gitdir: ../a/b/c/d/e/r/.git' > a/b/c/d/X/.git",
        "mv a/b/c/d/X X",
    ),
    "too deep, then an old file is made to lead there": (
        f"{_DEEP}; mkdir X; echo 'gitdir: nowhere' > X/.git",
        "echo 'gitdir: ../a/b/c/d/e/r/.git' > X/.git",
    ),
    "an old file that leads to what comes later": (
        "mkdir X; echo 'gitdir: ../a/b/c/d/e/r/.git' > X/.git",
        _DEEP,
    ),
    "where nobody looks, then moved": (
        f"mkdir node_modules; git init -q node_modules/r; {_ARM} >> node_modules/r/.git/config",
        "mv node_modules/r X",
    ),
    "unfinished, then finished": (
        f"git init -q X; mv X/.git/HEAD X/h; {_ARM} >> X/.git/config",
        "mv X/h X/.git/HEAD",
    ),
    "hooks of one that was unfinished": (
        "git init -q X; mv X/.git/refs X/r; printf '#!/bin/sh\\ntouch CANARY\\n' > X/.git/hooks/pre-commit; "
        "chmod +x X/.git/hooks/pre-commit",
        "mv X/r X/.git/refs",
    ),
    "a git folder of links in which a file is written": (
        "git init -q --bare a/s; mkdir X; ln -s ../a/s/objects ../a/s/refs X; cp a/s/HEAD a/s/config X",
        f"{_ARM} >> X/config",
    ),
    "a configuration too deep that an old git folder uses": (
        "mkdir -p a/b/c/d; git init -q --bare a/b/c/d/s; mkdir X; cp a/b/c/d/s/HEAD X; "
        "echo ../a/b/c/d/s > X/commondir",
        f"{_ARM} >> a/b/c/d/s/config",
    ),
    "in the place of a folder that held nothing": (
        "git init -q --bare s; mkdir -p p/c a/b/c/d/q/c; ln -s ../../s/objects ../../s/refs a/b/c/d/q/c; "
        f"cp s/HEAD s/config a/b/c/d/q/c; {_ARM} >> a/b/c/d/q/c/config",
        "mv p a/p; mv a/b/c/d/q p; ln -s p/c X",
    ),
    "in the place of one that was there": (_DEEP, "mv old a/b/old; mv a/b/c/d/e/r old; ln -s old X"),
}


@pytest.fixture
def place(workspace: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(workspace / "old")], check=True)
    return workspace


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
async def test_no_repository_that_two_runs_prepare_makes_a_persons_git_run_something(
    finish: Finish, profile: Profile, place: Path, trap: tuple[str, str]
) -> None:
    canary = place.parent / "ran"
    guarded = replace(profile, protected=(place / ".envrc",))
    for script in trap:
        _text, outcome = await finish(grant_for(guarded, "bash", "-ec", script.replace("CANARY", str(canary))))
        assert outcome.exit_code == 0
    assert any(denial.kind == "protected" for denial in outcome.denials)
    visit(place)
    assert not canary.exists()


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_each_of_these_traps_works_without_the_guard(place: Path, trap: tuple[str, str]) -> None:
    canary = place.parent / "ran"
    for script in trap:
        subprocess.run(["bash", "-ec", script.replace("CANARY", str(canary))], cwd=place, check=True)
    visit(place)
    assert canary.exists()


async def test_what_a_person_set_up_stays_when_a_run_moves_it(
    finish: Finish, profile: Profile, place: Path
) -> None:
    guarded = replace(profile, protected=(place / ".envrc",))
    hook = place / "old/.git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\n")
    subprocess.run(["git", "-C", str(place / "old"), "config", "core.pager", "mine"], check=True)
    until_past(hook)
    for script in ("mv old elsewhere", "mkdir d; mv elsewhere d", "cd d/elsewhere; git status"):
        _text, outcome = await finish(grant_for(guarded, "bash", "-ec", script))
        assert (outcome.exit_code, outcome.denials) == (0, ())
    assert (place / "d/elsewhere/.git/hooks/pre-commit").exists()
    assert "mine" in (place / "d/elsewhere/.git/config").read_text()
