"""The same attacks as a user without any privilege, when the tests themselves run as root.

Of every group one attack in ten, at least one, in every tier; VTCODE_ATTACKS=all takes all of them (minutes).
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 54321
DRIVER = """
import asyncio, json, os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from vtcode_tui.sandbox import Spawner
from vtcode_tui.sandbox.selftest import suite, table

async def main():
    base, step = Path(sys.argv[2]), int(sys.argv[3])
    planted = {}
    suite.plant(planted)
    os.environ.update(planted)
    control = suite.Control()
    bad, proven, contained = [], 0, 0
    spawner = Spawner.start(scratch=base / "scratch")
    groups = {}
    for attack in table.all_attacks():
        groups.setdefault(attack.group, []).append(attack)
    for attack in [one for group in groups.values() for one in group[::step]]:
        works = bool(control.breaches(attack, base))
        proven += works
        for mode in ("full", "staged", "kernel"):
            spawner.tier = "kernel" if mode == "kernel" else "full"
            result = await suite.attempt(spawner, attack, staged=mode == "staged", base=base)
            contained += works and result.verdict == "contained"
            if result.verdict in ("BREACH", "no sandbox"):
                bad.append([attack.id, mode, result.verdict, result.breaches, result.output[-200:]])
    control.close()
    await spawner.close()
    print(json.dumps({"bad": bad, "proven": proven, "contained": contained, "uid": os.getuid()}))

asyncio.run(main())
"""

RUNS = """
import asyncio, json, os, secrets, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from vtcode_tui.sandbox import Execute, Grant, Profile, Spawner

async def main():
    base, said = Path(sys.argv[2]), []
    for tier in ("full", "kernel"):
        workspace = base / tier
        workspace.mkdir(exist_ok=True)
        profile = Profile("test", workspace, (workspace,), protected=(workspace / ".envrc",))
        spawner = Spawner.start(scratch=base / "scratch", tier=tier)
        for script in sys.argv[3:]:
            work = Execute(("bash", "-ec", script), Path("/bin/bash"))
            expires = time.monotonic_ns() + 60 * 10**9
            flight = await spawner.run(Grant(secrets.token_hex(8), "c", "", work, workspace, profile, expires))
            output = b"".join([piece async for piece in flight.output()]).decode()
            outcome = await flight.wait()
            assert outcome.exit_code == 0, output
            said.append([output.strip(), [denial.detail for denial in outcome.denials]])
        await spawner.close()
    print(json.dumps(said))

asyncio.run(main())
"""

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as an ordinary user already"),
]


def _interpreter() -> str | None:
    """A Python that a user without privilege can start, 3.11 or newer."""
    for folder in ("/usr/local/bin", "/usr/bin"):
        for name in ("python3.13", "python3.12", "python3.11"):
            found = shutil.which(name, path=folder)
            if found and not str(Path(found).resolve()).startswith("/root/"):
                return found
    return None


@pytest.fixture(scope="module")
def library() -> Iterator[Path]:
    """A copy of the program that every user can read."""
    base = Path(tempfile.mkdtemp(prefix="vtcode-library-"))
    base.chmod(0o755)
    # With what is compiled already: that user cannot keep what they compile, and would do it for each process.
    shutil.copytree(ROOT / "vtcode_tui", base / "vtcode_tui")
    for name in ("landlock",):
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, base / name)
        else:
            shutil.copy(origin, base)
    subprocess.run(["chmod", "-R", "a+rX", str(base)], check=True)
    yield base
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def place(library: Path) -> Iterator[Path]:
    """A folder with `own`, that user's, and a link to the program."""
    base = Path(tempfile.mkdtemp(prefix="vtcode-user-"))
    base.chmod(0o755)
    (base / "library").symlink_to(library)
    (base / "own").mkdir()
    os.chown(base / "own", NOBODY, NOBODY)
    yield base
    shutil.rmtree(base, ignore_errors=True)


def _as_user(script: str, place: Path, *words: str) -> Any:
    """What a program prints as JSON that runs as a user without any privilege, in a folder of its own."""
    interpreter = _interpreter()
    if interpreter is None or shutil.which("setpriv") is None:
        pytest.skip("no Python or setpriv that another user could start")
    as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
    done = subprocess.run(
        [*as_user, interpreter, "-I", "-c", script, str((place / "library").resolve()), str(place / "own"), *words],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(place / "own")},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_no_attack_of_an_ordinary_user_gets_out(place: Path) -> None:
    said = _as_user(DRIVER, place, "1" if os.environ.get("VTCODE_ATTACKS") == "all" else "10")
    assert said["uid"] == NOBODY
    assert said["bad"] == []
    assert said["proven"] >= 30
    assert said["contained"] >= 85


def test_where_memory_runs_out_an_ordinary_users_run_goes_before_anything_else_of_theirs(place: Path) -> None:
    said = _as_user(RUNS, place, "cat /proc/self/oom_score_adj")
    assert said == [["500", []]] * 2


CLOSED = {
    "its folder": ("chmod 000 r", "r"),
    "its git folder": ("chmod 000 r/.git", "r/.git"),
    "the folder above": ("mkdir p; mv r p; chmod 400 p", "p"),
}


@pytest.mark.parametrize(("close", "closed"), CLOSED.values(), ids=CLOSED)
def test_a_repository_that_a_run_closes_is_opened_again_and_disarmed(place: Path, close: str, closed: str) -> None:
    arm = "git init -q r; printf '[core]\\nfsmonitor = EVIL\\n' >> r/.git/config"
    for _output, changed in _as_user(RUNS, place, f"{arm}; {close}"):
        assert closed in changed
    for config in (place / "own").rglob("config"):
        assert "EVIL" not in config.read_text()


def test_a_folder_that_a_person_has_closed_stays_so(place: Path) -> None:
    closed = [place / "own" / tier / "mine" for tier in ("full", "kernel")]
    for folder in closed:
        folder.mkdir(parents=True)
        folder.chmod(0)
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(place / "own")], check=True)
    said = _as_user(RUNS, place, "touch new")
    assert said == [["", []]] * 2
    assert [folder.stat().st_mode & 0o777 for folder in closed] == [0, 0]
