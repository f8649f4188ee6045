"""The first steps of the command: nobody else's code is loaded, and every command explains itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vtcode_tui import __version__
from vtcode_tui.cli import COMMANDS

VTCODE = str(Path(sys.executable).parent / "vtcode")


def _run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "VTCODE_HOME": str(cwd / "home"), **environment},
    )  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose modules have the names of the standard library's, and leave a mark when they are imported.

    Not `importlib`: the interpreter's own `-m` loads it from the folder before any code of a program begins.
    """
    for name in ("json", "argparse", "asyncio", "pathlib", "typing", "tomllib"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'hijacked')!r}, 'w').write({name!r})\n")
    return tmp_path


def test_the_modules_of_a_hostile_folder_are_not_imported(hostile: Path) -> None:
    control = _run(sys.executable, "-m", "argparse", cwd=hostile)
    assert control.returncode == 0 and (hostile / "hijacked").exists(), "the trap itself must work"
    (hostile / "hijacked").unlink()
    shown = _run(sys.executable, "-m", "vtcode_tui", "config", "path", cwd=hostile)
    assert shown.returncode == 0, shown.stderr
    assert not (hostile / "hijacked").exists()


def test_a_python_path_of_the_environment_is_not_followed(hostile: Path) -> None:
    shown = _run(VTCODE, "config", "path", cwd=hostile, PYTHONPATH=".")
    assert shown.returncode == 0, shown.stderr
    assert not (hostile / "hijacked").exists()


def test_the_version_is_said(tmp_path: Path) -> None:
    assert _run(VTCODE, "--version", cwd=tmp_path).stdout == f"vtcode {__version__}\n"


def test_the_overview_names_every_command(tmp_path: Path) -> None:
    shown = _run(VTCODE, "--help", cwd=tmp_path).stdout
    assert [name for name in COMMANDS if name != "app" and name not in shown] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str, tmp_path: Path) -> None:
    shown = _run(VTCODE, command, "--help", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "example:" in shown.stdout
    assert "vtcode" in shown.stdout.split("example:", 1)[1]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "app"])
def test_a_word_too_many_is_one_sentence_and_status_2(command: str, tmp_path: Path) -> None:
    shown = _run(VTCODE, command, "--no-such-option", cwd=tmp_path)
    assert shown.returncode == 2
    assert len(shown.stderr.strip().splitlines()) == 1, shown.stderr


@pytest.mark.kernel
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_another_process_of_the_user_cannot_read_our_environment(tmp_path: Path) -> None:
    """As root the kernel lets everybody look, so an ordinary user runs this program."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become an ordinary user whose processes it compares")
    program = (
        "import ctypes, os, subprocess, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"
        "look = ['cat', f'/proc/{os.getpid()}/environ']\n"
        "before = subprocess.run(look, capture_output=True).stdout\n"
        "from vtcode_tui.sandbox.harden import harden\n"
        "harden()\n"
        "after = subprocess.run(look, capture_output=True).stdout\n"
        "print(b'K=v' in before, b'K=v' in after)\n"
    )
    package = Path(__file__).resolve().parents[2]
    shown = subprocess.run(
        ["/usr/bin/python3", "-c", program, str(package)], capture_output=True, text=True, check=False,
        env={"K": "v", "PATH": "/usr/bin:/bin"}, cwd="/",
    )  # fmt: skip
    if "ModuleNotFoundError" in shown.stderr or "PermissionError" in shown.stderr:
        pytest.skip("an ordinary user cannot read this checkout")
    assert shown.stdout.strip() == "True False", shown.stderr


def test_a_mistyped_command_names_the_one_that_was_meant(tmp_path: Path) -> None:
    ran = _run(VTCODE, "polcy", cwd=tmp_path)
    assert ran.returncode == 2
    assert "did you mean `vtcode policy`?" in ran.stderr


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize(
    "command", ["policy check --batch", "exec -", "doctor", "sandbox run -- true", "config show"]
)
def test_a_closed_standard_stream_is_one_that_leads_nowhere(command: str, closed: str, tmp_path: Path) -> None:
    shown = _run("sh", "-c", f"exec {VTCODE} {command} {closed}", cwd=tmp_path)
    assert "Traceback" not in shown.stderr
    assert shown.returncode in {0, 1, 2, 3, 4}
    if "2>&-" in closed:
        assert shown.stderr == ""


@pytest.mark.parametrize("home", ["", "relative", "."])
def test_a_home_that_is_no_absolute_path_puts_nothing_into_the_folder_that_is_open(
    home: str, tmp_path: Path
) -> None:
    shown = _run("env", "-u", "VTCODE_HOME", f"HOME={home}", VTCODE, "config", "path", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    (user,) = [line for line in shown.stdout.splitlines() if line.startswith("user")]
    assert user.split()[1].startswith("/") and str(tmp_path) not in user
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_the_state_of_vtcode_is_refused_before_anything_else_is_said(tmp_path: Path) -> None:
    for words in (["sandbox", "run", "--", "ls"], ["trust", "grant"]):
        shown = _run(VTCODE, *words, cwd=Path("/"), VTCODE_HOME=str(tmp_path))
        assert shown.returncode != 0
        assert shown.stderr == f"vtcode: / holds vtcode's own state ({tmp_path}/state) and cannot be a workspace\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
@pytest.mark.parametrize("command", ["config schema", "policy check -- ls", "policy show --json", "doctor"])
def test_an_output_that_is_full_is_one_sentence(command: str, tmp_path: Path) -> None:
    shown = _run("sh", "-c", f"exec {VTCODE} {command} > /dev/full", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (1, "vtcode: No space left on device\n")
