"""The architecture as the build can break it: sizes, and which room may do what.

import-linter holds the direction of the arrows; these hold what imports cannot say.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "vtcode_tui"
SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if "_shipped" not in p.parts)

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


@dataclass(frozen=True)
class _Module:
    """What the rules ask of a module: its tree is far larger, and the collector would walk all of them again."""

    calls: tuple[tuple[str, int], ...]
    """Dotted names that it calls, with lines; neither `import os as o` nor `from os import fork` hides one."""
    writes: tuple[tuple[str, int], ...]
    functions: tuple[tuple[str, int, int], ...]
    """Name, line, number of lines."""


@functools.cache
def _read(path: Path) -> _Module:
    names: dict[str, str] = {}
    called: list[ast.Call] = []
    functions: list[tuple[str, int, int]] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Call():
                called.append(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                functions.append((node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1))
            case ast.Import():
                names |= {one.asname: one.name for one in node.names if one.asname}
            case ast.ImportFrom(module=str()):
                names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    calls = []
    for node in called:
        first, dot, rest = _dotted(node.func).partition(".")
        calls.append((names.get(first, first) + dot + rest, node.lineno))
    writes = [(what, node.lineno) for node in called if (what := _writes(node))]
    return _Module(tuple(calls), tuple(writes), tuple(functions))


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute(value=ast.Name() | ast.Attribute()):
            return f"{_dotted(node.value)}.{node.attr}"
    return ast.unparse(node)


def test_a_file_is_short_enough_to_hold_one_reason() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: size for name, size in sizes.items() if size > MAX_FILE_LINES} == {}, "split them by concept"


def test_a_function_fits_on_a_screen() -> None:
    sizes = {
        f"{path.relative_to(ROOT)}:{line} {name}": size
        for path in SOURCES
        for name, line, size in _read(path).functions
    }
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES} == {}


def test_a_call_is_recognised_under_another_name(tmp_path: Path) -> None:
    module = tmp_path / "disguised.py"
    module.write_text("import subprocess as quiet\nfrom os import fork as spoon\nquiet.run(['x'])\nspoon()\n")
    assert _read(module).calls == (("subprocess.run", 3), ("os.fork", 4))
    assert all(_starts_a_process(name) for name, _ in _read(module).calls)


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
        for name, line in _read(path).calls
        if _starts_a_process(name)
    ]
    assert found == []


def test_a_grant_is_made_in_the_gate_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        if _room(path) != "gate"
        for name, line in _read(path).calls
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


WRITES_A_FILE = {
    "write_text", "write_bytes", "write_atomically", "unlink", "rename", "replace", "rmdir", "mkdir", "makedirs",
    "symlink_to", "hardlink_to", "touch", "chmod", "truncate", "ftruncate", "rmtree", "copyfile", "copytree",
    "move", "removedirs", "symlink", "link", "mkfifo", "mknod",
}  # fmt: skip

OWN_FILES = {
    "workspace": "the workspace's files, by functions that run in a sandboxed worker, and the record of trust",
    "sandbox": "scratch folders and mounts of runs",
    "events": "journals, the root log, anchors, exporters' offsets",
    "sessions": "session.md and meta.json",
    "terminal": "recordings and spools of a session",
    "policy": "the user's own tool-policy.json",
    "config": "the user's own vtcode.toml",
    "common": "atomic files for everybody above",
    "cli": "files that the person names on the command line, and the user's own configuration",
    "tui": "the history of prompts, screenshots and exports that the person asks for, crash reports",
    "demo": "the throw-away project of the tour",
}
"""Rooms that write files, and which. No other room writes any."""


def _writes(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        owner = _dotted(function.value)
        if function.attr == "replace" and len(node.args) != 1:
            return ""  # str.replace, dataclasses.replace
        if function.attr in {"replace", "move", "link"} and owner not in {"os", "shutil"} and "ath" not in owner:
            return ""
        return function.attr if function.attr in WRITES_A_FILE else ""
    if isinstance(function, ast.Name) and function.id in WRITES_A_FILE - {"replace", "move", "link"}:
        return function.id
    mode = next((a for a in node.args[1:2] if isinstance(a, ast.Constant)), None)
    if (
        isinstance(function, ast.Name)
        and function.id == "open"
        and mode is not None
        and set(str(mode.value)) & set("wax+")
    ):
        return "open for writing"
    return ""


def test_files_are_written_only_in_the_rooms_that_own_them() -> None:
    found = [
        (_room(path), f"{path.relative_to(ROOT)}:{line} {what}")
        for path in SOURCES
        for what, line in _read(path).writes
    ]
    assert {"workspace", "events", "sessions"} <= {room for room, _ in found}, "the eye itself must see"
    assert [place for room, place in found if room not in OWN_FILES] == []


def test_sockets_are_opened_only_for_models_exporters_the_proxy_and_the_tour() -> None:
    opens = {
        "socket.socket", "socket.create_connection", "socket.create_server", "asyncio.open_connection",
        "asyncio.start_server", "asyncio.open_unix_connection", "httpx.AsyncClient", "httpx.Client",
        "urllib.request.urlopen", "urlopen",
    }  # fmt: skip
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in SOURCES
        if _room(path) not in {"llm", "events", "sandbox", "demo"}
        for name, line in _read(path).calls
        if name in opens
    ]
    assert [row for row in found if "gate/signing" not in row] == [], (
        "the ssh-agent is asked in gate/signing.py only"
    )
