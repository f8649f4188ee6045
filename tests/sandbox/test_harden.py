from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREPARE = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from vtcode_tui.sandbox import harden; "


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", PREPARE + code],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_hardened_process_is_not_dumpable_and_writes_no_core() -> None:
    code = (
        "harden.harden(); import ctypes, resource; "
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    assert _run(code).stdout.strip() == "0 (1, 1)"


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() == 0, reason="root may read everything")
def test_the_environment_of_the_hardened_process_cannot_be_read() -> None:
    code = "harden.harden(); open('/proc/self/environ').read()"
    with pytest.raises(subprocess.CalledProcessError):
        _run(code, CANARY="x")


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD_X", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "BASH_ENV", "NODE_OPTIONS"]
)
def test_variables_that_load_code_are_dropped(name: str) -> None:
    code = f"harden.harden(); import os; print(os.environ.get({name!r}))"
    assert _run(code, **{name: "x"}).stdout.strip() == "None"


def test_inherited_descriptors_are_closed_and_the_standard_ones_exist() -> None:
    held = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(held, True)
    code = f"""
import os
os.close(0)
harden.harden()
os.fstat(0)
try:
    os.fstat({held})
    print("open")
except OSError:
    print("closed")
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", PREPARE + code], pass_fds=[held], capture_output=True, text=True, check=True
    )
    os.close(held)
    assert done.stdout.strip() == "closed"


def test_a_module_in_the_folder_one_starts_in_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("print('HIJACKED')\n")
    code = PREPARE.replace("; ", "\n") + (
        "import os\n"
        "import sys\n"
        "os.execv = lambda path, words: print('again with', words[1])\n"
        "harden.isolate(['--version'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin"},
    )
    assert "again with -" in done.stdout


def test_an_isolated_process_does_not_start_itself_again() -> None:
    code = "import os; os.execv = lambda *words: print('again'); harden.isolate([]); print('went on')"
    assert _run(code).stdout.strip() == "went on"
