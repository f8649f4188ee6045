"""The architecture as the build can break it: sizes, and which room may do what.

import-linter holds the direction of the arrows; these hold what imports cannot say.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "vtcode_tui"
SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if "_shipped" not in p.parts)

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def _calls(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that a module calls, with line numbers."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_short_enough_to_hold_one_reason(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE_LINES, f"{path.relative_to(ROOT)} has {lines} lines: split it by concept"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= MAX_FUNCTION_LINES, (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {size} lines"
            )


STARTS_A_PROCESS = {
    "subprocess", "os.system", "os.popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.posix_spawnp", "pty.fork",
    "pty.spawn", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "pexpect.spawn",
    "multiprocessing.Process", "ProcessPoolExecutor",
}  # fmt: skip


def _starts_a_process(name: str) -> bool:
    return (
        name in STARTS_A_PROCESS
        or name.startswith(("subprocess.", "os.exec", "os.spawn", "pexpect.", "ptyprocess."))
        or name.endswith("ProcessPoolExecutor")
    )


def test_processes_are_started_in_the_sandbox_room_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in SOURCES
        if _room(path) != "sandbox"
        for name, line in _calls(path)
        if _starts_a_process(name)
    ]
    assert found == []


def test_a_grant_is_made_in_the_gate_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        if _room(path) != "gate"
        for name, line in _calls(path)
        if name.rsplit(".", 1)[-1] == "Grant"
    ]
    assert found == []


def test_only_the_commands_that_need_a_screen_load_textual() -> None:
    names = [p.stem for p in (PACKAGE / "cli").glob("*.py") if p.stem != "__init__"]
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(f'vtcode_tui.cli.{name}')\n"
        "heavy = {'textual', 'httpx', 'pydantic', 'cryptography', 'tree_sitter'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"
