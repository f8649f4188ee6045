"""`vtcode sandbox` as a person types it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).resolve().parents[2]


def _vtcode(*words: str, cwd: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from vtcode_tui.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd.parent), "VTCODE_HOME": str(cwd.parent / "vtcode")},
        capture_output=True,
        text=True,
        input=text,
        check=False,
    )


def test_a_command_keeps_its_streams_its_input_and_its_status(workspace: Path) -> None:
    script = "cat; echo out; echo err >&2; echo made > file; exit 5"
    done = _vtcode("sandbox", "run", "--", "sh", "-c", script, cwd=workspace, text="typed\n")
    assert (done.stdout, done.returncode) == ("typed\nout\n", 5), done.stderr
    assert done.stderr.startswith("err\n")
    assert (workspace / "file").read_text() == "made\n"


def test_what_was_refused_is_said_on_stderr(workspace: Path) -> None:
    program = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = _vtcode("sandbox", "run", "--", "python3", "-c", program, cwd=workspace)
    assert done.returncode == 1
    assert "vtcode: refused: python3" in done.stderr


@pytest.mark.parametrize("status", [0, 3])
def test_the_list_of_addresses_that_libc_asks_for_is_a_refusal_only_where_the_run_failed(
    workspace: Path, status: int
) -> None:
    program = f"import socket\ntry: socket.socket(16, 3, 0)\nexcept OSError: raise SystemExit({status})"
    done = _vtcode("sandbox", "run", "--", "python3", "-c", program, cwd=workspace)
    assert done.returncode == status
    assert ("netlink socket for addresses and routes" in done.stderr) == (status != 0)
    assert done.stderr.count("netlink") <= 1


def test_no_byte_of_a_run_acts_on_the_terminal_in_our_name(workspace: Path) -> None:
    program = (
        "import ctypes, socket; ctypes.CDLL(None).prctl(15, b'\\x1b[2Jx', 0, 0, 0);"
        "socket.socket(socket.AF_UNIX).connect_ex('\\x1b]0;owned\\x07\\x9b2J\\n')"
    )
    done = _vtcode("sandbox", "run", "--", "python3", "-c", program, cwd=workspace)
    ours = [line for line in done.stderr.splitlines() if line]
    assert [line for line in ours if "owned" in line], done.stderr
    assert all(line.startswith("vtcode: ") for line in ours), done.stderr
    assert not set("\x1b\x07\x9b") & set(done.stderr)


def test_the_outcome_can_be_had_as_json(workspace: Path) -> None:
    done = _vtcode("sandbox", "run", "--json", "--", "true", cwd=workspace)
    said = json.loads(done.stderr.splitlines()[-1])
    assert (said["exit_code"], said["setup_error"]) == (0, "")
    assert said["tier"] in ("full", "kernel")


def test_a_folder_outside_is_reached_only_when_it_is_named(workspace: Path) -> None:
    data = workspace.parent / "data"
    data.mkdir()
    (data / "x").write_text("data\n")
    assert _vtcode("sandbox", "run", "--", "cat", str(data / "x"), cwd=workspace).returncode != 0
    done = _vtcode("sandbox", "run", "--read", str(data), "--", "cat", str(data / "x"), cwd=workspace)
    assert done.stdout == "data\n", done.stderr
    assert _vtcode("sandbox", "run", "--read", str(data), "--", "touch", f"{data}/y", cwd=workspace).returncode != 0
    done = _vtcode("sandbox", "run", "--write", str(data), "--", "touch", f"{data}/y", cwd=workspace)
    assert (data / "y").exists(), done.stderr


def test_the_doctor_says_which_tier_holds(workspace: Path) -> None:
    done = _vtcode("sandbox", "doctor", "--json", cwd=workspace)
    said = json.loads(done.stdout)
    assert said["tier"] in ("full", "kernel")
    assert {finding["name"] for finding in said["findings"]} >= {"landlock", "filters"}


def test_vtcodes_own_files_are_out_of_reach_even_when_the_workspace_holds_them(workspace: Path) -> None:
    # The state folder of these tests lies beside the workspace.
    done = _vtcode("sandbox", "run", "--write", str(workspace.parent), "--", "true", cwd=workspace)
    assert done.returncode in (2, 4)
    assert "own files" in done.stderr


def test_a_terminal_is_shown_a_runs_colours_and_obeys_nothing_else_of_it(workspace: Path) -> None:
    leader, follower = os.openpty()
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from vtcode_tui.cli import main; sys.exit(main())"
    script = r"printf '\033[31mred\033[0m \033]52;c;eA==\007\302\2332J\n'; printf '\033[6n' >&2"
    started = subprocess.Popen(
        [sys.executable, "-c", program, "sandbox", "run", "--", "sh", "-c", script],
        cwd=workspace,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(workspace.parent),
            "VTCODE_HOME": str(workspace.parent / "vtcode"),
        },
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    with os.fdopen(leader, "rb", buffering=0) as screen, contextlib.suppress(OSError):
        while piece := screen.read(65536):
            seen += piece
    assert started.wait() == 0
    shown = seen.decode()
    assert "\x1b[31mred\x1b[0m" in shown
    assert not set(shown.replace("\x1b[31m", "").replace("\x1b[0m", "")) & set("\x1b\x07\x9b")


@pytest.mark.parametrize("words", [["sandbox", "run"], ["sandbox", "run", "--", "no-such-program"]])
def test_a_wrong_command_line_is_one_sentence_and_status_2(workspace: Path, words: list[str]) -> None:
    done = _vtcode(*words, cwd=workspace)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_programs_of_a_run_trace_each_other_only_where_the_person_says_so(workspace: Path) -> None:
    init = "/etc/gdb/gdbinit"  # the first thing that gdb reads
    read = f"import os; os.path.exists({init!r}) and open({init!r})"
    script = f"{read}; import ctypes; print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))"
    traced = ["/usr/bin/python3", "-c", script]
    refused = _vtcode("sandbox", "run", "--", *traced, cwd=workspace)
    assert refused.stdout == "-1\n"
    assert "ptrace" in refused.stderr
    assert "--debug" in refused.stderr
    allowed = _vtcode("sandbox", "run", "--debug", "--", *traced, cwd=workspace)
    assert (allowed.stdout, allowed.stderr) == ("0\n", "")


def test_a_limit_that_ended_a_run_is_named_with_the_setting_that_raises_it(workspace: Path) -> None:
    done = _vtcode("sandbox", "run", "--", "head", "-c", "100000000", "/dev/zero", cwd=workspace)
    assert "ended: limit: more than 64 MiB of output (raise `output_mb` under [sandbox]" in done.stderr


def test_the_selftest_attacks_in_every_tier_and_prints_the_matrix(workspace: Path) -> None:
    done = _vtcode("selftest", "--only", "signal: kill ", cwd=workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    header, row, whole = [line.split() for line in done.stdout.strip().splitlines()]
    assert header[:3] == ["contained", "of", "proven"]
    assert row == ["signal", *["3/3"] * len(header[3:-3])]
    assert whole == ["all", *row[1:]]


def test_the_selftest_says_how_many_attacks_prove_nothing_here_and_why(workspace: Path) -> None:
    """A machine without the program or the right for an attack is no machine that holds it."""
    attack = "read: by path, /proc/1/root"
    done = _vtcode("selftest", "--only", attack, cwd=workspace)
    if " 1/1" in done.stdout:
        pytest.skip("here anybody may look into the root of process 1")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.strip().splitlines()]
    assert lines[1][0] == "read"
    assert set(lines[1][1:-1]) == {"0/0"}
    assert lines[1][-1] == "1"
    assert lines[-1] == ["read", "1", "Permission", "denied"]


def test_the_selftest_does_the_workloads_and_tells_each_result_as_json(workspace: Path) -> None:
    done = _vtcode("selftest", "--only", "workload: git status", "--json", "--tier", "kernel", cwd=workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"workload": "git status", "mode": "kernel", "verdict": "works"}
    ]
